"""The claim and the reader over an ssh client that is played: what answers are lost, late or never come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from necism_monitor.adapters.process import ProcessRunner
from necism_monitor.adapters.reach import ArrayReader
from necism_monitor.adapters.remote import Claim, RemoteChanger
from necism_monitor.cli.wiring import Paths, load_config
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.model import Array
from necism_monitor.domain.names import ArrayName, LdName
from necism_monitor.ism.commands import unlink, view_arrays
from necism_monitor.ism.output import Ending, Output
from tests.remote.far import Far
from tests.remote.test_scripts import there
from tests.resync.rig import Rig

ARRAY = Array(ArrayName("a1"), host="far", ism_path="/nowhere", change_timeout=60)
Argv = tuple[str, ...]


def lost(argv: Argv) -> Output:
    """The connection broke before any answer."""
    return Output(argv, Ending.EXITED, 255, "", "Connection to far closed by remote host.\n", 0.0, 1.0)


def test_a_claim_whose_answer_was_lost_does_not_shut_ourselves_out(tmp_path: Path) -> None:
    """The token over there is ours though we never heard so: the command is sent again with it, and runs."""
    answers: list[bool] = [True, False, True, True]

    def ask(argv: Argv, _seconds: float) -> Output:
        done = there(tmp_path, argv)
        return done if answers.pop(0) else lost(argv)

    claim = Claim(ARRAY, ask)
    assert claim.take() is None
    assert not claim.outlives()
    changer = RemoteChanger(ARRAY, claim, lambda argv: there(tmp_path, argv), lambda _pid: None)
    assert changer.change(unlink(LdName("LV"))).code == 127


def test_a_stranger_s_claim_shuts_us_out(tmp_path: Path) -> None:
    """The token over there was never ours: the command is certainly not started, and the text says why."""
    claim = Claim(ARRAY, lambda argv, _seconds: there(tmp_path, argv))
    assert claim.take() is None
    (tmp_path / ".necism" / "a1.lock").write_text("f" * 32 + "\n")
    output = RemoteChanger(ARRAY, claim, lambda argv: there(tmp_path, argv), lambda _pid: None).change(
        unlink(LdName("LV"))
    )
    assert output.ending is Ending.NOT_STARTED
    assert "another run has claimed" in output.stderr


def test_a_host_whose_setsid_cannot_wait_is_refused_before_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As busybox has it: no claim, so no LV is taken away by a command whose end would not be heard."""
    old = tmp_path / "bin" / "setsid"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho invalid option >&2\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    with pytest.raises(EnvironmentProblem, match="no option -w"):
        Claim(ARRAY, lambda argv, _seconds: there(tmp_path, argv)).take()


def test_the_hint_names_the_configuration_file_that_was_used(tmp_path: Path) -> None:
    """A person who types the line sees what the program saw."""
    config = str(tmp_path / "etc necism" / "ssh_config")
    claim = Claim(ARRAY._replace(ssh_config=config), lambda argv, _seconds: lost(argv))
    with pytest.raises(EnvironmentProblem) as caught:
        claim.take()
    assert f"ssh -F '{config}' -o BatchMode=yes far true" in caught.value.hint


@pytest.mark.parametrize(("ending", "stdout", "why"), [
    (Ending.EXITED, "This account is currently not available.\n", "is currently not available"),
    (Ending.EXITED, "", "ssh said nothing"),
    (Ending.TIMED_OUT, "", "no answer within 30 s"),
])  # fmt: skip
def test_why_the_array_could_not_be_locked_is_never_kept_back(ending: Ending, stdout: str, why: str) -> None:
    """An account without a shell speaks on standard output; one that hangs after its login does not speak."""
    claim = Claim(ARRAY, lambda argv, _seconds: Output(argv, ending, None, stdout, "", 0.0, 1.0))
    with pytest.raises(EnvironmentProblem, match=why):
        claim.take()


class Client:
    """Plays ssh: every answer took as long as it says."""

    def __init__(self, seconds: Callable[[int], float]) -> None:
        self.sent, self._seconds = 0, seconds

    def read(self, argv: Argv, _limit: float) -> Output:
        self.sent += 1
        return lost(argv)._replace(ended_at=self._seconds(self.sent))


@pytest.mark.parametrize(("seconds", "sent"), [(10.0, 1), (1.0, 12)])
def test_a_host_that_let_us_wait_in_vain_is_not_asked_a_dozen_times(seconds: float, sent: int) -> None:
    """The same cut connection at once; a refusal that came at once costs nothing and is asked again."""
    client, finished = Client(lambda _sent: seconds), list[Output]()
    reader = ArrayReader(cast("ProcessRunner", cast("Any", client)), ARRAY, finished.append)
    outputs = [reader.read(view_arrays()) for _ in range(12)]
    assert {output.ending for output in outputs} == {Ending.CUT}
    assert {output.argv[:2] for output in outputs} == {("ssh", "far")}
    assert (client.sent, len(finished)) == (sent, sent)


def test_a_broken_link_named_ssh_config_is_used_and_fails(far: Far, tmp_path: Path) -> None:
    """Without it ssh would look into the user's own file, where the name may mean another host."""
    rig = Rig(tmp_path / "array")
    rig.necism("host", "127.0.0.1", "array default")
    (rig.config_dir / "ssh_config").symlink_to(tmp_path / "missing")
    (array,) = load_config(Paths(config=str(rig.config_dir)), {}).arrays
    assert array.ssh_config == str(rig.config_dir / "ssh_config")
    output = ArrayReader(ProcessRunner(), array).read(view_arrays())
    assert (output.ending, far.sessions()) == (Ending.CUT, [])
    assert "ssh_config" in output.stderr
