"""What a refusal says: which volumes, in which state, and everything that the same guard found beside it."""

from typing import Final

import pytest

from necism_monitor.domain.model import AccessPolicy, Array, Limits
from necism_monitor.domain.reading import Inventory
from necism_monitor.domain.states import LinkState, Words
from tests.domain.builders import (
    DEFAULT,
    HOUR,
    MINUTE,
    World,
    linked,
    lv,
    observation,
    pair,
    resource,
    rows,
    screen,
    sv,
)

ONE: Final = resource(pair("LV1"))
TURNS: Final = resource(pair("LV1", "SV1", "SV2"))


def said(world: World, *, force: bool = False) -> tuple[str, str]:
    """Code and text of the refusal."""
    found = world.refusal(force=force)
    assert found is not None
    return found.code, found.text


def test_everything_that_one_guard_found_is_told() -> None:
    """Two SVs are missing: both, one after the other."""
    seen = observation(bv_of={"SV1": None, "SV2": None})
    text = "SV SV1 is not on the array; SV SV2 is not on the array"
    assert said(World(seen, resource(pair("LV1"), pair("LV2")))) == ("not-found", text)


def test_every_array_that_is_seen_is_named() -> None:
    """Two arrays could both have a volume of that name."""
    seen = observation(screen("BV1", linked(1)), inventory=Inventory(("A", "B"), None))
    assert said(World(seen, ONE)) == ("ambiguous-array", "this host sees the arrays A, B")


def test_svs_of_two_bvs_cannot_take_turns() -> None:
    """The LV can only ever show those of its own: both BVs are named."""
    seen = observation(screen("BV1", linked(1)), screen("BV2", sv("SV2", 2 * HOUR)), links={"BV2": rows()})
    code, text = said(World(seen, TURNS))
    assert code == "wrong-bv"
    assert text.endswith("the SVs of LV1 belong to BV1 and BV2")


def test_an_lv_that_shows_another_sv_is_named_with_all_it_should_show() -> None:
    """Of a pair with two SVs both are named."""
    seen = observation(screen("BV1", sv(), sv("SV2"), sv("SV9", HOUR, lv("LV1"))))
    assert said(World(seen, TURNS)) == ("wrong-link", "LV LV1 shows SV9, not SV1 or SV2")


def test_the_sv_that_the_lv_shows_is_never_the_one_to_be_created() -> None:
    """The other one is shown by a stranger: it is refused for that, although the own one is older."""
    seen = observation(screen("BV1", linked(1, 5 * HOUR), sv("SV2", HOUR, lv("LV9"))))
    assert said(World(seen, TURNS)) == ("sv-shown-elsewhere", "SV SV2 is shown by LV LV9")


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        (("LV9", "link", "SV1"), True),
        (("LV9", "linking", "SV1"), True),
        (("LV9", "unlink", "SV1"), False),
        (("LV9", "parted", "SV1"), False),
        (("LV9", "link", "SV5"), False),
    ],
)
def test_a_stranger_in_the_link_list_counts_unless_it_is_proven_detached(
    row: tuple[str, str, str], refused: bool
) -> None:
    """Its word and its partner decide; a word that the site calls detached is one."""
    seen = observation(screen("BV1", sv()), links={"BV1": rows(("LV1", "unlink", None), row)})
    array = Array(DEFAULT, words=Words(link=(("parted", LinkState.DETACHED),)))
    found = World(seen, ONE._replace(access=AccessPolicy.RW), array=array).refusal()
    assert (found is not None and (found.code, found.text)) == (
        ("sv-shown-elsewhere", "SV SV1 is shown by LV LV9") if refused else False
    )


def test_an_access_that_nobody_knows_is_told_by_how_it_is_unknown() -> None:
    """Another word on the screen, or a detached LV of which no journal knows anything."""
    odd = observation(screen("BV1", sv("SV1", HOUR, lv("LV1", "nr"))))
    assert said(World(odd, ONE)) == ("access-unknown", "LV LV1 is nr")
    away = observation(screen("BV1", sv()), links={"BV1": rows(("LV1", "unlink", None))})
    text = "LV LV1 is detached, and no run has journalled its access"
    assert said(World(away, ONE)) == ("access-unknown", text)


@pytest.mark.parametrize(
    ("age", "limit", "told"),
    [
        (0, 1, "the oldest image (SV1) is 0 s old, sync_min_delay is 1 s"),
        (-60, 30 * MINUTE, "the oldest image (SV1) is 0 s old, sync_min_delay is 1800 s"),
        (90, 91, "the oldest image (SV1) is 90 s old, sync_min_delay is 91 s"),
    ],
)
def test_too_soon_says_how_old_and_how_old_it_must_be(age: float, limit: float, told: str) -> None:
    """Seconds; an image from the future has no age yet."""
    world = World(observation(screen("BV1", linked(1, age))), ONE._replace(limits=Limits(min_delay=limit)))
    assert said(world) == ("too-soon", told)
    assert world.refusal(force=True) is None


def test_an_empty_word_beside_a_date_is_no_empty_sv() -> None:
    """Of an SV that is not ours as well: a word that contradicts its date is one nobody has decided about."""
    seen = observation(screen("BV1", linked(1), sv("SPARE", 2 * HOUR, state="")))
    code, text = said(World(seen, ONE))
    assert (code, text) == ("unexpected-state", "SV SPARE is in state '', which nobody has decided about")
