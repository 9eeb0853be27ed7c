"""Nights in which something happens, played by promtool: which alerts fire, and that no other does."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.packaging.alert_worlds import Exporter, play

DB1, DB2 = Exporter("db1"), Exporter("db2")
IN_A_RUN: Final = ("detached", "changing", "never-synced", "skew", "stale")
"""The findings that are not raised while a run keeps to its deadline."""
NOBODY: tuple[str, ...] = ()
TOO_OLD = ("NecismImageTooOld",)


@pytest.fixture(name="promtool_path")
def promtool_path_fixture(require_server: Callable[[str], Path]) -> Path:
    """The real promtool."""
    return require_server("promtool")


def test_a_healthy_set_raises_no_alert(promtool_path: Path, tmp_path: Path) -> None:
    """Nothing fires in eight hours in which only time goes by."""
    play(promtool_path, tmp_path / "test.json", DB1.healthy(500), dict.fromkeys(("5m", "60m", "180m", "499m"), NOBODY))


def test_no_alert_while_a_healthy_resync_runs(promtool_path: Path, tmp_path: Path) -> None:
    """The run takes an hour on db1; db2 reads the array without db1's journal, and tells what it sees."""
    world = DB1.healthy(500) | DB2.healthy(500)
    world |= {DB1.running: "0x29 1x60 0x400", DB1.ended: "0x29 1800x10 2400x40 5400x400"}
    world |= {DB2.finding(code): "0x30 1x61 0x400" for code in IN_A_RUN}
    world |= dict.fromkeys((DB1.taken, DB2.taken), "0x40 stale _x30 4000x400")
    times = ("31m", "45m", "80m", "95m", "110m", "400m")
    play(promtool_path, tmp_path / "test.json", world, dict.fromkeys(times, NOBODY))


def test_restarts_of_the_exporter_neither_hide_nor_repeat_an_alert(promtool_path: Path, tmp_path: Path) -> None:
    """Every tenth scrape is missing: the pause before the alert goes on, and so does the alert once it fires."""

    def holed(value: str) -> str:
        return " ".join([f"{value}x8 stale"] * 20)

    world = {name: holed(values.removesuffix("x200")) for name, values in DB1.healthy(200).items()}
    world |= {DB1.target: " ".join(["1x8 0"] * 20), DB1.read_at: "0+60x200", DB1.limit: holed("1800")}
    before = dict.fromkeys(("10m", "30m", "44m"), NOBODY)
    after = dict.fromkeys(("46m", "49m", "50m", "59m", "60m", "70m", "100m", "180m"), TOO_OLD)
    play(promtool_path, tmp_path / "test.json", world, {**before, **after})


@pytest.mark.proves("S15")
def test_a_loss_of_data_is_an_alert_of_its_own_and_the_age_goes_on(promtool_path: Path, tmp_path: Path) -> None:
    """The array hangs at 20 minutes, the blind exporter is restarted at 100: no LV is called broken, the age counts.

    What is new in the alerts is told by the time at which the last date becomes too old, though nobody sees it.
    """
    world = DB1.healthy(500) | {
        DB1.up: "1x19 0x480",
        DB1.pair_up: "1x19 0x480",
        DB1.read_at: "0+60x19 1140x80 stale _x400",
        DB1.taken: "0x100 stale _x400",
        DB1.limit: "3600x500",
        DB1.finding("timed-out"): "0x19 1x480",
    }
    blind = ("NecismArrayUnreadable",)
    firing = {
        "20m": NOBODY,
        "35m": NOBODY,
        "60m": blind,
        **dict.fromkeys(("80m", "101m", "130m", "240m"), (*blind, *TOO_OLD)),
        "270m": (*blind, "NecismBlind", *TOO_OLD),
    }
    play(promtool_path, tmp_path / "test.json", world, firing)


def test_two_exporters_of_one_set_raise_one_alert(promtool_path: Path, tmp_path: Path) -> None:
    """What is about the set is told once, whichever of them tells it."""
    world = DB1.healthy(200) | DB2.healthy(200)
    for one in (DB1, DB2):
        world |= {one.limit: "1800x200", one.finding("detached"): "0x29 2x170", one.unfinished: "0x29 1x170"}
        world |= {one.of_set("resync_failures_total"): "7x29 8x170", one.ended: "0x29 1800x170"}
    firing = ("NecismImageTooOld", "NecismLinkVolumeDetached", "NecismResyncFailed", "NecismResyncUnfinished")
    play(promtool_path, tmp_path / "test.json", world, {"20m": NOBODY, "60m": firing, "150m": firing})


def test_a_blind_exporter_makes_no_set_old_that_another_one_sees_fresh(promtool_path: Path, tmp_path: Path) -> None:
    """Its last good dates are of long ago; the newest that anybody read counts."""
    world = DB1.healthy(200) | DB2.healthy(200)
    world |= {DB2.up: "0x200", DB2.pair_up: "0x200", DB2.read_at: "0x200"}
    world |= {DB1.taken: "0x20 1200x20 2400x20 3600x20 4800x20 6000x20 7200x80"}
    world |= dict.fromkeys((DB1.limit, DB2.limit), "1800x200")
    times = dict.fromkeys(("60m", "100m", "120m"), ("NecismArrayUnreadable",))
    play(promtool_path, tmp_path / "test.json", world, times)


def test_an_exporter_that_moves_takes_its_alerts_along(promtool_path: Path, tmp_path: Path) -> None:
    """From one host to another within a minute: what fired goes on firing, and nothing is missed."""
    sick = {DB1.limit: "1800x60", DB1.finding("fault"): "1x60"}
    world = {name: f"{values} stale" for name, values in (DB1.healthy(60) | sick).items()}
    moved = {DB2.limit: "1800x100", DB2.finding("fault"): "1x100", DB2.read_at: "3660+60x100"}
    world |= {name: f"_x60 {values}" for name, values in (DB2.healthy(100) | moved).items()}
    times = ("50m", "60m", "61m", "62m", "70m", "90m", "150m")
    firing = ("NecismImageFaulty", "NecismImageTooOld")
    play(promtool_path, tmp_path / "test.json", world, dict.fromkeys(times, firing))


def test_counters_of_a_lost_state_directory_raise_nothing(promtool_path: Path, tmp_path: Path) -> None:
    """They begin at 0 again: a lower number is no failure, and no refusal."""
    fresh = {name: f"{values[0]}x20 0x180" for name, values in DB1.healthy(200).items() if "_total" in name}
    times = dict.fromkeys(("19m", "21m", "22m", "60m", "190m"), NOBODY)
    play(promtool_path, tmp_path / "test.json", DB1.healthy(200) | fresh, times)
