"""docs/findings.md: findings, refusals and exit codes, from their catalogues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from necism_monitor.cli.explain import CLOSED, EVERYWHERE, EXITS, HOOKED, PLAIN, USAGE
from necism_monitor.domain import findings, refusals

HEAD: Final = """\
# Findings, refusals, exit codes

<!-- Made by `make reference`: change the texts in the code, then make it again. -->

What `necism explain CODE` says, on one page. Codes are part of the public interface: they are the same in the table, in
JSON, in metrics, in the page and in the check.

## Findings

A finding is a named thing that is wrong with one subject: a pair, a resource or an array. Its verdict is `warn`, or
`unknown` where it could not be told; `warn` outranks `unknown` outranks `up`. In Nagios and Icinga they are WARNING and
UNKNOWN; `--critical-on CODE,..` of the check makes CRITICAL of some.

| code | verdict | means | what to do |
|---|---|---|---|
"""
REFUSALS: Final = """\

## Refusals

Why a run does not start, in the order in which it is asked; the last two are of requests in the spool. Nothing was
changed, and `necism history` keeps them. `--force` bypasses `too-soon` and nothing else.

| code | exit | means | what to do |
|---|---|---|---|
"""
AFTERWARDS: Final = """\

{codes} may come after creates where every pair has alternatives, because these come
first there. Then it is a failure (5): every LV keeps its old image.

## Exit codes

| exit | command | means |
|---|---|---|
"""


def paper() -> str:
    """The page."""
    found = [f"| `{code}` | {one.verdict.value} | {_cells(one)} |" for code, one in findings.CATALOGUE.items()]
    refused = [
        f"| `{code}` | {refusals.EXITS.get(code, 3)} | {_cells(one)} |" for code, one in refusals.CATALOGUE.items()
    ]
    codes = " and ".join(f"`{code}`" for code in HOOKED)
    parts = (HEAD, "\n".join(found), REFUSALS, "\n".join(refused), AFTERWARDS.format(codes=codes), "\n".join(_exits()))
    lines = "\n".join(part.rstrip("\n") for part in parts)
    return f"{lines}\n"


def _cells(one: findings.Entry | refusals.Entry) -> str:
    return " | ".join(text.replace("|", "\\|") for text in (one.explain, one.hint))


def _exits() -> Iterator[str]:
    """By number, and under each what commands mean by it that mean the same."""
    numbers = sorted({number for codes in EXITS.values() for number in codes} | EVERYWHERE.keys())
    for number in numbers:
        meanings: dict[str, list[str]] = {}
        for verb, codes in EXITS.items():
            if number in codes:
                meanings.setdefault(codes[number], []).append(f"`{verb}`")
        for text, verbs in meanings.items():
            yield f"| {number} | {', '.join(verbs)} | {text} |"
        if number in EVERYWHERE:
            yield f"| {number} | {_others(number)} | {EVERYWHERE[number]} |"


def _others(number: int) -> str:
    """Who ends with what every command may end with."""
    if number < USAGE:
        return ", ".join(f"`{verb}`" for verb in PLAIN)
    return f"every command but {' and '.join(f'`{verb}`' for verb in CLOSED)}"
