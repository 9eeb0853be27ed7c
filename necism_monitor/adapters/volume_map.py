"""The volume map of one array in a file: where volumes were last seen.  Losing it costs commands, never correctness."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from necism_monitor.adapters.atomic_file import read_bounded, replace_file
from necism_monitor.adapters.observation_json import decode_volumes, encode_volumes
from necism_monitor.domain.names import ArrayName
from necism_monitor.domain.reading import NOTHING_KNOWN, Volumes

VERSION: Final = 1
LARGEST: Final = 16 * 1024 * 1024


class FileMap:
    """`state_dir/volumes/ARRAY.json`; a file that cannot be read is empty, one that cannot be written is left."""

    def __init__(self, state_dir: Path, array: ArrayName) -> None:
        self._path = state_dir / "volumes" / f"{file_name(array)}.json"

    def load(self) -> Volumes:
        """What is remembered; nothing where there is nothing readable."""
        try:
            document: Any = json.loads(read_bounded(self._path, LARGEST))
            return decode_volumes(document["volumes"]) if document["version"] == VERSION else NOTHING_KNOWN
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return NOTHING_KNOWN

    def save(self, volumes: Volumes) -> bool:
        """Remember, where the file does not say it already; False where it cannot be written, which is no error."""
        if volumes == self.load():
            return True
        text = json.dumps({"version": VERSION, "volumes": encode_volumes(volumes)}, ensure_ascii=False)
        try:
            replace_file(self._path, f"{text}\n".encode())
        except OSError:
            return False
        return True


def file_name(array: str) -> str:
    """A file name for an array: array names may hold `/` and other characters that a file name should not."""
    return re.sub(r"[^0-9A-Za-z_.-]", lambda found: f"%{ord(found[0]):02X}", array)
