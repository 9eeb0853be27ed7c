"""Each fault does what its kind says, to the calls it names and to no other."""

import time
from pathlib import Path

import pytest

from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.faults import KINDS, FaultError, add_fault, clear_faults
from necism_monitor.simulator.world import read_world
from tests.simulator.simulated import Answer, Simulated

UNLINK = "iSMsc_unlink -lv SOURCE_0001_LV00A6 -lvflg ld"
CREATE = "iSMsc_create -bv SOURCE_0001 -sv SOURCE_0001_SV006D -bvflg ld -svflg ld"
LINK = "iSMsc_link -lv SOURCE_0001_LV00A6 -sv SOURCE_0001_SV006D -lvflg ld -svflg ld"
QUERY = "iSMsc_query -sv SOURCE_0001_SV006D -svflg ld"
SV = "SOURCE_0001_SV006D"
LV = "SOURCE_0001_LV00A6"


def shown(array: Simulated) -> str | None:
    return read_world(array.directory)["lvs"][LV]["shows"]


def with_fault(array: Simulated, line: str, **fault: object) -> Answer:
    """Ask with one fault in place."""
    add_fault(array.directory, {"command": line.split(maxsplit=1)[0], **fault})
    return array.ask(line)


def test_fail_before_leaves_the_array_alone(seed: Simulated) -> None:
    """Nonzero exit, an error, no effect."""
    answer = with_fault(seed, UNLINK, kind="fail_before", id="iSM20099", text="made up")
    assert answer == (1, b"", b"iSMsc_unlink:Error: iSM20099: made up\n")
    assert shown(seed) == SV
    assert seed.last_call()["applied"] is None


def test_fail_after_happens_and_says_it_did_not(seed: Simulated) -> None:
    """Nonzero exit, an error, and the effect is there and in the log."""
    answer = with_fault(seed, UNLINK, kind="fail_after")
    assert answer.code == 1
    assert answer.out == b""
    assert shown(seed) is None
    assert seed.last_call()["applied"] == {"unlink": {"lv": LV, "sv": SV}}


def test_busy_may_be_told_on_either_stream(seed: Simulated) -> None:
    """A busy id on the standard output is as much an answer as one on the standard error."""
    answer = with_fault(seed, UNLINK, kind="busy", id="iSM42412", stream="stdout")
    assert (answer.code, answer.err) == (1, b"")
    assert answer.out.startswith(b"iSMsc_unlink:Error: iSM42412: ")
    assert shown(seed) == SV


def test_unknown_id_is_an_error_nobody_knows(seed: Simulated) -> None:
    """The id is none of those on record."""
    assert b"iSM29999" in with_fault(seed, UNLINK, kind="unknown_id").err


def test_occurrence_and_match_choose_the_calls(seed: Simulated) -> None:
    """The second call that holds all the texts is hit, and `all` hits every one."""
    add_fault(seed.directory, {"command": "*", "match": ["SV006D", "-svflg"], "occurrence": 2, "kind": "fail_before"})
    other = "iSMsc_query -sv SOURCE_0002_SV0055 -svflg ld"
    assert [seed.ask(line).code for line in (other, QUERY, QUERY, QUERY)] == [0, 0, 1, 0]
    add_fault(seed.directory, {"command": "iSMsc_query", "occurrence": "all", "kind": "exit", "exit": 7})
    assert [seed.ask(line).code for line in (QUERY, other, "iSMview -d")] == [7, 7, 0]
    clear_faults(seed.directory)
    assert seed.ask(QUERY).code == 0


def test_exit_and_stderr_change_nothing_else(seed: Simulated) -> None:
    """The screen stays whole; only the exit code, or only the error text, is another."""
    usual = seed.ask(QUERY)
    assert usual._replace(code=3) == with_fault(seed, QUERY, kind="exit", exit=3)
    assert usual._replace(err=b"beware\n") == with_fault(seed, QUERY, kind="stderr", stderr="beware\n")


def test_output_is_cut_emptied_or_garbage(seed: Simulated) -> None:
    """The exit code stays 0 whatever became of the text."""
    usual = seed.ask(QUERY)
    assert usual._replace(out=usual.out[:100]) == with_fault(seed, QUERY, kind="cut_output", bytes=100)
    assert usual._replace(out=b"") == with_fault(seed, QUERY, kind="empty_output")
    garbage = with_fault(seed, QUERY, kind="garbage")
    assert garbage.code == 0
    assert b"\xff" in garbage.out
    assert b"SOURCE_0001" not in garbage.out


def test_cut_output_of_a_change_does_not_stop_the_change(seed: Simulated) -> None:
    """What is printed says nothing about what was done."""
    assert with_fault(seed, UNLINK, kind="cut_output", bytes=5).out == b"iSMsc"
    assert shown(seed) is None


def test_foreign_encoding_localises_the_labels(seed: Simulated) -> None:
    """The labels are Japanese in cp932, which is no UTF-8; the values stay."""
    out = with_fault(seed, QUERY, kind="foreign_encoding").out
    with pytest.raises(UnicodeDecodeError):
        out.decode()
    text = out.decode("cp932")
    assert "LD Name" not in text
    assert SV in text


def test_success_without_effect_prints_success_and_does_nothing(seed: Simulated) -> None:
    """All three changes can lie."""
    usual = seed.ask(UNLINK)
    seed.ask(LINK)
    assert usual == with_fault(seed, UNLINK, kind="success_without_effect")
    assert shown(seed) == SV
    seed.ask(UNLINK)
    before = read_world(seed.directory)["svs"]
    assert b"snap/active [" in with_fault(seed, CREATE, kind="success_without_effect").out
    assert before == read_world(seed.directory)["svs"]
    assert with_fault(seed, LINK, kind="success_without_effect").code == 0
    assert shown(seed) is None
    assert [call["applied"] for call in (seed.last_call(), seed.last_call())] == [None, None]


def test_async_create_answers_before_the_image_exists(seed: Simulated) -> None:
    """The SV is changing when create has answered, its base volume is busy, and the image lands later."""
    seed.ask(UNLINK)
    answer = with_fault(seed, CREATE, kind="async_create", seconds=1.5)
    assert answer.code == 0
    assert answer.text.endswith("      Status     : snap/deleting\n\n")
    assert b"iSM31005" in seed.ask(LINK).err
    assert read_world(seed.directory)["svs"][SV]["state"] == "snap/deleting"
    time.sleep(1.6)
    assert seed.ask(LINK).code == 0
    image = read_world(seed.directory)["svs"][SV]
    assert image["state"] == "snap/active"
    assert image["created"] is not None


def test_a_late_effect_lands_after_the_answer(seed: Simulated) -> None:
    """The command fails, nothing is seen, and then the LV is unlinked; the log tells of it."""
    assert with_fault(seed, UNLINK, kind="late_effect", seconds=0.7).code == 1
    assert shown(seed) == SV
    time.sleep(0.8)
    assert shown(seed) is None
    call = seed.last_call()
    assert call["applied"] == {"unlink": {"lv": LV, "sv": SV}}
    assert call["landed"] is not None
    assert call["ended"] is not None
    assert call["landed"] > call["ended"]


def test_a_late_effect_that_is_impossible_by_then_is_dropped(seed: Simulated) -> None:
    """A second unlink was quicker: the late one finds nothing to detach."""
    with_fault(seed, UNLINK, kind="late_effect", seconds=0.3)
    assert seed.ask(UNLINK).code == 0
    assert read_calls(seed.directory)[0]["applied"] is None
    time.sleep(0.4)
    assert shown(seed) is None
    assert "iSM19903" in read_calls(seed.directory)[0]["why"]


def test_hangs_sleep_before_or_after_the_effect(seed: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """During the first the LV is still linked, during the second it is not."""
    during: list[tuple[float, str | None]] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: during.append((seconds, shown(seed))))
    assert with_fault(seed, UNLINK, kind="hang_before", seconds=50).code == 0
    seed.ask(LINK)
    assert with_fault(seed, UNLINK, kind="hang_after", seconds=60).code == 0
    assert during == [(50, SV), (60, None)]


@pytest.mark.parametrize(("when", "linked"), [("before", True), ("after", False)])
def test_kill_ends_the_client_by_sigkill(seed: Simulated, when: str, linked: bool) -> None:
    """The effect is there or not, the log says -9, and the caller sees the signal."""
    add_fault(seed.directory, {"command": "iSMsc_unlink", "kind": "kill", "when": when})
    answer = seed.run(UNLINK)
    assert answer == (-9, b"", b"")
    assert linked is (shown(seed) == SV)
    assert seed.last_call()["exit"] == -9
    assert linked is (seed.last_call()["applied"] is None)


def test_endless_output_goes_on_until_the_reader_leaves(seed: Simulated) -> None:
    """The screen is followed by lines without end; closing the pipe ends the command."""
    add_fault(seed.directory, {"command": "iSMsc_query", "kind": "endless_output", "seconds": 30})
    with seed.start(QUERY) as process:
        assert process.stdout is not None
        assert len(process.stdout.read(1_000_000)) == 1_000_000
        process.stdout.close()
        assert process.wait(20) == 1


def test_a_grandchild_holds_the_pipe_after_the_command_is_gone(seed: Simulated) -> None:
    """The command ends at once, and its output's end comes only with the grandchild's."""
    add_fault(seed.directory, {"command": "iSMsc_query", "kind": "grandchild_holds_pipe", "seconds": 2})
    began = time.monotonic()
    with seed.start(QUERY) as process:
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert process.stdout.read().endswith(b"link\n")
        assert time.monotonic() - began >= 2


def test_a_fault_in_the_world_is_complete(seed: Simulated) -> None:
    """A fault that a test adds stands in the world as one of a scenario would, with all defaults."""
    add_fault(seed.directory, {"kind": "hang_after", "command": "iSMsc_link"})
    (fault,) = read_world(seed.directory)["faults"]
    assert fault == {
        "kind": "hang_after",
        "command": "iSMsc_link",
        "match": [],
        "occurrence": 1,
        "seconds": 3600.0,
        "seen": 0,
    }


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "explode"}, "kind 'explode': unknown; known: fail_before"),
        ({}, "kind None: unknown"),
        ({"kind": "busy", "command": "rm"}, "command 'rm': unknown"),
        ({"kind": "busy", "id": "iSM19999"}, "busy: id 'iSM19999': one of iSM31005"),
        ({"kind": "hang_after", "minutes": 3}, "hang_after: unknown key 'minutes'"),
        ({"kind": "hang_after", "seconds": "3"}, "seconds '3': must be a number"),
        ({"kind": "kill", "when": "now"}, "when 'now': before or after"),
        ({"kind": "late_effect", "command": "iSMsc_query"}, "only a command that changes something"),
        ({"kind": "async_create", "command": "iSMsc_link"}, "only iSMsc_create"),
        ({"kind": "busy", "occurrence": 0}, "occurrence 0: a number from 1, or `all`"),
        ({"kind": "busy", "match": "SV"}, "match 'SV': a list of texts"),
    ],
)
def test_faults_that_cannot_be_meant_are_refused(seed: Simulated, fault: dict[str, object], said: str) -> None:
    """The error names what is wrong, and the world keeps no such fault."""
    with pytest.raises(FaultError) as caught:
        add_fault(seed.directory, fault)
    assert said in str(caught.value)
    assert read_world(seed.directory)["faults"] == []


def test_every_kind_has_a_test_here() -> None:
    """A new kind is shown at work in this file."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []
