"""SVs that take turns: which one counts, and which one is created next."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from necism_monitor.domain.model import AccessPolicy, Array
from necism_monitor.domain.names import LdName
from necism_monitor.domain.plan import make_plan
from necism_monitor.domain.reading import SvRecord
from necism_monitor.domain.states import LinkState, Words
from tests.domain.builders import DEFAULT, HOUR, NOW, World, lv, observation, pair, resource, rows, screen, sv

TURNS: Final = resource(pair("LV1", "SVa", "SVb", "SVc"), access=AccessPolicy.RW)
OURS: Final = lv("LV1")


def world(*records: SvRecord) -> World:
    """The SVs of LV1 on one BV, which has shown LV1 before."""
    return World(observation(screen("BV1", *records), seen={"BV1": ("LV1",)}), TURNS)


def target(*records: SvRecord) -> str:
    """The SV that the next run creates."""
    plan, _ = make_plan(world(*records).basis())
    return plan.pairs[0].target


def test_the_sv_shown_counts() -> None:
    """Age, state and minimum delay are those of the SV that the LV shows, whichever was declared first or is newer."""
    shown = world(sv("SVa", HOUR), sv("SVb", 9 * HOUR, OURS), sv("SVc", 2 * HOUR))
    assert (shown.pair().sv, shown.pair().linked_to, shown.verdict().age(NOW)) == ("SVb", "SVb", 9 * HOUR)
    assert shown.refused() is None
    fresh = world(sv("SVa", 9 * HOUR), sv("SVb", 60, OURS), sv("SVc", 9 * HOUR))
    assert fresh.refused() == "too-soon"


def test_an_lv_that_shows_none_counts_with_the_newest_active_one() -> None:
    """Detached: the newest `snap/active`; what is newer but not active does not count."""
    loose = world(sv("SVa", 9 * HOUR), sv("SVb", 3 * HOUR), sv("SVc", HOUR, state="snap/fault"))
    assert (loose.pair().link, loose.pair().sv) == (LinkState.DETACHED, "SVb")


def test_without_an_active_one_the_first_declared_counts() -> None:
    """Nothing could be linked: the first of the line in `devs`."""
    loose = world(sv("SVa", None, state="-"), sv("SVb", HOUR, state="snap/fault"), sv("SVc", None, state="-"))
    assert loose.pair().sv == "SVa"


def test_an_active_one_without_a_date_counts_before_none() -> None:
    """The only image that can be linked is the one, though nobody knows its age."""
    loose = world(sv("SVa", None, state="-"), sv("SVb", None), sv("SVc", HOUR, state="snap/fault"))
    assert loose.pair().sv == "SVb"


def test_active_ones_of_one_second_count_in_the_order_declared() -> None:
    """Equal dates: the first declared."""
    assert world(sv("SVc", HOUR), sv("SVb", HOUR), sv("SVa", HOUR)).pair().sv == "SVa"


@pytest.mark.parametrize(
    ("wanted", "records"),
    [
        ("SVb", [sv("SVa", HOUR, OURS), sv("SVb", 9 * HOUR), sv("SVc", 5 * HOUR)]),
        ("SVc", [sv("SVa", HOUR, OURS), sv("SVb", 5 * HOUR), sv("SVc", 9 * HOUR)]),
        ("SVc", [sv("SVa", HOUR, OURS), sv("SVb", 9 * HOUR), sv("SVc", 2 * HOUR, state="snap/fault")]),
        ("SVc", [sv("SVa", HOUR, OURS), sv("SVb", 9 * HOUR), sv("SVc", None, state="-")]),
        ("SVc", [sv("SVa", HOUR, OURS), sv("SVb", 9 * HOUR), sv("SVc", 9 * HOUR)]),
        ("SVc", [sv("SVa", HOUR, OURS), sv("SVb", None, state="-"), sv("SVc", None, state="-")]),
        (
            "SVb",
            [sv("SVa", HOUR, OURS), sv("SVb", 9 * HOUR, state="snap/fault"), sv("SVc", 5 * HOUR, state="snap/fault")],
        ),
        ("SVc", [sv("SVa", HOUR, OURS), sv("SVb", 9 * HOUR, state="snap/fault"), sv("SVc", None, state="-")]),
        ("SVc", [sv("SVa", None, state="-"), sv("SVb", None, state="-"), sv("SVc", None, state="-")]),
    ],
)
def test_the_alternative_created_next(wanted: str, records: list[SvRecord]) -> None:
    """One that no LV shows; of several a faulty or empty one first, then the oldest, then the last declared."""
    assert target(*records) == wanted


def test_an_alternative_shown_by_a_stranger_is_not_taken_while_another_is_free() -> None:
    """SVb is older, but somebody else's LV shows it: the free one is created."""
    records = [sv("SVa", HOUR, OURS), sv("SVb", 9 * HOUR, lv("LV9")), sv("SVc", 5 * HOUR)]
    assert target(*records) == "SVc"
    assert world(*records).refused() is None
    taken = world(sv("SVa", HOUR, OURS), sv("SVb", 9 * HOUR, lv("LV8")), sv("SVc", 5 * HOUR, lv("LV9")))
    assert taken.refused() == "sv-shown-elsewhere"


def test_an_alternative_under_a_detached_lv_is_free() -> None:
    """A stranger's LV block with a word the site declared detached does not hold the SV."""
    records = [sv("SVa", HOUR, OURS), sv("SVb", 9 * HOUR, lv("LV9"), "loose"), sv("SVc", 5 * HOUR)]
    words = Words(link=(("loose", LinkState.DETACHED),))
    declared = world(*records)._replace(array=Array(DEFAULT, words=words))
    assert make_plan(declared.basis())[0].pairs[0].target == "SVb"
    assert declared.refused() is None


def test_an_empty_alternative_is_never_too_soon() -> None:
    """The SV shown is a minute old, its turn has no image yet: the resync that takes the first one may start."""
    records = [sv("SVa", 60, OURS), sv("SVb", None, state="-"), sv("SVc", HOUR)]
    assert world(*records).refused() is None
    assert target(*records) == "SVb"


def test_a_linked_alternative_of_a_link_list_holds_the_sv() -> None:
    """The link list, where it was asked for, says that another LV shows the target."""
    seen = observation(
        screen("BV1", sv("SVa", 9 * HOUR), sv("SVb", 9 * HOUR), sv("SVc", 9 * HOUR)),
        links={"BV1": rows(("LV1", "unlink", None), ("LV9", "link", "SVc"))},
        seen={"BV1": ("LV1",)},
    )
    assert World(seen, TURNS).refused() == "sv-shown-elsewhere"


def test_a_plain_pair_creates_the_sv_it_shows() -> None:
    """One SV: it is target and previous at once."""
    of = resource(pair("LV1", "SV1"))
    plan, facts = make_plan(World(observation(screen("BV1", sv("SV1", 9 * HOUR, OURS))), of).basis())
    planned = plan.pairs[0]
    assert (planned.lv, planned.bv, planned.target, planned.previous) == ("LV1", "BV1", "SV1", "SV1")
    assert (planned.access, planned.stamp, planned.special_file) == ("rw", "2024/03/01 03:00:00", "/dev/sdx")
    fact = facts[LdName("SV1")]
    assert fact is not None
    assert (fact.kind.value, fact.stamp) == ("active", "2024/03/01 03:00:00")


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["snap/active", "snap/fault", "-"])), min_size=3, max_size=3),
    st.sampled_from([None, 0, 1, 2]),
)
def test_the_rule_of_choice(kinds: list[tuple[int, str]], shown: int | None) -> None:
    """No spoilt idle SV is passed over for a good one, and among good ones no older one for a newer."""
    names = ["SVa", "SVb", "SVc"]
    records = [
        sv(name, None if state == "-" else age * HOUR, OURS if index == shown else None, state=state)
        for index, (name, (age, state)) in enumerate(zip(names, kinds, strict=True))
    ]
    chosen = names.index(target(*records))
    idle = [index for index in range(3) if index != shown]
    spoilt = [index for index in idle if kinds[index][1] != "snap/active"]
    assert chosen in (spoilt or idle)
    if not spoilt:
        oldest = max(kinds[index][0] for index in idle)
        assert chosen == max(index for index in idle if kinds[index][0] == oldest)
