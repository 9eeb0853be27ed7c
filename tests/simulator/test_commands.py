"""What the commands accept and refuse, and what a change does to the world."""

import itertools
import json
import re

import pytest

from necism_monitor.simulator.defaults import link_volume, snapshot_volume
from necism_monitor.simulator.host import start_service, stop_service
from necism_monitor.simulator.world import edit_world, read_world
from tests.simulator.simulated import Simulated

UNLINK = "iSMsc_unlink -lv SOURCE_0001_LV00A6 -lvflg ld"
CREATE = "iSMsc_create -bv SOURCE_0001 -sv SOURCE_0001_SV006D -bvflg ld -svflg ld"
LINK = "iSMsc_link -lv SOURCE_0001_LV00A6 -sv SOURCE_0001_SV006D -lvflg ld -svflg ld"
BUSY = ("iSM31005", "iSM31015", "iSM42408", "iSM42412", "iSM19411")  # from a vendor-written driver
SV = "SOURCE_0001_SV006D"
LV = "SOURCE_0001_LV00A6"


def refused(array: Simulated, line: str) -> str:
    """The message id of a refusal, its shape and the log's entry checked."""
    before = read_world(array.directory)
    code, out, err = array.ask(line)
    found = re.fullmatch(rb"(iSM\w+):Error: (iSM\d{5}): [^\n]+\n", err)
    assert found, err
    assert (line.split(maxsplit=1)[0], b"") == (found[1].decode(), out)
    assert code != 0
    call = array.last_call()
    assert (line.split(), code, None) == (call["argv"], call["exit"], call["applied"])
    assert before == read_world(array.directory)
    return found[2].decode()


def test_the_order_of_options_is_free(seed: Simulated) -> None:
    """Every order of create's four options does the same."""
    pairs = [("-bv", "SOURCE_0001"), ("-sv", SV), ("-bvflg", "ld"), ("-svflg", "ld")]
    seed.ask(UNLINK)
    for order in itertools.permutations(pairs):
        words = " ".join(f"{option} {value}" for option, value in order)
        assert seed.ask(f"iSMsc_create {words}").code == 0


@pytest.mark.parametrize(
    "line",
    [
        "iSMsc_query",
        "iSMsc_query -sv",
        f"iSMsc_query -sv {SV}",
        f"iSMsc_query -sv {SV} -svflg sf",
        f"iSMsc_query -sv {SV} -svflg ld -detail",
        f"iSMsc_query -sv {SV} -sv {SV} -svflg ld",
        "iSMsc_query -bv SOURCE_0001 -bvflg ld -detail -summary",
        f"iSMsc_linkinfo -vol {SV} -volflg ld",
        f"{UNLINK} -force",
        f"{CREATE} -nowait",
        f"{LINK} -lvacc na",
        f"iSMsc_link -lv {LV} -lvflg ld",
        "iSMview",
        "iSMview -d -all D1_10",
        "iSMvollist -l",
        f"iSMsc_delete -bv SOURCE_0001 -bvflg ld -sv {SV} -svflg ld",
        f"iSMsc_restore -bv SOURCE_0001 -bvflg ld -sv {SV} -svflg ld -derivsv keep -nowait",
        "iSMsc_svguard",
    ],
)
def test_what_is_not_on_record_is_unsupported(seed: Simulated, line: str) -> None:
    """Commands, options, values and combinations without evidence are refused and change nothing."""
    assert refused(seed, line) == "iSM19901"


@pytest.mark.parametrize(
    "line",
    [
        "iSMsc_query -sv NOBODY -svflg ld",
        "iSMsc_query -bv SOURCE_0001_SV006D -bvflg ld -detail",
        "iSMsc_linkinfo -vol NOBODY -volflg ld -lcl",
        "iSMsc_unlink -lv SOURCE_0001_SV006D -lvflg ld",
        "iSMsc_create -bv SOURCE_0001 -sv NOBODY -bvflg ld -svflg ld",
        "iSMsc_link -lv SOURCE_0001_LV00A6 -sv NOBODY -lvflg ld -svflg ld",
        "iSMview -all NOBODY",
    ],
)
def test_unknown_names_are_refused(seed: Simulated, line: str) -> None:
    """A name that no volume of the right kind has, or no array."""
    assert refused(seed, line) in ("iSM19902", "iSM19908")


def test_a_resync_renews_the_image_and_restores_the_link(seed: Simulated) -> None:
    """Unlink, create, link: the LV shows the same SV as before, whose image is new."""
    old = read_world(seed.directory)["svs"][SV]["created"]
    assert [seed.ask(line).code for line in (UNLINK, CREATE, LINK)] == [0, 0, 0]
    world = read_world(seed.directory)
    new = world["svs"][SV]["created"]
    assert old is not None
    assert new is not None
    assert new > old
    assert (world["lvs"][LV]["shows"], world["lvs"][LV]["access"]) == (SV, "rw")


def test_link_refuses_what_cannot_be_linked(seed: Simulated) -> None:
    """A linked LV, an SV of another base volume, an SV without a usable image."""
    assert refused(seed, LINK) == "iSM19904"
    seed.ask(UNLINK)
    assert refused(seed, LINK.replace(SV, "SOURCE_0002_SV0055")) == "iSM19906"
    with edit_world(seed.directory) as world:
        world["svs"][SV]["state"] = "snap/fault"
    assert refused(seed, LINK) == "iSM19903"


def test_link_sets_the_access_it_is_given(seed: Simulated) -> None:
    """`-lvacc ro` links read only, and nothing is remembered: the plain form links rw again."""
    seed.ask(UNLINK)
    assert seed.ask(f"{LINK} -lvacc ro").code == 0
    assert read_world(seed.directory)["lvs"][LV]["access"] == "ro"
    seed.ask(UNLINK)
    seed.ask(LINK)
    assert read_world(seed.directory)["lvs"][LV]["access"] == "rw"


def test_unlink_detaches_whatever_is_shown_once(seed: Simulated) -> None:
    """Unlink names no SV; a second one is refused."""
    with edit_world(seed.directory) as world:
        world["svs"]["OTHER"] = snapshot_volume(bv="SOURCE_0001", ldn=0x900, generation=-2, created=1.0)
        world["lvs"][LV]["shows"] = "OTHER"
    assert seed.ask(UNLINK).code == 0
    assert seed.last_call()["applied"] == {"unlink": {"lv": LV, "sv": "OTHER"}}
    assert refused(seed, UNLINK) == "iSM19903"


def test_create_under_a_link_is_refused_unless_the_world_says_refresh(seed: Simulated) -> None:
    """Nobody has recorded what an array does; the world chooses, and refuses by default."""
    assert refused(seed, CREATE) == "iSM19904"
    with edit_world(seed.directory) as world:
        world["options"]["create_under_link"] = "refresh"
    assert seed.ask(CREATE).code == 0
    assert read_world(seed.directory)["lvs"][LV]["shows"] == SV


def test_create_refuses_guard_foreign_base_and_sick_base(seed: Simulated) -> None:
    """A guarded SV, an SV of another base volume, a base volume that is not normal."""
    seed.ask(UNLINK)
    assert refused(seed, CREATE.replace("SOURCE_0001 ", "SOURCE_0002 ")) == "iSM19906"
    with edit_world(seed.directory) as world:
        world["svs"][SV]["guard"] = "on"
    assert refused(seed, CREATE) == "iSM19905"
    with edit_world(seed.directory) as world:
        world["svs"][SV]["guard"] = "off"
        world["bvs"]["SOURCE_0001"]["state"] = "fault"
    assert refused(seed, CREATE) == "iSM19903"


@pytest.mark.parametrize("state", ["snap/deleting", "rst/exec", "snap/creating"])
def test_create_is_busy_while_another_sv_of_the_base_volume_changes(seed: Simulated, state: str) -> None:
    """The answer is one of the five ids that a caller may retry."""
    seed.ask(UNLINK)
    with edit_world(seed.directory) as world:
        world["svs"]["OTHER"] = snapshot_volume(bv="SOURCE_0001", ldn=0x900, generation=-2, state=state)
    assert refused(seed, CREATE) in BUSY


def test_create_repairs_a_faulty_or_empty_sv(seed: Simulated) -> None:
    """A faulty or empty SV on a normal base volume can be created again."""
    seed.ask(UNLINK)
    for state in ("snap/fault", "", "-"):
        with edit_world(seed.directory) as world:
            world["svs"][SV].update({"state": state, "created": None})
        assert seed.ask(CREATE).code == 0
        assert read_world(seed.directory)["svs"][SV]["state"] == "snap/active"


def test_generations_are_renumbered(seed: Simulated) -> None:
    """The SV refreshed becomes -1 and the others age, in their order."""
    with edit_world(seed.directory) as world:
        world["svs"][SV]["generation"] = -2
        for name, generation in (("NEWEST", -1), ("OLDEST", -3)):
            world["svs"][name] = snapshot_volume(
                bv="SOURCE_0001", ldn=0x900 - generation, generation=generation, created=1.0
            )
    seed.ask(UNLINK)
    assert "      Generation : -1\n" in seed.ask(CREATE).text
    generations = {name: sv["generation"] for name, sv in read_world(seed.directory)["svs"].items()}
    assert (generations[SV], generations["NEWEST"], generations["OLDEST"]) == (-1, -2, -3)


def test_two_lvs_on_one_sv_need_the_option(seed: Simulated) -> None:
    """A second link to one SV is refused, unless the world allows several LVs."""
    with edit_world(seed.directory) as world:
        world["lvs"]["SECOND"] = link_volume(bv="SOURCE_0001", ldn=0x901)
    second = LINK.replace(LV, "SECOND")
    assert refused(seed, second) == "iSM19904"
    with edit_world(seed.directory) as world:
        world["options"]["several_lvs"] = True
    assert seed.ask(second).code == 0
    detail = seed.ask("iSMsc_query -bv SOURCE_0001 -bvflg ld -detail").text
    assert detail.count("LV:LD Name") == 2


def test_without_the_service_everything_fails_until_it_is_started(seed: Simulated) -> None:
    """Its process is gone from the host's files, and a new volume list does not help."""
    process = seed.directory / "host/proc/614/cmdline"
    assert process.exists()
    stop_service(seed.directory)
    assert not process.exists()
    assert seed.ask("iSMvollist -r").code == 0
    for line in ("iSMview -d", f"iSMsc_query -sv {SV} -svflg ld", UNLINK):
        assert refused(seed, line) == "iSM19910"
    start_service(seed.directory)
    assert process.exists()
    assert seed.ask("iSMview -d").code == 0


def test_a_world_of_an_older_file_has_its_service_running(seed: Simulated) -> None:
    """The key came later."""
    path = seed.directory / "world.json"
    world = json.loads(path.read_text())
    del world["service"]
    path.write_text(json.dumps(world))
    assert seed.ask("iSMview -d").code == 0


def test_without_a_volume_list_everything_fails_until_it_is_rebuilt(seed: Simulated) -> None:
    """`iSMvollist -r` is a HOST command, and the remedy."""
    with edit_world(seed.directory) as world:
        world["volume_list"] = False
    for line in ("iSMview -d", f"iSMsc_query -sv {SV} -svflg ld", UNLINK):
        assert refused(seed, line) == "iSM19907"
    assert seed.ask("iSMvollist -r").code == 0
    assert seed.last_call()["effect_class"] == "HOST"
    assert seed.ask("iSMview -d").code == 0
