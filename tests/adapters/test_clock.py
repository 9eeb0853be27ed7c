"""Zones as the C library and the time zone database have them."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from necism_monitor.adapters.clock import SystemClock, host_zone, now
from necism_monitor.adapters.zones import zone

# Both sides of both changes of the year in Europe and in the United States, and midsummer and midwinter.
MOMENTS = (1767225600, 1772953200, 1774745999, 1774746000, 1782907200, 1792889999, 1792890000, 1793512800)


FORM = "%Y-%m-%d %H:%M:%S %z"


def said_by_date(setting: str, moment: int) -> str:
    argv, environment = ("date", "-d", f"@{moment}", f"+{FORM}"), {**os.environ, "TZ": setting}
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=20, env=environment).stdout.strip()


def ours(moment: int) -> str:
    return datetime.fromtimestamp(moment, host_zone()).strftime(FORM)


@pytest.mark.parametrize(
    "setting",
    [
        "Europe/Paris",
        ":Asia/Tokyo",
        "/usr/share/zoneinfo/America/New_York",
        ":/usr/share/zoneinfo/Asia/Kolkata",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "JST-9",
        "<+0530>-5:30",
        "EST5EDT",
        "UTC0",
        "",
        ":",
        "nonsense",
        "Europe",
        "/nonexistent/zone",
        "/etc/passwd",
        "../../etc/passwd",
    ],
)
def test_the_host_zone_is_what_date_says(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For every form of TZ, broken ones too, our offset is the one of the C library at each change of the year."""
    monkeypatch.setenv("TZ", setting)
    for moment in MOMENTS:
        assert ours(moment) == said_by_date(setting, moment)


def test_a_summer_time_without_dates_has_the_c_library_s_months(monkeypatch: pytest.MonkeyPatch) -> None:
    """`CET-1CEST` says no dates; the C library has its own for it, and so have we (the hour of the change differs)."""
    monkeypatch.setenv("TZ", "CET-1CEST")
    for moment in (1767225600, 1772800000, 1773100000, 1782907200, 1793200000, 1793800000):
        assert ours(moment) == said_by_date("CET-1CEST", moment)


def test_without_tz_the_host_zone_is_localtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is followed and named by its place in the database; missing or damaged it is UTC."""
    monkeypatch.delenv("TZ", raising=False)
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Paris")
    (tmp_path / "damaged").write_bytes(b"TZif2" + b"\0" * 20)
    paris = host_zone(tmp_path / "localtime")
    assert str(paris) == "Europe/Paris"
    assert datetime(2026, 7, 1, tzinfo=paris).isoformat() == "2026-07-01T00:00:00+02:00"
    for bad in (tmp_path / "nowhere", tmp_path / "damaged", tmp_path):
        assert host_zone(bad) is UTC


def test_an_ambiguous_hour_has_both_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    """When clocks go back an hour is there twice: a zone made of a rule keeps both apart, as a named one does."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    for one in (host_zone(), zone("Europe/Paris")):
        twice = [datetime(2026, 10, 25, 2, 30, tzinfo=one, fold=fold).timestamp() for fold in (0, 1)]
        assert twice == [1792888200, 1792891800]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Europe/Pariss", "unknown time zone 'Europe/Pariss': did you mean 'Europe/Paris'?"),
        ("asia/tokyo", "unknown time zone 'asia/tokyo': did you mean 'Asia/Tokyo'?"),
        ("zzzzzz", "unknown time zone 'zzzzzz': write an IANA name such as 'Europe/Paris'"),
        ("", "unknown time zone '': write an IANA name such as 'Europe/Paris'"),
        ("a\0b", "unknown time zone 'a\\x00b'"),
        ("/etc/localtime", "unknown time zone '/etc/localtime'"),
        ("../zoneinfo/UTC", "unknown time zone '../zoneinfo/UTC'"),
        ("Europe", "unknown time zone 'Europe'"),
        ("x" * 300, "unknown time zone 'xxx"),
    ],
)
def test_an_unknown_zone_is_named_with_what_was_meant(name: str, said: str) -> None:
    """Every wrong name, also one that is a path or a folder, is a ValueError with a hint."""
    with pytest.raises(ValueError, match="unknown time zone") as caught:
        zone(name)
    assert str(caught.value).startswith(said)
    assert ": " in str(caught.value)


def test_without_a_database_there_is_utc_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a host without time zones UTC still works, and any other name says what to install."""
    monkeypatch.setattr("necism_monitor.adapters.zones.ZoneInfo", {}.__getitem__)
    monkeypatch.setattr("necism_monitor.adapters.zones.available_timezones", set)
    assert zone("UTC") is UTC
    with pytest.raises(ValueError, match="install tzdata"):
        zone("Europe/Paris")


def test_the_clock_is_the_host_s() -> None:
    """Now is the epoch's seconds, and a wait that is already over does not raise."""
    before = time.time()
    SystemClock().sleep(-1)
    assert before <= now() <= SystemClock().now() <= time.time() + 1
