"""Where a configuration is looked for, and who outranks whom."""

import os
from pathlib import Path

import pytest

from necism_monitor.adapters.config import Overrides, default_path, examine, load
from necism_monitor.adapters.config_show import Row, show
from necism_monitor.domain.errors import ConfigError

ENVIRON = {"NECISM_ISM_PATH": "/env/bin", "NECISM_STATE_DIR": "/env/state", "NECISM_RUN_DIR": "/env/run"}


def refuse(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    (problem,) = caught.value.problems
    return str(problem)


def test_the_configuration_is_where_the_environment_says_else_in_etc() -> None:
    """`$NECISM_CONFIG`, else /etc/necism; an empty variable says nothing."""
    assert default_path({"NECISM_CONFIG": "/srv/n"}) == Path("/srv/n")
    assert default_path({}) == default_path({"NECISM_CONFIG": ""}) == Path("/etc/necism")


def test_an_option_outranks_the_environment_that_outranks_the_file(site: Path) -> None:
    """The default comes last; an empty variable says nothing."""
    (site / "necism.conf").write_text("[necism]\nstate_dir = /file/state\nrun_dir = /file/run\n", encoding="utf-8")
    options = Overrides(state_dir="/option/state")
    assert load(site, overrides=options, environ=ENVIRON).settings[:2] == ("/option/state", "/env/run")
    assert load(site, environ={"NECISM_RUN_DIR": ""}).settings[:2] == ("/file/state", "/file/run")


def test_ism_path_of_an_option_replaces_that_of_every_array(files: Path) -> None:
    """So a simulated array stands in front of declared and undeclared arrays alike."""
    for found in (
        load(files / "site", overrides=Overrides(ism_path="/env/bin")),
        load(files / "site", environ=ENVIRON),
    ):
        assert {array.ism_path for array in found.arrays} == {"/env/bin"}
        assert [array.name for array in found.arrays] == ["prod-a", "prod-b", "spare"]


def test_paths_of_options_are_relative_to_the_working_directory(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path on the command line means what it means to every other command."""
    monkeypatch.chdir(tmp_path)
    config = load(Path("etc"), overrides=Overrides(ism_path="sim/../bin", state_dir="state"))
    assert config.settings.state_dir == str(tmp_path / "state")
    assert config.arrays[0].ism_path == str(tmp_path / "bin")
    assert config.services[0].file == str(site / "services" / "db1.conf")


def test_show_lists_every_value_with_its_units_and_origin(site: Path) -> None:
    """Each key of each section once, also those nobody set."""
    (site / "necism.conf").write_text("[necism]\nstale_after = 90m\n[array a1]\nhost = x\n", encoding="utf-8")
    rows = show(examine(site, overrides=Overrides(run_dir="/r"), environ=ENVIRON))
    service, general = site / "services" / "db1.conf", site / "necism.conf"
    for row in (
        Row("[necism]", "stale_after", "1h30m", f"{general}:2"),
        Row("[necism]", "run_dir", "/r", "--run-dir"),
        Row("[necism]", "state_dir", "/env/state", "NECISM_STATE_DIR"),
        Row("[array a1]", "host", "x", f"{general}:4"),
        Row("[array default]", "ism_path", "/env/bin", "NECISM_ISM_PATH"),
        Row("[exporter]", "listen_address", ":19942", "default"),
        Row("[webhook]", "credentials_file", "none", "default"),
        Row("db1/sync#1", "devs", "A_SV01:A_LV01", f"{service}:3"),
        Row("db1/sync#1", "sync_max_delay", "1d1h", "default"),
        Row("db1/sync#1", "window", "always", "default"),
    ):
        assert row in rows
    assert len({row[:2] for row in rows}) == len(rows)


def test_show_tells_windows_words_and_commands_as_they_would_be_written(files: Path) -> None:
    """A value shown can be written into a file again."""
    rows = {row.key: row.value for row in show(examine(files / "good" / "everything.conf")) if "/" in row.section}
    assert rows["devs"] == "SVa|SVb:LV1 SV2:LV2"
    assert rows["pre_resync"] == "/usr/bin/svcmgr -s 'my service' stop"
    assert rows["window"] == "mon-fri 22:00-05:00 Europe/Paris, sat 00:00-24:00 UTC"
    assert rows["automatic"] == "alertmanager nagios timer"
    general = {row.key: row.value for row in show(examine(files / "site")) if row.section == "[array prod-a]"}
    assert general["words"] == "snap/moving:changing, loose:detached, degraded:normal"
    assert general["timezone"] == "Europe/Paris"


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    """The hint says how to name another."""
    missing = tmp_path / "nowhere"
    assert refuse(missing) == f"{missing}: does not exist (hint: name the configuration with --config or NECISM_CONFIG)"


@pytest.mark.parametrize("folder", ["", "services", "services/sub.conf.d"])
def test_a_directory_without_service_files_is_refused(tmp_path: Path, folder: str) -> None:
    """A monitor that watches nothing would look healthy."""
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    hint = "put a service file there, as services/NAME.conf or services/NAME.env"
    assert refuse(tmp_path) == f"{tmp_path}/services: no service file (hint: {hint})"


def test_a_service_described_twice_is_refused(site: Path) -> None:
    """`db1.conf` and `db1.env` are one service; which one counts must not depend on luck."""
    services = site / "services"
    (services / "db1.env").write_text("[sync#1]\ntype = necismsnap\ndevs = B:C\n", encoding="utf-8")
    rule = f"the service is already described by {services}/db1.conf: 'db1' (hint: remove one of the two)"
    assert refuse(site) == f"{services}/db1.env: {rule}"


def test_a_volume_used_by_two_services_is_refused(site: Path) -> None:
    """Both places are named, also where the first use is an alternative."""
    services = site / "services"
    (services / "aa.conf").write_text("[sync#4]\ntype = necismsnap\ndevs = B|A_SV01:C\n", encoding="utf-8")
    assert refuse(site) == (
        f"{services}/db1.conf:3: [sync#1] devs: this SV is already the SV of aa/sync#4 at {services}/aa.conf:3, "
        "on the same array 'default': 'A_SV01' (hint: each SV and LV has one place; a volume of another array needs "
        "`array = NAME`)"
    )


def test_what_is_no_regular_file_is_not_waited_for(site: Path) -> None:
    """A pipe without a writer would hold the check for ever."""
    pipe = site / "services" / "pipe.conf"
    os.mkfifo(pipe)
    assert refuse(site) == f"{pipe}: not a regular file (hint: name a file or a directory)"


def test_a_link_that_leads_nowhere_is_named(site: Path) -> None:
    """A broken necism.conf is not passed over as if it were not there."""
    (site / "necism.conf").symlink_to(site / "gone")
    assert refuse(site).startswith(f"{site}/necism.conf: does not exist")


def test_a_file_that_cannot_be_read_is_named_with_the_systems_reason(site: Path) -> None:
    """The kernel's own file refuses to be read from its start, whoever asks."""
    file = site / "services" / "mem.conf"
    file.symlink_to("/proc/self/mem")
    assert refuse(site) == f"{file}: cannot be read: Input/output error"


def test_missing_rights_are_hinted_at(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file exists, and this user may not read it: said as such, of a file and of a directory."""

    def deny(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    file = site / "services" / "db1.conf"
    monkeypatch.setattr(Path, "read_bytes", deny)
    hint = "check the rights of the file and its directories"
    assert refuse(file) == f"{file}: cannot be read: Permission denied (hint: {hint})"
    monkeypatch.setattr(Path, "iterdir", deny)
    assert refuse(site) == f"{site}: cannot be listed: Permission denied (hint: check the rights of the directory)"


def test_an_array_that_is_nearly_a_declared_one_is_warned_about(site: Path) -> None:
    """An undeclared name is allowed; one letter off is probably a slip."""
    (site / "necism.conf").write_text("[array prod-a]\nhost = a\n", encoding="utf-8")
    service = site / "services" / "db1.conf"
    service.write_text("[sync#1]\ntype = necismsnap\narray = prod_a\ndevs = A:B\n", encoding="utf-8")
    config = load(site)
    text = "[sync#1] array 'prod_a' is not declared: the local commands are used; is 'prod-a' meant?"
    assert config.warnings == (f"{service}:4: {text}",)
    assert config.array(config.resources[0].array).host is None


def test_the_map_of_the_webhook_may_name_what_is_hidden_from_reading(site: Path) -> None:
    """`nostatus` hides a resource from views; an alert may still ask for it."""
    (site / "necism.conf").write_text("[webhook]\nlabel = l\nmap = x=y=db1\n", encoding="utf-8")
    service = site / "services" / "db1.conf"
    service.write_text("[sync#1]\ntype = necismsnap\ndevs = A:B\ntags = nostatus\n", encoding="utf-8")
    assert load(site).webhook.map == (("x=y", "db1"),)
