"""`necism capture DIR`: what the READ commands answer, raw, for a report about a screen we do not read rightly.

It is made to work where nothing else does: a command that fails is recorded like one that does not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from necism_monitor import __version__
from necism_monitor.adapters.volume_map import file_name
from necism_monitor.app.look import Sources
from necism_monitor.app.ports import Reader
from necism_monitor.cli import console
from necism_monitor.cli.logs import log_command, logger
from necism_monitor.cli.options import Subparsers, add_verb, paths_of
from necism_monitor.cli.redaction import Redactor, names_in
from necism_monitor.cli.wiring import load_config, make_sources
from necism_monitor.domain.errors import EnvironmentProblem, UsageError
from necism_monitor.domain.model import Config
from necism_monitor.domain.names import ArrayName, LdName
from necism_monitor.domain.reading import Unread
from necism_monitor.ism.commands import ReadCommand, linkinfo, query_detail, query_sv, view_arrays
from necism_monitor.ism.output import Ending, Output
from necism_monitor.ism.query import parse_sv
from necism_monitor.render.document import rfc3339

INDEX = "index.json"


class Shot(NamedTuple):
    """One command and what came back."""

    array: ArrayName
    command: ReadCommand
    output: Output


def register(subparsers: Subparsers) -> None:
    """`necism capture DIR [--redact]`."""
    parser = add_verb(
        subparsers,
        "capture",
        run,
        "save the raw output of the READ commands for a bug report",
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="a new or empty directory")
    parser.add_argument("--redact", action="store_true", help="replace the names of volumes and arrays, and WWNs")


def run(args: argparse.Namespace) -> int:
    """Ask everything, write everything down, and say what to send."""
    config = load_config(paths_of(args), os.environ)
    _make_empty(args.directory)
    sources = make_sources(config, log_command)
    shots = [shot for name in dict.fromkeys(one.array for one in config.resources) for shot in _take(sources, name)]
    redactor = Redactor(_names(config, shots)) if args.redact else None
    try:
        _write(args.directory, shots, redactor, sources.clock.now())
    except OSError as error:
        raise EnvironmentProblem(
            f"{args.directory}: {error.strerror}", "name a directory that can be written"
        ) from error
    failed = sum(not shot.output.succeeded for shot in shots)
    console.say(
        f"{len(shots)} commands captured in {args.directory} ({failed} of them failed, which is recorded as well)",
        f"attach the directory to the report: tar czf capture.tar.gz -C {args.directory.absolute()} .",
        "names and WWNs are replaced; look through the files before you send them"
        if args.redact
        else "the files hold your volume names; `--redact` replaces them",
    )
    return 0


def _make_empty(directory: Path) -> None:
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        # Of a link it is the owner of the link that counts: whoever made it chose where this user writes.
        foreign = directory.lstat().st_uid not in {0, os.geteuid()} or directory.stat().st_mode & stat.S_IWOTH
        found = next(directory.iterdir(), None)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{directory} is no directory", "name a new or empty directory") from error
    except OSError as error:
        raise EnvironmentProblem(f"{directory}: {error.strerror}", "name a directory that can be written") from error
    if foreign:
        raise UsageError(f"{directory}: others may write or replace it", "name a directory that does not exist yet")
    if found is not None:
        raise UsageError(f"{directory} is not empty: it holds {found.name}", "name a new or empty directory")


def _take(sources: Sources, name: ArrayName) -> Iterator[Shot]:
    """Every question about the configured volumes of one array; where an SV's BV is not told, the map is believed."""
    reader, remembered = sources.readers[name], sources.maps[name].load()
    resources = [one for one in sources.config.resources if one.array == name]
    svs = dict.fromkeys(sv for one in resources for pair in one.pairs for sv in pair.svs)
    homes: dict[LdName, LdName] = {}
    strays: list[LdName] = []
    yield _ask(reader, name, view_arrays())
    for sv in svs:
        shot = _ask(reader, name, query_sv(sv))
        yield shot
        screen = parse_sv(shot.output.stdout, sv)
        bv = remembered.bv_of.get(sv) if isinstance(screen, Unread) else screen.bv or remembered.bv_of.get(sv)
        if bv is None:
            strays.append(sv)
        else:
            homes.setdefault(bv, sv)
    for bv in homes:
        yield _ask(reader, name, query_detail(bv))
    for sv in (*homes.values(), *strays):
        yield _ask(reader, name, linkinfo(sv))


def _ask(reader: Reader, name: ArrayName, command: ReadCommand) -> Shot:
    logger().info("%s: %s", name, " ".join(command.argv))
    return Shot(name, command, reader.read(command))


def _names(config: Config, shots: list[Shot]) -> set[str]:
    """The configuration's names, and those that only the array told."""
    names: set[str] = {array.name for array in config.arrays if array.name != "default"}
    for resource in config.resources:
        names.update(name for pair in resource.pairs for name in (pair.lv, *pair.svs))
    for shot in shots:
        names |= names_in(shot.output.stdout) | names_in(shot.output.stderr) | names_in(" ".join(shot.command.argv))
    return names


def _write(directory: Path, shots: list[Shot], redactor: Redactor | None, now: float) -> None:
    index = {
        "schema": 1,
        "necism_monitor": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "captured_at": rfc3339(now),
        "redacted": redactor is not None,
        "commands": [_record(directory, number, shot, redactor) for number, shot in enumerate(shots, start=1)],
    }
    _create(directory / INDEX, json.dumps(index, indent=2) + "\n")


def _create(path: Path, text: str) -> None:
    """A new file for this user alone; nothing that lies there already is followed or overwritten.  Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _record(directory: Path, number: int, shot: Shot, redactor: Redactor | None) -> dict[str, Any]:
    """Write the two streams of one command; its entry in the index."""
    hide = redactor.redact if redactor else str
    output, array = shot.output, hide(shot.array)
    # The command line as it was run may name hosts and directories: a redacted capture shows the plain one.
    argv = shot.command.argv if redactor else output.argv
    stem = f"{number:04}-{file_name(array)}-{PurePath(shot.command.argv[0]).name}"
    streams = {"stdout": output.stdout, "stderr": output.stderr}
    if redactor and output.ending is Ending.CUT:
        # They name hosts, users and addresses that no configuration knows.
        streams["stderr"] = "(the words of ssh are left out)\n"
    for stream, text in streams.items():
        _create(directory / f"{stem}.{stream}.txt", hide(text))
    return {
        "array": array,
        "argv": [hide(word) for word in argv],
        "ending": output.ending.value,
        "exit": output.code,
        "started_at": rfc3339(output.started_at),
        "duration_seconds": round(output.ended_at - output.started_at, 3),
        "truncated": output.truncated,
        **{stream: f"{stem}.{stream}.txt" for stream in streams},
    }
