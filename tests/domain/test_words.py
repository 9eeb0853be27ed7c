"""Every word has its class, and a word nobody decided about is a finding that blocks every CHANGE."""

import enum
import string
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain import states
from necism_monitor.domain.findings import Verdict
from necism_monitor.domain.model import Array
from necism_monitor.domain.states import (
    ACCESS_CLASS,
    BV_CLASS,
    GUARD_CLASS,
    LINK_CLASS,
    SNAP_CLASS,
    WORD_CLASSES,
    AccessWord,
    BvState,
    BvWord,
    GuardWord,
    LinkState,
    LinkWord,
    SnapshotState,
    SnapWord,
    Words,
    classify_bv,
    classify_link,
    classify_snap,
)
from tests.domain.builders import DEFAULT, HOUR, World, linked, lv, observation, pair, resource, screen, sv

ONE = resource(pair("LV1"))
ENUMS: Final[dict[str, type[enum.Enum]]] = {
    "snap": SnapWord,
    "link": LinkWord,
    "bv": BvWord,
    "guard": GuardWord,
    "access": AccessWord,
}
WORDS = st.one_of(
    st.text(string.ascii_letters + string.digits + "/_-+.", max_size=20),
    st.sampled_from(["snap/Active", "SNAP/ACTIVE", "snap/active2", "active", "snap/", "snap/activ", "xsnap/active"]),
)


def world(**fields: str) -> World:
    """A healthy pair with one field's word replaced."""
    shown = lv("LV1", fields.get("access", "rw"))
    record = sv(
        "SV1",
        HOUR,
        shown,
        fields.get("link", "link"),
        state=fields.get("snap", "snap/active"),
        guard=fields.get("guard", "off"),
    )
    return World(observation(screen("BV1", record, state=fields.get("bv", "normal"))), ONE)


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        (SnapWord, SNAP_CLASS),
        (LinkWord, LINK_CLASS),
        (BvWord, BV_CLASS),
        (GuardWord, GUARD_CLASS),
        (AccessWord, ACCESS_CLASS),
    ],
)
def test_every_word_of_every_enum_has_a_class(words: type[enum.Enum], classes: dict[enum.Enum, enum.Enum]) -> None:
    """No word is in an enum without a decision, and none is decided to be unknown."""
    assert set(classes) == set(words)
    assert "unknown" not in {decided.value for decided in classes.values()}


def test_exactly_one_word_each_is_healthy() -> None:
    """`snap/active`, `link`, `normal` and `off`: no second word of an enum means the same."""
    assert [word.value for word, found in SNAP_CLASS.items() if found is SnapshotState.ACTIVE] == ["snap/active"]
    assert [word.value for word, found in LINK_CLASS.items() if found is LinkState.LINKED] == ["link"]
    assert [word.value for word, found in BV_CLASS.items() if found is BvState.NORMAL] == ["normal"]
    assert [word.value for word, found in GUARD_CLASS.items() if found is states.Protection.OFF] == ["off"]


def test_the_public_vocabulary() -> None:
    """The words of JSON and metrics."""
    assert [one.value for one in SnapshotState] == "active changing restoring fault empty missing unknown".split()
    assert [one.value for one in LinkState] == "linked detached wrong missing unknown".split()


def test_no_site_may_declare_a_word_healthy() -> None:
    """`words` reaches neither `active` nor `linked`."""
    assert SnapshotState.ACTIVE not in WORD_CLASSES.values()
    assert LinkState.LINKED not in WORD_CLASSES.values()


@pytest.mark.parametrize("field", ["snap", "link", "bv", "guard", "access"])
@pytest.mark.parametrize("word", ["odd", "snap/suspend", "Link", "NORMAL", "Off", "RW", "rw ", "?"])
def test_an_unknown_word_in_a_judged_field_blocks_every_change(field: str, word: str) -> None:
    """It is quoted in `unexpected-state`, the pair is warn, and no run may start."""
    odd = world(**{field: word})
    found = [one for one in odd.findings() if one.code == "unexpected-state"]
    assert [one.subject for one in found] == ["LV1"]
    assert repr(word) in found[0].text
    assert odd.pair().status is Verdict.WARN
    assert odd.refused() == "unexpected-state"
    assert odd.refused(force=True) == "unexpected-state"


@pytest.mark.parametrize(("field", "word"), [("snap", "snap/odd"), ("link", "linking")])
def test_an_unknown_word_on_a_stranger_of_the_bv_blocks_too(field: str, word: str) -> None:
    """An SV of the same BV that is not ours may be in motion: its odd word is no finding of ours, but no run starts."""
    state, link = (word, "unlink") if field == "snap" else ("snap/active", word)
    for shown_by in (None, lv("LV9")):
        other = sv("SV9", HOUR, shown_by, link, state=state)
        strange = World(observation(screen("BV1", linked(1), other)), ONE)
        assert strange.codes() == set()
        assert strange.refused() == "unexpected-state"


def test_an_odd_link_word_without_an_lv_is_no_detachment() -> None:
    """An SV says `linking` and names no LV: it may be ours that is on its way, so nobody calls it detached."""
    seen = observation(screen("BV1", sv("SV1", HOUR, link="linking")), seen={"BV1": ("LV1",)})
    strange = World(seen, ONE)
    assert strange.pair().link is LinkState.UNKNOWN
    assert {code for code, _ in strange.codes()} == {"unexpected-state"}
    assert strange.refused() == "unexpected-state"


def test_the_word_before_a_bracket_decides_about_a_bv() -> None:
    """The vendor appends reasons in brackets elsewhere; `normal(x)` is normal and `fault(x)` is not (inferred)."""
    assert world(bv="normal(reason)").codes() == set()
    assert world(bv="fault(reason)").codes() == {("bv-not-normal", "LV1")}
    assert world(bv="normalish").codes() == {("bv-not-normal", "LV1"), ("unexpected-state", "LV1")}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("snap/deleting", SnapshotState.CHANGING),
        ("snap/preparing", SnapshotState.CHANGING),
        ("rst/exec", SnapshotState.RESTORING),
        ("rst/restoring", SnapshotState.RESTORING),
        ("snap/fault", SnapshotState.FAULT),
        ("rst/suspend", SnapshotState.UNKNOWN),
        ("invalid", SnapshotState.UNKNOWN),
    ],
)
def test_snap_words_of_the_field(word: str, state: SnapshotState) -> None:
    """Any `...ing` is a transition, as the OpenSVC driver waits for; plausible words nobody has seen are unknown."""
    assert classify_snap(word, dated=True, words=Words()) is state


def test_a_site_decides_about_words_of_its_own() -> None:
    """A word in `words` has the declared class; the words of the enums cannot be declared anew."""
    words = Words(
        snap=(("snap/held", SnapshotState.FAULT), ("snap/active", SnapshotState.FAULT)),
        link=(("loose", LinkState.DETACHED), ("link", LinkState.DETACHED)),
        bv=(("good", BvState.NORMAL), ("fault", BvState.NORMAL)),
    )
    assert classify_snap("snap/held", dated=True, words=words) is SnapshotState.FAULT
    assert classify_snap("snap/active", dated=True, words=words) is SnapshotState.ACTIVE
    assert [classify_link(word, words) for word in ("loose", "link")] == [LinkState.DETACHED, LinkState.LINKED]
    assert [classify_bv(word, words) for word in ("good", "fault")] == [BvState.NORMAL, BvState.FAULT]
    declared = World(world(bv="good").seen, ONE, array=Array(DEFAULT, words=words))
    assert (declared.codes(), declared.refused()) == (set(), None)


@given(snap=WORDS, dated=st.booleans())
def test_nothing_but_snap_active_is_healthy(snap: str, dated: bool) -> None:
    """Whatever the word, only exactly `snap/active` with a date makes a pair up, unless a transition has its grace."""
    record = sv("SV1", HOUR if dated else None, lv("LV1"), state=snap, began=HOUR)
    verdict = World(observation(screen("BV1", record)), ONE).pair()
    assert (verdict.status is Verdict.UP) == (snap == "snap/active" and dated)
    assert (verdict.snapshot_state is SnapshotState.ACTIVE) == (snap == "snap/active")


@given(word=WORDS, field=st.sampled_from(["link", "bv", "guard"]))
def test_nothing_but_the_captured_words_is_up(word: str, field: str) -> None:
    """`link`, `normal` and a decided guard are up; every other word in their fields is not."""
    good = {"link": {"link"}, "bv": {"normal"}, "guard": {"off", "on"}}[field]
    assert (world(**{field: word}).pair().status is Verdict.UP) == (word in good)


@given(word=WORDS)
def test_no_run_starts_on_a_word_nobody_decided_about(word: str) -> None:
    """For every field and every word outside the enums the guards refuse."""
    for field, words in ENUMS.items():
        if word not in {one.value for one in words} and not (field == "snap" and word.endswith("ing")):
            assert world(**{field: word}).refused(force=True) == "unexpected-state", field
