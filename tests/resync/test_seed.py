"""The plain run: the commands of the log of 2014, in their order and shape, and no more of them than needed."""

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from necism_monitor.cli.logs import Formatter
from necism_monitor.cli.main import main
from tests.resync.rig import LV1, LV2, SV1, SV2, ZONE, Rig, check_calls

LOG = Path("tests/captures/resync_log.txt")
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - iiststnec02\.SYNC#1 - INFO - (.*)", re.DOTALL)


def commands(lines: list[str]) -> list[str]:
    """The command lines among log lines."""
    said = [match[1] for line in "\n".join(lines).splitlines() if (match := LINE.fullmatch(line))]
    return [text for text in said if text.startswith("iSMsc_") and " -" in text]


class Kept(logging.Handler):
    """The lines that a log would have written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Formatter(ZONE))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(name="log")
def log_fixture() -> Iterator[Kept]:
    """The log of everything that happens."""
    kept, root = Kept(), logging.getLogger()
    old = root.level
    root.addHandler(kept)
    root.setLevel(logging.INFO)
    yield kept
    root.removeHandler(kept)
    root.setLevel(old)


def test_the_seed_configuration_yields_the_commands_of_the_captured_log(rig: Rig, log: Kept) -> None:
    """Same configuration, same commands, same order, same shape of the lines."""
    report = rig.resync()
    assert (report.exit, report.text) == (0, "done and verified")
    captured = [line for line in LOG.read_text().splitlines() if line]
    assert len(commands(captured)) == 6
    assert commands(log.lines) == commands(captured)
    assert rig.changes() == commands(captured)


def test_what_the_commands_said_stands_in_the_log_as_in_the_captured_one(rig: Rig, log: Kept) -> None:
    """The output follows its command, indented as printed, with an empty line after it; only the dates differ."""
    rig.service("consumers = none")
    rig.resync()
    dates = re.compile(r"^\d{4}-\S+ \S+|\[[^]]+\]", re.MULTILINE)
    ours = [dates.sub("", line) for line in log.lines if "done and verified" not in line]
    assert "\n".join(ours).rstrip("\n") == dates.sub("", LOG.read_text()).rstrip("\n")


def test_a_run_leaves_new_images_behind_linked_lvs(rig: Rig) -> None:
    """The world and every face agree; the images are of this minute."""
    start = rig.world()
    assert rig.resync().exit == 0
    world = rig.world()
    assert rig.shows() == {LV1: SV1, LV2: SV2}
    for sv in (SV1, SV2):
        assert (world["svs"][sv]["created"] or 0) > (start["svs"][sv]["created"] or 0)
    assert rig.look().status.value == "up"
    check_calls(start, rig.calls())


def test_eight_pairs_on_two_warm_base_volumes_cost_at_most_28_commands(make_rig: Callable[..., Rig]) -> None:
    """3N + 2B: one reading before and one after for each base volume, three changes a pair."""
    rig = make_rig("eight")
    rig.look()
    before, start = len(rig.calls()), rig.world()
    report = rig.resync()
    assert (report.exit, report.text) == (0, "done and verified")
    assert len(rig.calls()) - before <= 28
    check_calls(start, rig.calls())


def test_a_second_run_is_too_soon_and_force_bypasses_only_that(rig: Rig) -> None:
    """Exit 4 without a change; forced it runs; forced or not, a guarded SV is refused."""
    rig.resync()
    count = len(rig.changes())
    report = rig.resync()
    assert report.refusal is not None
    assert (report.exit, report.refusal.code, len(rig.changes())) == (4, "too-soon", count)
    assert rig.resync(force=True).exit == 0
    rig.edit("svs", SV1, guard="on")
    guarded = rig.resync(force=True)
    assert guarded.refusal is not None
    assert (guarded.exit, guarded.refusal.code, len(rig.changes())) == (3, "sv-guarded", 2 * count)


def test_runs_within_one_second_are_believed(rig: Rig) -> None:
    """Images of one second print one date: the create's own word, confirmed by the reading, is enough."""
    assert [rig.resync(force=True).exit for _ in range(3)] == [0, 0, 0]


@pytest.mark.proves("S02")
def test_a_dry_run_names_the_commands_and_its_hash_holds(rig: Rig) -> None:
    """Nothing is changed or noted; the plan it prints is the one that runs; another hash is refused."""
    dry = rig.resync(dry_run=True)
    assert (dry.exit, rig.changes(), rig.files()) == (0, [], [])
    other = rig.resync(plan="0" * 16)
    assert other.refusal is not None
    assert (other.exit, other.refusal.code) == (3, "plan-changed")
    done = rig.resync(plan=dry.hash)
    assert done.exit == 0
    assert rig.changes() == [" ".join(argv) for argv in dry.argvs]


@pytest.mark.proves("S02")
@pytest.mark.parametrize("scenario", ["seed", "stale", "eight"])
def test_what_a_dry_run_prints_is_what_a_run_sends(
    make_rig: Callable[..., Rig], scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines that are no comments are the array's log of calls of the run that follows, to the letter.

    Its own log of calls has nothing but questions, and the array is as it was.
    """
    rig = make_rig(scenario)
    words = ["--config", str(rig.config_dir), "resync", rig.services[0].stem, "--force"]
    world = rig.world()
    capsys.readouterr()
    assert main([*words, "--dry-run"]) == 0
    planned = [line for line in capsys.readouterr().out.splitlines() if line and not line.startswith("#")]
    assert rig.calls()
    assert (rig.changes(), rig.files(), rig.world()) == ([], [], world)
    assert main(words) == 0
    assert rig.changes() == planned
    assert len(planned) >= 6


@pytest.mark.parametrize(
    ("declared", "had", "option"),
    [("rw", "rw", ""), ("ro", "rw", " -lvacc ro"), ("keep", "ro", " -lvacc ro"), ("keep", "rw", "")],
)
def test_the_access_is_given_back(rig: Rig, declared: str, had: str, option: str) -> None:
    """`rw` is the plain form, `ro` is said aloud, `keep` is what the LV had."""
    rig.service(f"access = {declared}")
    for lv in (LV1, LV2):
        rig.edit("lvs", lv, access=had)
    assert rig.resync().exit == 0
    links = [line for line in rig.changes() if line.startswith("iSMsc_link ")]
    assert [line.endswith("-svflg ld" + option) for line in links] == [True, True]
    assert {lv["access"] for lv in rig.world()["lvs"].values()} == {"ro" if option else "rw"}


def test_a_wrong_access_is_mended_by_linking_once_more(rig: Rig) -> None:
    """A plain link that comes back ro is undone and made again with the access said aloud; then it is done."""
    rig.after = lambda argv: rig.edit("lvs", LV1, access="ro") if argv[0] == "iSMsc_link" and len(argv) == 9 else None
    start = rig.world()
    report = rig.resync()
    assert report.exit == 0
    assert [line.partition("-svflg ld")[2] for line in rig.changes() if LV1 in line and "link -" in line] == [
        "",
        "",
        "",
        " -lvacc rw",
    ]
    assert rig.world()["lvs"][LV1]["access"] == "rw"
    check_calls(start, rig.calls())


@pytest.mark.parametrize("declared", ["rw", "ro"])
def test_an_access_that_cannot_be_had_is_no_success(rig: Rig, declared: str) -> None:
    """Exit 5: every LV is linked, and every face goes on to say that the access is another one."""
    rig.service(f"access = {declared}")
    wrong = {"rw": "ro", "ro": "rw"}[declared]
    rig.after = lambda argv: rig.edit("lvs", LV1, access=wrong) if argv[0] == "iSMsc_link" and LV1 in argv else None
    report = rig.resync()
    assert report.exit == 5
    assert f"access is '{wrong}'" in report.text
    assert rig.shows() == {LV1: SV1, LV2: SV2}
    assert "access-changed" in [one.code for one in rig.look().all_findings]
