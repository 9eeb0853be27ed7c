"""The observation file: what one process read, for others that may not or need not ask the array themselves."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from necism_monitor.adapters.atomic_file import read_bounded, replace_file
from necism_monitor.adapters.observation_json import decode_observation, encode_observation
from necism_monitor.adapters.standstill import Mark, Standstill, mark_of
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.names import ArrayName
from necism_monitor.domain.reading import Observation, Unread

VERSION: Final = 1
LARGEST: Final = 64 * 1024 * 1024
"""Bytes; a thousand pairs take less than one of these megabytes."""

_COLLECT = "run `necism collect`, or start its timer"


class ObservationFile:
    """The observations of `arrays` in one versioned JSON document."""

    def __init__(self, path: Path, arrays: tuple[ArrayName, ...], largest: int = LARGEST) -> None:
        self._path, self._arrays, self._largest = path, arrays, largest
        self._loaded: Standstill[str, Mapping[ArrayName, Observation | Unread]] = Standstill(_mark)

    def load(self) -> Mapping[ArrayName, Observation | Unread]:
        """The saved observations; why there is none for every array, where the file is missing or damaged."""
        return self._loaded.get(str(self._path), self._read)

    def _read(self) -> Mapping[ArrayName, Observation | Unread]:
        try:
            document = _parse(read_bounded(self._path, self._largest))
        except FileNotFoundError:
            return self._nothing(Unread("stale", f"there is no {self._path}", _COLLECT))
        except OSError as error:
            why = f"{self._path} cannot be read: {error.strerror}"
            return self._nothing(Unread("unreadable", why, "check the rights of the file and of its directory"))
        except (ValueError, RecursionError) as error:
            return self._nothing(self._damaged(error))
        return {name: self._decode(found) for name, found in document.items() if name in self._arrays}

    def save(self, observations: Mapping[ArrayName, Observation]) -> None:
        """Replace the readings of these arrays, all at once; other arrays keep theirs.  Raises EnvironmentProblem.

        A saved reading that began while the new one was under way is the newer one, and stays.
        """
        merged = {name: seen for name, seen in self.load().items() if isinstance(seen, Observation)}
        for name, seen in observations.items():
            saved = merged.get(name)
            if saved is None or not seen.started_at < saved.started_at <= seen.ended_at:
                merged[name] = seen
        self._write(merged)

    def remove(self, array: ArrayName) -> None:
        """Take out the reading of one array; other arrays keep theirs.  Raises EnvironmentProblem."""
        saved = self.load().items()
        self._write({name: seen for name, seen in saved if isinstance(seen, Observation) and name != array})

    def _write(self, merged: Mapping[ArrayName, Observation]) -> None:
        try:
            replace_file(self._path, _format(merged))
        except OSError as error:
            raise EnvironmentProblem(
                f"{self._path} cannot be written: {error.strerror}",
                "run as a user who may write run_dir, or set --run-dir; look at the space on its file system",
            ) from error

    def _decode(self, found: Any) -> Observation | Unread:  # noqa: ANN401 - JSON, judged by the decoder
        try:
            return decode_observation(found)
        except (ValueError, TypeError, KeyError) as error:
            return self._damaged(error)

    def _damaged(self, error: Exception) -> Unread:
        why = f"{type(error).__name__}: {error}".replace("\n", " ")
        return Unread("unreadable", f"{self._path} is damaged or of another version ({why:.200})", _COLLECT)

    def _nothing(self, why: Unread) -> dict[ArrayName, Observation | Unread]:
        return dict.fromkeys(self._arrays, why)


def _mark(path: str) -> Mark | None:
    return mark_of(path, time.time())


def _parse(data: bytes) -> dict[ArrayName, Any]:
    """The document's arrays, not yet decoded.  Raises ValueError."""
    document = json.loads(data)
    if not isinstance(document, dict) or not isinstance(document.get("arrays"), dict):
        raise ValueError("no object with arrays")  # noqa: TRY004 - the caller asks for ValueError: the text is wrong
    if document.get("version") != VERSION:
        raise ValueError(f"version {document.get('version')!r}, not {VERSION}")
    return {ArrayName(name): found for name, found in document["arrays"].items()}


def _format(observations: Mapping[ArrayName, Observation]) -> bytes:
    arrays = {name: encode_observation(seen) for name, seen in observations.items()}
    return (json.dumps({"version": VERSION, "arrays": arrays}, ensure_ascii=False) + "\n").encode()
