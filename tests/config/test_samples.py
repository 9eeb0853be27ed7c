"""Files as sites have them load, and say what a person reads off them."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from necism_monitor.adapters.clock import host_zone
from necism_monitor.adapters.config import load
from necism_monitor.domain.model import (
    AccessPolicy,
    Array,
    Automation,
    Config,
    Hook,
    Limits,
    Listener,
    Order,
    Pair,
    Resource,
    Settings,
    Source,
    Webhook,
    Window,
)
from necism_monitor.domain.names import ArrayName, LdName, ResourceName, ServiceName
from necism_monitor.domain.states import BvState, LinkState, SnapshotState, Words

MINUTE, HOUR, DAY = 60, 3600, 86400


def pair(lv: str, *svs: str) -> Pair:
    return Pair(LdName(lv), tuple(LdName(sv) for sv in svs))


def only(config: Config) -> Resource:
    (resource,) = config.resources
    return resource


SEED_PAIRS = (
    pair("SOURCE_0001_LV00A6", "SOURCE_0001_SV006D"),
    pair("SOURCE_0002_LV009E", "SOURCE_0002_SV0055"),
)


@pytest.mark.parametrize("name", ["iiststnec02", "indented"])
def test_the_documented_template_loads_once_its_lines_are_uncommented(files: Path, name: str) -> None:
    """Two pairs, ten and a half million minutes, else defaults; the page's own indentation does no harm."""
    resource = only(load(files / "good" / f"{name}.env"))
    assert resource == Resource(
        service=ServiceName(name),
        name=ResourceName("sync#1"),
        pairs=SEED_PAIRS,
        limits=Limits(max_delay=10_512_000 * MINUTE, min_delay=30 * MINUTE, max_skew=4 * HOUR),
    )
    assert resource.id == f"{name}/sync#1"


def test_a_service_of_opensvc_2_loads(files: Path) -> None:
    """Only its necismsnap section becomes a resource; [DEFAULT] supplies the delay; values go on over lines."""
    config = load(files / "good" / "preprod01.conf")
    assert only(config) == Resource(
        service=ServiceName("preprod01"),
        name=ResourceName("sync#1"),
        pairs=(
            pair("PRD_0001_LV00A6", "PRD_0001_SV006D"),
            pair("PRD_0002_LV009E", "PRD_0002_SV0055"),
            pair("PRD_0003_LV009F", "PRD_0003_SV0056", "PRD_0003_SV0057"),
        ),
        limits=Limits(max_delay=36 * HOUR, min_delay=30 * MINUTE, max_skew=2 * HOUR),
        pre_resync=Hook(("/usr/bin/svcmgr", "-s", "preprod01", "stop", "--local"), 300),
        post_resync=Hook(("/usr/bin/svcmgr", "-s", "preprod01", "start", "--local"), 1200),
    )
    assert [one.rpartition(" ")[2] for one in config.ignored] == ["subset", "schedule", "blocking_pre_start"]
    assert config.warnings == ()


def test_a_service_of_opensvc_1_loads(files: Path) -> None:
    """Valueless keys, `rem` lines and percent signs do no harm; a disabled resource is kept and marked."""
    config = load(files / "good" / "iistst.env")
    assert [(one.name, one.disabled, one.limits.max_delay) for one in config.resources] == [
        ("sync#1", False, 3000 * MINUTE),
        ("sync#3", True, 3000 * MINUTE),
    ]


def test_every_key_of_a_resource_is_read(files: Path) -> None:
    """A section that sets all keys yields exactly these values."""
    assert only(load(files / "good" / "everything.conf")) == Resource(
        service=ServiceName("everything"),
        name=ResourceName("sync#nightly"),
        pairs=(pair("LV1", "SVa", "SVb"), pair("LV2", "SV2")),
        array=ArrayName("prod-a"),
        limits=Limits(max_delay=2 * DAY, min_delay=0, max_skew=90 * MINUTE),
        access=AccessPolicy.RO,
        order=Order.PAIR,
        parallel=2,
        automation=Automation(
            callers=frozenset({"timer", "nagios", "alertmanager"}),
            windows=(
                Window(
                    frozenset({0, 1, 2, 3, 4}),
                    22 * 60,
                    5 * 60,
                    ZoneInfo("Europe/Paris"),
                    "mon-fri 22:00-05:00 Europe/Paris",
                ),
                Window(frozenset({5}), 0, 24 * 60, ZoneInfo("UTC"), "sat 00:00-24:00 UTC"),
            ),
            cooldown=9000,
            max_per_day=2,
        ),
        pre_resync=Hook(("/usr/bin/svcmgr", "-s", "my service", "stop"), 600),
        post_resync=Hook(("/usr/bin/svcmgr", "-s", "my service", "start"), 3600),
        in_use_check=("/usr/local/bin/lv-idle", "--hosts", "a,b"),
        unused=True,
        run_on=frozenset({"node1", "node2.example.com"}),
    )


def test_every_key_of_necism_conf_is_read(files: Path) -> None:
    """A general file that sets all keys yields exactly these values; its relative paths start at its directory."""
    site = files / "site"
    config = load(site)
    assert config.settings == Settings(
        state_dir="/srv/necism/state",
        run_dir=str(site / "run"),
        kill_switch="/etc/opensvc/NO_SNAPSHOTS",
        max_runs_per_hour=2,
        source=Source.FILE,
        stale_after=20 * MINUTE,
        future_tolerance=MINUTE,
        changing_grace=15 * MINUTE,
        settle_timeout=30 * MINUTE,
        relink_timeout=10 * MINUTE,
        keep_history=364 * DAY,
        host_root="/host",
    )
    assert config.arrays == (
        Array(
            name=ArrayName("prod-a"),
            ism_path="/opt/iSMccs/bin",
            command_prefix=("sudo", "-n"),
            zone=ZoneInfo("Europe/Paris"),
            read_timeout=300,
            change_timeout=900,
            parallel_commands=2,
            cache_ttl=120,
            unique_names=True,
            words=Words(
                snap=(("snap/moving", SnapshotState.CHANGING),),
                link=(("loose", LinkState.DETACHED),),
                bv=(("degraded", BvState.NORMAL),),
            ),
        ),
        Array(ArrayName("prod-b"), host="monitor@array-b.example.com"),
        Array(ArrayName("spare")),
    )
    assert config.exporter == Listener("127.0.0.1:9100", "/necism", str(site / "web.yml"))
    assert config.webhook == Webhook(
        Listener("[::1]:9101"), "/etc/necism/token", "snapshot", (("erp", "b-erp/sync#1"), ("all", "a-db"))
    )


def test_services_stand_in_file_order_and_resources_as_written(files: Path) -> None:
    """Hidden files and files of other suffixes are no services; one SV name may exist on each array."""
    config = load(files / "site")
    assert [one.id for one in config.resources] == ["a-db/sync#2", "a-db/sync#1", "b-erp/sync#1"]
    assert [one.array for one in config.resources] == ["prod-a", "spare", "prod-b"]


def test_without_necism_conf_the_documented_defaults_hold(site: Path) -> None:
    """Nothing has to be set but the devs; the kill switch is STOP beside the configuration."""
    config = load(site)
    assert config.settings == Settings(
        state_dir="/var/lib/necism",
        run_dir="/run/necism",
        kill_switch=str(site / "STOP"),
        max_runs_per_hour=4,
        source=Source.COMMANDS,
        stale_after=900,
        future_tolerance=300,
        changing_grace=600,
        settle_timeout=1200,
        relink_timeout=900,
        keep_history=400 * DAY,
        host_root="/",
    )
    assert config.arrays == (Array(ArrayName("default")),)
    assert config.array(ArrayName("default")).read_timeout == 240
    assert config.array(ArrayName("default")).change_timeout == 600
    assert (config.exporter.address, config.webhook.listener.address) == (":19942", "127.0.0.1:19943")
    assert only(config).limits == Limits(1500 * MINUTE, 30 * MINUTE, 4 * HOUR)
    assert only(config).automation == Automation(frozenset(), (), 3600, 6)
    assert load(site / "services" / "db1.conf").settings.kill_switch == str(site / "services" / "STOP")


def test_a_window_that_is_always_open_is_none(tmp_path: Path) -> None:
    """`always` spells the default out."""
    file = tmp_path / "db1.conf"
    file.write_text("[sync#1]\ntype = necismsnap\ndevs = A:B\nwindow = always\n", encoding="utf-8")
    assert only(load(file)).automation.windows == ()


def test_tags_and_disable_of_opensvc_are_honoured(files: Path) -> None:
    """`nostatus` hides, `noaction` refuses, `disable = true` disables."""
    resource = only(load(files / "odd" / "generic-keys.conf"))
    assert (resource.hidden, resource.no_action, resource.disabled) == (True, True, True)


def test_the_last_of_duplicate_keys_counts(files: Path) -> None:
    """Duplicate sections are one section, as the parsers of OpenSVC have it."""
    resource = only(load(files / "odd" / "duplicates.conf"))
    assert resource.limits.max_delay == 60 * MINUTE
    assert resource.pairs == (pair("B_LV01", "B_SV01"),)


@pytest.mark.parametrize(
    ("text", "days", "minutes"),
    [
        ("22:00-05:00", "mon tue wed thu fri sat sun", (1320, 300)),
        ("sun 00:30-01:00", "sun", (30, 60)),
        ("sat-mon 00:00-24:00", "sat sun mon", (0, 1440)),
        ("FRI-fri 23:59-00:00", "fri", (1439, 0)),
    ],
)
def test_a_window_without_a_zone_is_in_the_hosts(
    tmp_path: Path, text: str, days: str, minutes: tuple[int, int]
) -> None:
    """Days wrap around the week's end; no days are all days."""
    file = tmp_path / "db1.conf"
    file.write_text(f"[sync#1]\ntype = necismsnap\ndevs = A:B\nwindow = {text}\n", encoding="utf-8")
    (window,) = only(load(file)).automation.windows
    names = "mon tue wed thu fri sat sun".split()
    assert window.days == {names.index(day) for day in days.split()}
    assert (window.start_minute, window.end_minute) == minutes
    moment = datetime(2026, 7, 1, 12)
    assert moment.replace(tzinfo=window.zone).utcoffset() == moment.replace(tzinfo=host_zone()).utcoffset()
