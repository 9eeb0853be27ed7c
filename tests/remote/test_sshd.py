"""An array behind a real sshd: every face works, nothing is trusted or guessed, nothing is left over there."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.reach import ArrayReader, control_directory
from necism_monitor.cli.main import main
from necism_monitor.domain.reading import Unread
from necism_monitor.ism.answer import text_of
from necism_monitor.ism.commands import query_sv, view_arrays
from necism_monitor.ism.output import Ending, Output
from tests.remote.far import GENEROUS, Far, processes, until
from tests.resync.rig import LV1, LV2, SV1, SV2, Rig, check_calls
from tests.resync.test_crashes import run

SEL = "iiststnec02/sync#1"
BOTH = {LV1: SV1, LV2: SV2}
MakeRig = Callable[..., Rig]


@pytest.fixture(name="rig")
def rig_fixture(make_rig: MakeRig) -> Rig:
    return make_rig()


def reader(rig: Rig, run_dir: Path | None = None) -> ArrayReader:
    return ArrayReader(ProcessRunner(), rig.sources().config.array(rig.resource.array), run_dir=run_dir)


def test_status_check_and_collect_see_what_is_there(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """Up, as by local commands, and the plugin agrees; the file that collect writes serves them both."""
    assert rig.look().status.value == "up"
    assert main(["--config", str(rig.config_dir), "collect"]) == 0
    capsys.readouterr()
    assert main(["--config", str(rig.config_dir), "status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [pair["linked_to"] for pair in document["services"][0]["resources"][0]["pairs"]] == [SV1, SV2]


def test_a_whole_resync_keeps_the_rules(rig: Rig) -> None:
    """The same commands in the same order as by local commands, each once, and a new image behind every LV."""
    world = rig.world()
    report = rig.resync(force=True)
    assert (report.exit, rig.shows()) == (0, BOTH), report.text
    assert [line.split()[0] for line in rig.changes()] == [
        name for name in ("iSMsc_unlink", "iSMsc_create", "iSMsc_link") for _ in range(2)
    ]
    check_calls(world, rig.calls())
    assert rig.look().status.value == "up"


def test_two_volumes_at_once_share_the_lock_over_there(make_rig: MakeRig) -> None:
    """`parallel = 2`: both base volumes are worked on, neither shuts the other out."""
    rig = make_rig("0.02")
    rig.service("parallel = 2")
    assert rig.resync(force=True).exit == 0
    assert (rig.shows(), rig.sent("create")) == (BOTH, 2)


def test_a_prefix_stands_before_the_command_over_there(make_rig: MakeRig, far: Far) -> None:
    """`command_prefix` is run on the array's host, for READ and CHANGE."""
    rig = make_rig(command_prefix=f'"{far.place}/as root"')
    prefix = far.place / "as root"
    prefix.write_text(f'#!/bin/sh\necho "$SSH_CONNECTION|$*" >>"{far.place}/asked"\nexec "$@"\n')
    prefix.chmod(0o755)
    assert rig.resync(force=True).exit == 0
    asked = (far.place / "asked").read_text().splitlines()
    assert all(line.startswith("127.0.0.1 ") for line in asked)
    assert {line.rpartition("/bin/")[2].split()[0] for line in asked} >= {"iSMsc_query", "iSMsc_unlink", "iSMsc_create"}


def test_many_questions_at_once_are_all_answered(make_rig: MakeRig) -> None:
    """More than a connection allows sessions: what does not fit in connects anew."""
    rig = make_rig(parallel_commands="8")
    asking, outputs = reader(rig, rig.directory / "run"), list[Output]()
    threads = [threading.Thread(target=lambda: outputs.append(asking.read(view_arrays()))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GENEROUS)
    assert [output.code for output in outputs] == [0] * 16


def test_readings_share_a_connection_where_nobody_else_can_write(rig: Rig, tmp_path: Path) -> None:
    """The socket lies in a directory of our own; a long path, a foreign or an open directory leave sharing out."""
    run_dir = Path("/tmp") / f"necism-{os.getpid()}"
    run_dir.mkdir()
    try:
        assert reader(rig, run_dir).read(view_arrays()).succeeded
        place = run_dir / f"ssh-{os.geteuid()}"
        assert (place.stat().st_mode & 0o777, len(list(place.iterdir()))) == (0o700, 1)
        assert reader(rig, run_dir).read(view_arrays()).succeeded
        place.chmod(0o770)
        assert control_directory(run_dir) is None
        assert reader(rig, run_dir).read(view_arrays()).succeeded
    finally:
        for path in sorted(run_dir.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        run_dir.rmdir()
    assert control_directory(tmp_path / ("x" * 100)) is None
    assert control_directory(tmp_path / "missing") is None
    assert control_directory(Path("/tmp/with blank")) is None


def test_another_host_key_changes_nothing(rig: Rig, far: Far) -> None:
    """The host is not who it was: no question is asked, no command is sent, and the text says what is wrong."""
    far.trust("otherkey")
    output = reader(rig).read(view_arrays())
    assert output.ending is Ending.CUT
    said = text_of(output)
    assert isinstance(said, Unread)
    assert "Host key verification failed" in said.text
    assert "known_hosts" in said.hint
    code, out, err = run(rig, "resync", SEL, "--force")
    assert (code, rig.calls()) == (3, [])
    assert "Host key verification failed" in out + err
    assert "cannot be locked on far" in out + err
    assert rig.files() == []


def test_a_host_that_is_down_is_unknown_in_bounded_time(rig: Rig, far: Far) -> None:
    """3 for the reader, 3 for the action; neither waits for the whole time of a command."""
    far.stop()
    began = time.monotonic()
    code, out, _ = run(rig, "status")
    assert code == 3
    assert "Connection refused" in out
    assert run(rig, "resync", SEL, "--force")[0] == 3
    assert time.monotonic() - began < GENEROUS
    assert rig.shows() == BOTH


def test_a_host_that_says_nothing_is_unknown_in_bounded_time(make_rig: MakeRig, far: Far) -> None:
    """A connection that is open and silent ends by itself, long before the command's own time."""
    rig = make_rig(read_timeout="600s")
    rig.fault("hang_before", "iSMview", occurrence="all")
    outputs: list[Output] = []
    thread = threading.Thread(target=lambda: outputs.append(reader(rig).read(view_arrays())))
    thread.start()
    until(lambda: len(rig.calls()) == 1)
    assert far.freeze()
    thread.join(GENEROUS)
    assert [output.ending for output in outputs] == [Ending.CUT]
    assert "not responding" in outputs[0].stderr


@pytest.mark.parametrize("timeout", [None, 2.0])
def test_a_reading_that_hangs_is_killed_over_there(make_rig: MakeRig, timeout: float | None) -> None:
    """By the array's own time or by a shorter one: no process of it is left."""
    rig = make_rig(read_timeout="2s")
    rig.fault("hang_before", "iSMview", occurrence="all")
    output = reader(rig).read(view_arrays(), timeout)
    assert output.ending is Ending.TIMED_OUT
    assert output.argv[:4] == ("ssh", "-F", str(rig.config_dir / "ssh_config"), "far")
    until(lambda: not [line for line in processes().values() if f"{rig.directory}/bin/iSMview" in line])


def test_a_command_that_is_not_there_is_told_from_ssh(make_rig: MakeRig) -> None:
    """127 is the far shell's, with the hint to look there."""
    rig = make_rig()
    array = rig.sources().config.array(rig.resource.array)._replace(ism_path="/nowhere")
    said = text_of(ArrayReader(ProcessRunner(), array).read(query_sv(rig.resource.pairs[0].svs[0])))
    assert isinstance(said, Unread)
    assert "exit code 127" in said.text
    assert "`host`" in said.hint
