"""The volume map: a hint that may be lost, but never raises and never lies about where it came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from necism_monitor.adapters.volume_map import FileMap, file_name
from necism_monitor.domain.names import ArrayName, LdName
from necism_monitor.domain.reading import NOTHING_KNOWN, Volumes

DEFAULT: Final = ArrayName("default")
BV: Final = LdName("A")
SEEN: Final = {LdName("A_SV1"): 1_000_000_000.25}
KNOWN: Final = Volumes({LdName("A_SV1"): BV}, {BV: frozenset({LdName("LV2"), LdName("LV1")})}, ("D1_10",), 1e9, SEEN)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """One file an array, in a directory that is made when it is needed."""
    assert FileMap(tmp_path / "state", DEFAULT).save(KNOWN)
    assert FileMap(tmp_path / "state", DEFAULT).load() == KNOWN
    assert FileMap(tmp_path / "state", ArrayName("other")).load() == NOTHING_KNOWN
    assert [str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*.json")] == ["state/volumes/default.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"version": 2, "volumes": {}}', b'{"version": 1}', b"\xff", b"[" * 100_000,
        b'{"version": 1, "volumes": {"bv_of": {"A": 1}, "lvs_seen": {}, "arrays": null}}',
        b'{"version": 1, "volumes": {"bv_of": {"a b": "A"}, "lvs_seen": {}, "arrays": null}}',
        b'{"version": 1, "volumes": {"bv_of": {}, "lvs_seen": {"A": "LV"}, "arrays": null}}',
    ],
)  # fmt: skip
def test_a_damaged_map_knows_nothing_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    """Whatever stands in the file, the next reading asks the array and writes a new one."""
    file = tmp_path / "volumes" / "default.json"
    file.parent.mkdir()
    file.write_bytes(content)
    volumes = FileMap(tmp_path, DEFAULT)
    assert volumes.load() == NOTHING_KNOWN
    volumes.save(KNOWN)
    assert volumes.load() == KNOWN


def test_a_map_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    """It has no age of the list of arrays and no transitions: the list is as good as unknown, nothing else is lost."""
    file = tmp_path / "volumes" / "default.json"
    file.parent.mkdir()
    volumes = {"bv_of": {"A_SV1": "A"}, "lvs_seen": {"A": ["LV1", "LV2"]}, "arrays": ["D1_10"]}
    file.write_text(json.dumps({"version": 1, "volumes": volumes}))
    assert FileMap(tmp_path, DEFAULT).load() == KNOWN._replace(arrays_at=None, moving={})


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Neither a file in the place of the directory nor one that does not exist stops a reading."""
    (tmp_path / "volumes").write_text("in the way")
    assert not FileMap(tmp_path, DEFAULT).save(KNOWN)
    assert not FileMap(Path("/proc/nowhere"), DEFAULT).save(KNOWN)
    assert FileMap(tmp_path, DEFAULT).load() == NOTHING_KNOWN


def test_what_is_known_already_is_not_written_again(tmp_path: Path) -> None:
    """A file system that has become read-only, or full, is not touched for nothing."""
    volumes = FileMap(tmp_path, DEFAULT)
    assert volumes.save(KNOWN)
    before = (tmp_path / "volumes" / "default.json").stat()
    assert volumes.save(KNOWN)
    after = (tmp_path / "volumes" / "default.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("name", ["../../x", "..", ".", "a/b", "~", "%2F", "a*b?", "x=y"])
def test_no_array_name_leaves_the_directory(tmp_path: Path, name: str) -> None:
    """Array names may hold characters that mean something in a path."""
    FileMap(tmp_path, ArrayName(name)).save(KNOWN)
    (file,) = tmp_path.rglob("*.json")
    assert file.parent == tmp_path / "volumes"
    assert json.loads(file.read_text())["version"] == 1


def test_different_arrays_have_different_files() -> None:
    """An escape is itself escaped."""
    names = ["a/b", "a%2Fb", "a_b", "a.b"]
    assert len({file_name(name) for name in names}) == len(names)
