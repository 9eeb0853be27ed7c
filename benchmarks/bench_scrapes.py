"""What a scrape costs: latency, processor time and memory by number of pairs, beside the library's own server.

Whole processes over HTTP on loopback, gzip accepted as Prometheus does.  Ends with 1 where a target is missed; targets
are ratios of figures of one run.
"""

from __future__ import annotations

import http
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.scraped import Place, crowd, make_site, node, observe, ours, ours_by_tls, stock

SIZES: Final = (10, 100, 1000)
HUGE: Final = 10_000
"""Printed, and no target of any kind."""
SCRAPERS: Final = 50
FASTER: Final = 20.0
"""How many times as long the stock handler takes for a scrape of 1000 pairs."""
GROWTH: Final = 1.5
"""A warm scrape of 1000 pairs of one set takes at most so many times the processor time of one of 10."""
UNHURT: Final = 1.2
"""How many times the p99 of a scrape may grow while 200 clients of the TLS port want nothing."""
ROUNDS: Final = 5
NODE: Final = "prometheus-node-exporter"


class Figures(NamedTuple):
    """Of many scrapes; milliseconds."""

    p50: float
    p99: float
    cpu: float
    memory: float
    size: int

    def __str__(self) -> str:
        return f"{self.p50:>9.2f}{self.p99:>9.2f}{self.cpu:>9.2f}{self.memory:>9.1f}{self.size / 1024:>9.1f}"


HEAD: Final = f"{'p50 ms':>9}{'p99 ms':>9}{'cpu ms':>9}{'RSS MB':>9}{'KB sent':>9}"


def scrape(place: Place, times: int) -> list[tuple[float, int]]:
    """One scraper on one connection: seconds and bytes of each scrape."""
    found = []
    with closing(place.connect()) as connection:
        for _ in range(times):
            began = time.perf_counter()
            connection.request("GET", place.path, headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise SystemExit(f"{place}: {answer.status} {body[:200]!r}")
            found.append((time.perf_counter() - began, len(body)))
    return found


def measure(place: Place, times: int, scrapers: int = 1) -> Figures:
    """Figures of `times` scrapes by each of `scrapers` at once, the first ones of each left out."""
    scrape(place, 3)
    before = place.cpu()
    with ThreadPoolExecutor(scrapers) as pool:
        rounds = list(pool.map(lambda _: scrape(place, times), range(scrapers)))
    spent = (place.cpu() - before) / (times * scrapers)
    taken = sorted(seconds for one in rounds for seconds, _ in one)
    sizes = [size for one in rounds for _, size in one]
    p99 = taken[min(len(taken) - 1, int(len(taken) * 0.99))]
    return Figures(statistics.median(taken) * 1e3, p99 * 1e3, spent * 1e3, place.memory(), max(sizes))


def measure_cold(place: Place, config: Path) -> Figures:
    """Scrapes that find a new reading: parse the file, judge, render, deflate."""
    taken, before = [], place.cpu()
    for _ in range(5):
        observe(config)
        taken += scrape(place, 1)
    spent = (place.cpu() - before) / len(taken)
    seconds = sorted(one for one, _ in taken)
    sizes = max(size for _, size in taken)
    return Figures(statistics.median(seconds) * 1e3, seconds[-1] * 1e3, spent * 1e3, place.memory(), sizes)


def report(label: str, figures: Figures) -> Figures:
    """Print a line of the table."""
    print(f"{label:<36}{figures}", flush=True)
    return figures


def settle() -> None:
    """What was written a moment ago is not believed to stand still."""
    time.sleep(1.5)


def measure_size(pairs: int) -> dict[str, Figures]:
    """Ours and the stock handler on one configuration."""
    with tempfile.TemporaryDirectory() as name:
        config = make_site(Path(name), pairs)
        with ours(config) as place, stock(config) as other:
            found = {"cold": report(f"{pairs} pairs, new reading", measure_cold(place, config))}
            settle()
            # In turns, so that what the machine does besides hits both.
            found["warm"] = report(f"{pairs} pairs, warm", measure(place, 300))
            found["stock"] = report(f"{pairs} pairs, stock handler", measure(other, 300 if pairs < HUGE // 10 else 20))
            found["many"] = report(f"{pairs} pairs, warm, {SCRAPERS} scrapers", measure(place, 20, SCRAPERS))
    return found


def measure_node() -> None:
    """node_exporter, for scale."""
    program = shutil.which(NODE)
    if program is None:
        print(f"{NODE} is not installed: apt-get install {NODE}")
        return
    with tempfile.TemporaryDirectory() as name, node(program, Path(name)) as place:
        report("node_exporter, this machine", measure(place, 50))


def measure_one_set() -> Figures:
    """As many pairs in a single set: what is left is what pairs cost, not sets, whose journals are looked at."""
    with tempfile.TemporaryDirectory() as name, ours(make_site(Path(name), SIZES[-1], SIZES[-1])) as place:
        settle()
        return report(f"{SIZES[-1]} pairs in one set, warm", measure(place, 300))


def measure_crowd() -> float:
    """By how many times the p99 grows with the crowd there: medians of rounds in turns."""
    alone, beside = [], []
    with tempfile.TemporaryDirectory() as name:
        config = make_site(Path(name), SIZES[-1])
        with ours_by_tls(config) as place:
            settle()
            for _ in range(ROUNDS):
                alone.append(measure(place, 200))
                with crowd(place):
                    beside.append(measure(place, 200))
    report(f"{SIZES[-1]} pairs, TLS", _median(alone))
    report(f"{SIZES[-1]} pairs, TLS, 200 idle clients", _median(beside))
    return _median(beside).p99 / _median(alone).p99


def _median(figures: list[Figures]) -> Figures:
    """The median of each figure."""
    p50, p99, cpu, memory, size = (statistics.median(column) for column in zip(*figures, strict=True))
    return Figures(p50, p99, cpu, memory, int(size))


def main() -> int:
    """Print the table; 1 where a target is missed."""
    print("Scrapes over HTTP on loopback; sets of ten pairs")
    print(f"{'':<36}{HEAD}")
    found = {pairs: measure_size(pairs) for pairs in SIZES}
    one_set, unhurt = measure_one_set(), measure_crowd()
    measure_node()
    if "--huge" in sys.argv[1:]:
        measure_size(HUGE)
    smallest, largest = found[SIZES[0]], found[SIZES[-1]]
    faster = largest["stock"].p50 / largest["warm"].p50
    growth = one_set.cpu / smallest["warm"].cpu
    print(f"stock handler / ours, {SIZES[-1]} pairs, p50: {faster:.0f} (target: at least {FASTER:.0f})")
    print(f"processor time of a warm scrape, {SIZES[-1]} / {SIZES[0]} pairs of a set: {growth:.2f} (at most {GROWTH})")
    print(f"p99 with 200 idle or silent TLS clients / without: {unhurt:.2f} (target: at most {UNHURT})")
    return int(faster < FASTER or growth > GROWTH or unhurt > UNHURT)


if __name__ == "__main__":
    sys.exit(main())
