"""What reviewers of the field ask of such a program, as numbered statements, and the table that says which hold.

A test claims one with `@pytest.mark.proves("P01", "P13")`.  At the end of a run each statement stands in a table with
what became of the tests that claim it: it holds where they passed, all of them.  A statement that no test claims fails
the architecture tests, as does a claim for a statement that is not here.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

PROMETHEUS: Final[Mapping[str, str]] = {
    "P01": "promtool check metrics has nothing to say of a scrape",
    "P02": "every family has HELP and TYPE; no colon, capital, minutes or percent in a name",
    "P03": "counters end in _total and nothing else does; no _created series",
    "P04": "points in time are _timestamp_seconds; the one age beside them is the age asked for by name",
    "P05": "the states of a pair add up to 1, and unknown is one of them",
    "P06": "shares are ratios from 0 to 1: no percentages",
    "P07": "labels hold names, not texts, none is constant, and hostile bytes in them lose no scrape",
    "P08": "whether an array was read, how long that took, and the build are families of their own",
    "P09": "missing, hung or babbling commands: an answer in time, up 0, other arrays intact",
    "P10": "a pair that left the configuration leaves the metrics; nothing stands for what is not known",
    "P11": "two scrapes at once run the commands once, and both succeed",
    "P12": "the scrape timeout of the caller is kept",
    "P13": "whatever Accept says, valid or not, the answer is text format 0.0.4",
    "P14": "gzip only where accepted; HEAD works; 404 and 405 are right",
    "P15": "the root page names product and version and links to the metrics",
    "P16": "the flags of node_exporter (--web.*, --log.*, --version) and --config do what they do elsewhere",
    "P17": "a web configuration of exporter-toolkit works, and what promtool refuses is refused",
    "P18": "silent and idle clients on the TLS port delay nobody and exhaust nothing",
    "P19": "new certificate files count without a restart",
    "P20": "SIGHUP with a broken configuration keeps the old one, says so, and shows it as a metric",
    "P21": "nothing that the exporter serves changes the array",
    "P22": "a scrape of 1000 pairs costs a fraction of what the stock handler takes, in one run",
    "P23": "rules and their tests pass promtool; every alert has severity, texts, a runbook, and both kinds of test",
    "P24": "alerts for exporter down, array unreadable, stale reading, broken pair, automation held",
    "P25": "the dashboard has a datasource variable, a fixed uid, and only queries that work",
    "P26": "the default port is documented, and no other product's",
}
NAGIOS: Final[Mapping[str, str]] = {
    "N01": "exit status is 0 to 3 whatever happens",
    "N02": "--bogus, --help and --version exit 3",
    "N03": "one critical and one unreadable pair: critical, and both are named",
    "N04": "one status word first, at most 80 characters where all is well, nothing on stderr",
    "N05": "performance data parses by the strict grammar, with thresholds, without exponents",
    "N06": "no character of a name or an error breaks the structure of the lines",
    "N07": "ranges follow the guidelines; 0 is a limit; negative and missing ages are decided",
    "N08": "-t N ends within N + 1 s, names the stage, and leaves no process behind",
    "N09": "-v to -vvv add detail and leave the exit status; 1000 pairs stay under 4 KB",
    "N10": "the default timeout is below Nagios' 60 s; what NRPE's 10 s ask for is documented",
    "N11": "works under LC_ALL=C, without environment and home, on a read-only file system, as nagios",
    "N12": "the check's own processor time stays within twice that of importing nagiosplugin",
    "N13": "the Icinga CheckCommand is accepted by icinga2, with an array command and necism_ variables",
    "N14": "the NRPE sample is accepted with dont_blame_nrpe=0",
    "N15": "the event handler does nothing for SOFT, OK, UNKNOWN, in downtime or acknowledged, and is never noisy",
    "N16": "the event handler understands the macros of Nagios and of Icinga",
    "N17": "CRITICAL from a timeout, a signal or exit 126 or 255 starts no resync",
}
SAFETY: Final[Mapping[str, str]] = {
    "S01": "no automatic caller acts unless the configuration names it",
    "S02": "--dry-run prints the commands that would run, and runs none of them",
    "S03": "one alert delivered 100 times at once, and after a restart: at most one run",
    "S04": "two Alertmanagers, one alert: one run",
    "S05": "the receiver answers within a second while a resync runs",
    "S06": "resolved, truncated, foreign, oversized, nested or malformed bodies do nothing but count",
    "S07": "nothing of a payload reaches a command but a selector from the local list",
    "S08": "without the right credentials: 401, counted, nothing done; plain HTTP only on loopback",
    "S09": "the array is read again before a resync, and read once more after it",
    "S10": "budget, cooldown, needs-person and kill switch hold",
    "S11": "a crash between request, run and end repeats no finished run",
    "S12": "every decision is on record once; no secret in logs, arguments or metrics",
    "S13": "the network faces hold no rights; requests pass through files whose owner is checked",
    "S14": "every alert has its runbook, automation held and how to stop it included",
    "S15": "a loss of data is an alert of its own, never a broken pair",
    "S16": "runs, failures, refusals, last success and a running resync are metrics",
}
PACKAGING: Final[Mapping[str, str]] = {
    "K01": "builds from its source distribution; the spec uses the pyproject macros, Debian's rules pybuild",
    "K02": "works on Python 3.11 and newer with the distribution's libraries or declared copies",
    "K03": "nothing in /usr/local, no env shebang, no byte code in the .deb, licences present",
    "K04": "sysusers.d makes the user, without login; scriptlets are macros and debhelper only",
    "K05": "units in the right place, nothing enabled uninvited, systemd-analyze verify clean, exposure bounded",
    "K06": "ready after the socket is bound; the watchdog notices a process that hangs",
    "K07": "configuration is conffile, state in /var/lib, runtime in /run, purge leaves nothing",
    "K08": "the check brings no action along; the sudoers file is inactive, fixed, and accepted by visudo",
    "K09": "a man page for every command, completion, and help that agrees with them",
    "K10": "lintian and rpmlint have no error that is not excused in writing",
    "K11": "no service writes outside its state and run directories; logs go to the journal",
}
STATEMENTS: Final[Mapping[str, str]] = {**PROMETHEUS, **NAGIOS, **SAFETY, **PACKAGING}
COMPLETE: Final[tuple[Mapping[str, str], ...]] = (PROMETHEUS, NAGIOS, SAFETY, PACKAGING)
"""The lists of which every statement must be claimed by a test."""

MARK: Final = "proves"
PROPERTY: Final = "proves"
"""Name of the property by which a test's report carries its claims."""


def claimed(path: Path) -> Iterator[str]:
    """The statements that a test file claims, read off its marks; nothing is imported."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == MARK:
            yield from (
                word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)
            )


def table(outcomes: Iterable[tuple[str, str]]) -> list[str]:
    """A line a statement that was claimed by a test that ran, from pairs of statement and outcome."""
    found: dict[str, list[str]] = {}
    for code, outcome in outcomes:
        found.setdefault(code, []).append(outcome)
    return [f"{code} {_verdict(found[code])}: {text}" for code, text in STATEMENTS.items() if code in found]


def _verdict(outcomes: list[str]) -> str:
    if any(outcome not in {"passed", "skipped"} for outcome in outcomes):
        return "FAILS "
    if "skipped" in outcomes:
        return "not proven (skipped)"
    return f"holds ({len(outcomes)})"
