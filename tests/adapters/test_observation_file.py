"""The observation file: what goes in comes out, and nothing in the file can raise."""

from __future__ import annotations

import json
import os
import stat
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.adapters.observation_file import ObservationFile
from necism_monitor.adapters.observation_json import UNREAD_CODES, decode_observation, encode_observation
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.findings import CATALOGUE, Verdict
from necism_monitor.domain.names import ArrayName, LdName
from necism_monitor.domain.reading import (
    BvScreen,
    Destination,
    Inventory,
    LinkScreen,
    LvRecord,
    Observation,
    SvRecord,
    Unread,
    Volumes,
)

DEFAULT: Final = ArrayName("default")
SECOND: Final = ArrayName("second")
SV, SV2, BV, LV = LdName("A_SV1"), LdName("A_SV2"), LdName("A"), LdName("A_LV1")
WHY: Final = Unread("timed-out", "iSMsc_query -sv A_SV2: no answer within 240 s", "look at the paths")

RECORD: Final = SvRecord(
    SV, "LX", -1, "normal", "snap/active", datetime(2014, 9, 9, 17, 27, 45), datetime(2014, 9, 9, 17, 27, 44),
    50_896_350_412, "off", "link", LvRecord(LV, "LX", "/dev/sdar", "rw"),
)  # fmt: skip
SEEN: Final = Observation(
    array=DEFAULT, started_at=1_410_276_465.125, ended_at=1_410_276_466.75,
    bv_of={SV: BV, SV2: WHY, LdName("GONE"): None},
    bvs={BV: BvScreen(BV, "LX", None, "normal", {SV: RECORD, SV2: WHY}, WHY, ("Pool Name",)), LdName("B"): WHY},
    links={BV: LinkScreen({LV: Destination(LV, "LX", "link", SV, "rw")}, None, ("x",)), LdName("B"): WHY},
    inventory=Inventory(("D1_10", "M300 Disk Array"), WHY),
    commands={"iSMsc_query": 3, "iSMview": 1},
    volumes=Volumes({SV: BV}, {BV: frozenset({LV})}, ("D1_10",), 1_410_000_000.5, {SV: 1_410_000_100.25}),
)  # fmt: skip

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,23}", fullmatch=True).map(LdName)
unread = st.builds(Unread, st.sampled_from(sorted(UNREAD_CODES)), texts, texts)
dates = st.none() | st.datetimes()
counts = st.integers(min_value=0, max_value=2**63)
times = st.floats(min_value=0, max_value=4e9)
lvs = st.builds(LvRecord, names, texts, st.none() | texts, texts)
svs = st.builds(
    SvRecord, names, texts, st.none() | st.integers(-99, 99), texts, texts, dates, dates, st.none() | counts, texts,
    texts, st.none() | lvs,
)  # fmt: skip
labels = st.lists(texts, max_size=2).map(tuple)
broken = st.none() | unread
bvs = st.builds(
    BvScreen, names, texts, st.none() | texts, texts, st.dictionaries(names, svs | unread, max_size=2), broken, labels
)
rows = st.builds(Destination, names, texts, texts, st.none() | names, texts)
links = st.builds(LinkScreen, st.dictionaries(names, rows, max_size=2), broken, labels)
volumes = st.builds(
    Volumes,
    st.dictionaries(names, names, max_size=2),
    st.dictionaries(names, st.frozensets(names, max_size=2), max_size=2),
    st.none() | labels,
    st.none() | times,
    st.dictionaries(names, times, max_size=2),
)
observations = st.builds(
    Observation,
    array=st.just(DEFAULT), started_at=times, ended_at=times,
    bv_of=st.dictionaries(names, names | unread | st.none(), max_size=2),
    bvs=st.dictionaries(names, bvs | unread, max_size=2),
    links=st.dictionaries(names, links | unread, max_size=2),
    inventory=st.none() | unread | st.builds(Inventory, labels, broken),
    commands=st.dictionaries(texts, counts, max_size=2),
    volumes=volumes,
    newer=st.dictionaries(names, times, max_size=2),
    wwns=st.dictionaries(names, texts, max_size=2),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will be: its directory is not there yet."""
    return tmp_path / "run" / "necism" / "observation.json"


@given(seen=observations)
def test_an_observation_survives_the_way_through_json(seen: Observation) -> None:
    """Any observation is the same after encoding, writing as text, reading and decoding, types included."""
    again = decode_observation(json.loads(json.dumps(encode_observation(seen), ensure_ascii=False)))
    assert again == seen
    assert all(type(name) is LdName for name in (*again.bvs, *again.links, *again.bv_of, *again.volumes.bv_of))


def test_what_was_saved_is_loaded(path: Path) -> None:
    """The directories are made, everybody may read, nothing else is left lying about."""
    before = os.umask(0o077)
    try:
        ObservationFile(path, (DEFAULT,)).save({DEFAULT: SEEN})
    finally:
        os.umask(before)
    assert ObservationFile(path, (DEFAULT,)).load() == {DEFAULT: SEEN}
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent, path.parent.parent)] == [
        0o644,
        0o755,
        0o755,
    ]
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_file_is_stale(path: Path) -> None:
    """Nobody has collected: every array is unread, and the hint says by whom it would be read."""
    loaded = ObservationFile(path, (DEFAULT, SECOND)).load()
    assert set(loaded) == {DEFAULT, SECOND}
    assert all(
        isinstance(one, Unread) and (one.code, "collect" in one.hint) == ("stale", True) for one in loaded.values()
    )


def document(**changes: Any) -> bytes:  # noqa: ANN401 - anything that JSON can say
    """A whole file whose observation has these fields."""
    seen = {**encode_observation(SEEN), **changes}
    return json.dumps({"version": 1, "arrays": {"default": seen}}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"null", b"[]", b"\xff\xfe", b"\x00" * 100, b"[" * 100_000, b'{"version": 1}', b"9" * 5000,
        b'{"version": 2, "arrays": {}}', b'{"arrays": {}}', b'{"version": 1, "arrays": {"default": null}}',
        b'{"version": 1, "arrays": {"": {}}}', b'{"version": 1, "arrays": {"default": {}}}',
        document(started_at=float("nan")), document(ended_at=1e300), document(ended_at=-5), document(started_at=True),
        document(array="a b"), document(bvs=[]), document(bvs={"-x": {}}), document(commands={"iSMview": "1"}),
        document(commands={"iSMview": -1}), document(inventory={"arrays": [1], "broken": None}),
        document(bv_of={"A": {"unread": {"code": "fine", "text": "", "hint": ""}}}), document(bv_of={"A": "\ud800"}),
        document(inventory={"unread": {"code": "stale", "text": "\ud800", "hint": ""}}),
        document().replace(b"2014-09-09T17:27:45", b"2014-09-09T17:27:45+02:00"),
        document().replace(b"2014-09-09T17:27:45", b"yesterday"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_unreadable(path: Path, content: bytes) -> None:
    """Nothing that may stand in the file raises, and nothing of it is believed."""
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    for one in ObservationFile(path, (DEFAULT,)).load().values():
        assert isinstance(one, Unread)
        assert one.code == "unreadable"
        assert str(path) in one.text
        assert one.text.encode()
    if b"default" not in content:
        return
    ObservationFile(path, (DEFAULT,)).save({DEFAULT: SEEN})
    assert ObservationFile(path, (DEFAULT,)).load() == {DEFAULT: SEEN}


@given(data=st.data())
def test_no_damage_raises(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut anywhere, or with any byte changed, the file gives an observation or the reason why not."""
    whole = bytearray(document())
    at = data.draw(st.integers(0, len(whole) - 1))
    cut, other = data.draw(st.booleans()), data.draw(st.binary(min_size=1, max_size=1))
    damaged = bytes(whole[:at]) if cut else bytes(whole[:at]) + other + bytes(whole[at + 1 :])
    file = tmp_path_factory.mktemp("damaged") / "observation.json"
    file.write_bytes(damaged)
    for one in ObservationFile(file, (DEFAULT,)).load().values():
        assert isinstance(one, Unread | Observation)


def test_one_damaged_array_does_not_hide_the_other(path: Path) -> None:
    """The arrays of one file stand for themselves."""
    path.parent.mkdir(parents=True)
    whole = {"version": 1, "arrays": {"default": {}, "second": encode_observation(SEEN._replace(array=SECOND))}}
    path.write_text(json.dumps(whole))
    loaded = ObservationFile(path, (DEFAULT, SECOND)).load()
    assert isinstance(loaded[DEFAULT], Unread)
    assert loaded[SECOND] == SEEN._replace(array=SECOND)


def test_too_long_a_file_is_not_read(path: Path) -> None:
    """Somebody's gigabytes in its place cost no memory."""
    path.parent.mkdir(parents=True)
    path.write_bytes(document() + b" " * 1000)
    (one,) = ObservationFile(path, (DEFAULT,), largest=len(document()) + 10).load().values()
    assert isinstance(one, Unread)
    assert "longer than" in one.text


def test_a_pipe_in_its_place_holds_nobody_up(path: Path) -> None:
    """Whoever reads a named pipe waits for its writer; we do not."""
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    (one,) = ObservationFile(path, (DEFAULT,)).load().values()
    assert isinstance(one, Unread)


def test_a_directory_in_its_place_is_unreadable(path: Path) -> None:
    """And saving says what is wrong, with what to do."""
    path.mkdir(parents=True)
    (one,) = ObservationFile(path, (DEFAULT,)).load().values()
    assert isinstance(one, Unread)
    assert one.code == "unreadable"
    with pytest.raises(EnvironmentProblem) as raised:
        ObservationFile(path, (DEFAULT,)).save({DEFAULT: SEEN})
    assert str(path) in raised.value.text
    assert raised.value.hint
    assert list(path.parent.iterdir()) == [path]


def test_saving_one_array_keeps_the_others(path: Path) -> None:
    """The reading at the end of a run is of one array; arrays that are no longer configured go."""
    other = SEEN._replace(array=SECOND)
    gone = ArrayName("gone")
    ObservationFile(path, (DEFAULT, SECOND, gone)).save({SECOND: other, gone: SEEN._replace(array=gone)})
    ObservationFile(path, (DEFAULT, SECOND)).save({DEFAULT: SEEN})
    assert ObservationFile(path, (DEFAULT, SECOND, gone)).load() == {DEFAULT: SEEN, SECOND: other}


def test_a_newer_reading_is_not_replaced_by_an_older_one(path: Path) -> None:
    """A reading that began while ours was under way is newer; one that began after it is from the future, and goes."""
    store = ObservationFile(path, (DEFAULT,))
    slow = SEEN._replace(started_at=100.0, ended_at=200.0)
    for began, kept in ((150.0, True), (50.0, False), (200.5, False)):
        path.unlink(missing_ok=True)
        quick = SEEN._replace(started_at=began, ended_at=began + 1)
        store.save({DEFAULT: quick})
        store.save({DEFAULT: slow})
        assert store.load() == {DEFAULT: quick if kept else slow}


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up in the middle leaves what was there, and no rest of the attempt."""
    store = ObservationFile(path, (DEFAULT,))
    store.save({DEFAULT: SEEN})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentProblem, match="No space left on device"):
        store.save({DEFAULT: SEEN._replace(started_at=SEEN.ended_at + 1, ended_at=SEEN.ended_at + 2)})
    assert store.load() == {DEFAULT: SEEN}
    assert list(path.parent.iterdir()) == [path]


def test_every_reason_is_a_finding() -> None:
    """What the file may say about something unread has a verdict: could not tell."""
    assert {CATALOGUE[code].verdict for code in UNREAD_CODES} == {Verdict.UNKNOWN}
