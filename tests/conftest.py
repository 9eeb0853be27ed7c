"""What every test run has: the search for real servers, and the lines at its end that say what was not proven."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests import checklist, servers
from tests.servers import require_server

COVERAGE_FILE: Final = Path("build/coverage.json")
"""Written by `make test` before the summary is printed."""

FROM_WORKERS: Final[set[str]] = set()
"""What the xdist workers did not find; only the process that started them prints."""


def pytest_configure() -> None:
    """Hear the signals that whoever started us told us to ignore, as `nohup` and `&` in a script do.

    Every process that a test starts would inherit that, and some tests prove what a signal does to one.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(name="require_server")
def require_server_fixture() -> Callable[[str], Path]:
    """`require_server("promtool")`: the program's path, or a visible skip (see tests/servers.py)."""
    return require_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a test claims of tests/checklist.py goes with its report, from whatever process it ran in."""
    for item in items:
        claims = {str(code) for mark in item.iter_markers(checklist.MARK) for code in mark.args}
        item.user_properties += [(checklist.PROPERTY, code) for code in sorted(claims)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands what it missed to the process that started it."""
    handed_over: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if handed_over is not None:
        handed_over["missing_servers"] = sorted(servers.MISSING)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ANN401 - a class of xdist's that it does not export
    """Collect what a worker missed; one that died has nothing to hand over, and its tests count as failed already."""
    del error
    FROM_WORKERS.update(getattr(node, "workeroutput", {}).get("missing_servers", []))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what ran, what was covered, and which servers were missing, above pytest's closing line."""
    terminalreporter.section("figures", sep="-")
    terminalreporter.write_line(", ".join([counted(terminalreporter), *measured(config)]))
    for figure in recorded(terminalreporter):
        terminalreporter.write_line(figure)
    held = checklist.table(claims(terminalreporter))
    if held:
        terminalreporter.section("checklists of the field", sep="-")
    for line in held:
        terminalreporter.write_line(line)
    missing = sorted(servers.MISSING | FROM_WORKERS)
    if missing:
        terminalreporter.section("missing servers and tools: what needs them was not proven", sep="-")
    for name in missing:
        package = servers.DEBIAN_PACKAGES.get(name, name)
        terminalreporter.write_line(f"missing: {name} (apt-get install {package})")


def counted(reporter: pytest.TerminalReporter) -> str:
    """How many tests ran, skipped ones apart."""
    ran = {r.nodeid for key in ("passed", "failed", "error", "xfailed", "xpassed") for r in reporter.stats.get(key, [])}
    return f"{len(ran)} tests ran"


def recorded(reporter: pytest.TerminalReporter) -> list[str]:
    """What tests measured and handed over with `record_property("figure", text)`."""
    reports = [report for key in ("passed", "failed") for report in reporter.stats.get(key, [])]
    return [str(text) for report in reports for name, text in report.user_properties if name == "figure"]


def claims(reporter: pytest.TerminalReporter) -> list[tuple[str, str]]:
    """Pairs of statement and outcome, of every test that claims one."""
    return [
        (str(code), key)
        for key in ("passed", "failed", "error", "skipped")
        for report in reporter.stats.get(key, [])
        for name, code in getattr(report, "user_properties", ())
        if name == checklist.PROPERTY
    ]


def measured(config: pytest.Config) -> list[str]:
    """The share of covered branches, of a run that measured them."""
    source = config.rootpath / COVERAGE_FILE
    asked_for = getattr(config.option, "cov_report", None) or {}
    if "json" not in asked_for or not source.exists():
        return []
    totals = json.loads(source.read_text(encoding="utf-8"))["totals"]
    covered, known = totals["covered_branches"], totals["num_branches"]
    share = 100 * covered / known if known else 100.0
    return [
        f"branch coverage {share:.1f}% ({covered} of {known})",
        f"lines and branches {totals['percent_covered']:.1f}%",
    ]
