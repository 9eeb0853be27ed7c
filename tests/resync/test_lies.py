"""An array that says it did what it did not do, any number of times: every run ends, paced, and says what is true."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from necism_monitor.simulator.faults import clear_faults
from tests.resync.rig import LV1, LV2, SV1, Rig, linked_again
from tests.resync.test_orders import MIXED, PLAIN, TURNS, scenario


@pytest.mark.parametrize("stopped", [False, True], ids=["", "sigterm"])
@pytest.mark.parametrize("order", ["set", "pair"])
def test_a_link_that_always_lies_is_given_up_after_relink_timeout(rig: Rig, order: str, stopped: bool) -> None:
    """Pauses between the tries, then exit 6 with the LV named and why; the run is open, and resume mends it."""
    rig.service(f"order = {order}")
    rig.fault("success_without_effect", "iSMsc_link", match=[LV1], occurrence="all")
    if stopped:
        rig.after = lambda argv: setattr(rig.stop, "why", "SIGTERM") if argv[0] == "iSMsc_link" else None
    report = rig.resync()
    assert (report.exit, rig.shows()[LV1]) == (6, None)
    assert report.text.startswith(f"{LV1} is detached")
    assert "ended as done, but the LV is detached" in report.text
    assert rig.tale().open
    links = [step for step in rig.tale().steps if step.argv[0] == "iSMsc_link" and LV1 in step.argv]
    assert 10 < len(links) < 60
    gaps = [late.started_at - early.started_at for early, late in pairwise(links)]
    assert min(gaps) >= 1
    assert max(gaps) >= 30
    assert rig.away(LV1) >= 900
    clear_faults(rig.directory)
    rig.stop.why = None
    assert (rig.resume().exit, rig.tale().open) == (0, False)
    assert linked_again(rig)


def test_a_resume_ends_too_where_every_link_lies(rig: Rig) -> None:
    """Exit 6 again, after relink_timeout again."""
    rig.necism("relink_timeout", "100s")
    rig.fault("success_without_effect", "iSMsc_link", occurrence="all")
    assert rig.resync().exit == 6
    report = rig.resume()
    assert (report.exit, rig.shows()) == (6, {LV1: None, LV2: None})
    assert LV1 in report.text
    assert LV2 in report.text


def test_a_link_that_lies_a_while_is_linked_in_the_end(rig: Rig) -> None:
    """Five lies, then the truth: exit 0."""
    for occurrence in range(1, 6):
        rig.fault("success_without_effect", "iSMsc_link", match=[LV1], occurrence=occurrence)
    assert rig.resync().exit == 0
    assert linked_again(rig)


@pytest.mark.parametrize("verb", ["unlink", "create"])
@pytest.mark.parametrize("order", ["set", "pair"])
@pytest.mark.parametrize("devs", [TURNS, PLAIN, MIXED], ids=["turns", "plain", "mixed"])
def test_whatever_else_always_lies_turns_the_run_back(
    tmp_path: Path, make_rig: Callable[..., Rig], verb: str, order: str, devs: str
) -> None:
    """Few commands, every LV linked, exit 5, and the result names the LV or SV and the images truly."""
    rig = make_rig(scenario(tmp_path, devs, f"order = {order}"))
    rig.fault("success_without_effect", f"iSMsc_{verb}", occurrence="all")
    report = rig.resync()
    assert (report.exit, linked_again(rig)) == (5, True), report.text
    assert len(rig.changes()) <= 3 * 3 + 3
    assert report.text.startswith("every LV is linked; images ")
    said = "the unlink had no effect" if verb == "unlink" else "the create left no new image"
    assert "; turned back: " in report.text
    assert said in report.text


def test_the_words_of_the_array_survive_into_the_result(rig: Rig) -> None:
    """A create that fails: the result says what is linked, what the images are, and what the array itself said."""
    rig.fault("unknown_id", "iSMsc_create", match=[SV1])
    report = rig.resync()
    assert report.exit == 5
    assert report.text.startswith("every LV is linked; images old; turned back: ")
    assert f"{SV1}: the create left no new image: the SV is dated " in report.text
    hit = next(call for call in rig.calls() if call["argv"][0] == "iSMsc_create")
    assert f"exit code {hit['exit']}" in report.text
    assert "iSM" in report.text.split("exit code")[1]
    assert rig.tale().text == report.text


def test_one_pair_is_never_mixed(rig: Rig) -> None:
    """A lost image is not a mixture: nothing new, so `old`; the LV is named."""
    rig.services[0].write_text(f"[sync#1]\ntype = necismsnap\ndevs = {SV1}:{LV1}\n")
    rig.fault("fail_before", "iSMsc_create", match=[SV1])
    rig.before = lambda argv: rig.edit("svs", SV1, state="snap/fault", created=None) if "iSMsc_create" in argv else None
    report = rig.resync()
    assert (report.exit, rig.tale().images) == (6, "old")
    assert report.text.startswith(f"{LV1} is detached")
