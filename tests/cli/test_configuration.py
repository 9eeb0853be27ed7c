"""`necism config`, and the configuration as every verb gets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from necism_monitor.cli.wiring import Paths, known_arrays, load_config, make_sources
from necism_monitor.domain.errors import ConfigError
from necism_monitor.domain.names import ArrayName
from tests.cli.conftest import Necism, Simulated


def test_a_good_configuration_is_summed_up(necism: Necism, simulated: Simulated) -> None:
    """What there is, and what was accepted without effect."""
    place = simulated("seed")
    service = place / "config" / "services" / "iiststnec02.conf"
    service.write_text(service.read_text() + "\nschedule = @0\nsync_max_delay = 1h\n")
    done = necism("config", "check", "--config", place / "config")
    assert done.returncode == 0
    assert done.stdout.startswith("ok: 1 service, 1 resource, 2 pairs, 1 array\n")
    assert "warnings:\n" in done.stdout
    assert "sync_max_delay" in done.stdout
    assert "accepted, without effect here:\n" in done.stdout


def test_every_value_is_shown_with_its_origin(necism: Necism, simulated: Simulated) -> None:
    """Set in a file, by an option, or by nobody."""
    place = simulated("seed")
    done = necism("config", "show", "--config", place / "config", "--state-dir", "/else")
    assert done.returncode == 0
    rows = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("[necism]")}
    assert rows["state_dir"].split()[2:] == ["/else", "--state-dir"]
    assert "necism.conf:" in rows["run_dir"]
    assert rows["stale_after"].endswith("default")


def test_an_array_behind_ssh_is_reached_there(tmp_path: Path, necism: Necism) -> None:
    """`host` is used; a file `ssh_config` in the configuration's directory is ssh's, and is shown."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "a.conf").write_text("[sync#1]\ntype = necismsnap\narray = far\ndevs = A:B\n")
    (tmp_path / "necism.conf").write_text("[array far]\nhost = admin@far\n")
    (array,) = load_config(Paths(config=str(tmp_path)), {}).arrays
    assert (array.host, array.ssh_config) == ("admin@far", None)
    (tmp_path / "ssh_config").write_text("Host far\n  HostName 127.0.0.1\n  Port 1\n")
    (array,) = load_config(Paths(config=str(tmp_path)), {}).arrays
    assert array.ssh_config == str(tmp_path / "ssh_config")
    shown = necism("config", "show", "--config", tmp_path).stdout.splitlines()
    assert [line.split()[3] for line in shown if " ssh_config " in line] == [str(tmp_path / "ssh_config")]


@pytest.mark.parametrize(
    "value", ["-oProxyCommand=x", "a b", "'a\tb'", "a@-b", "@b", "[::1]", "a;b", "$(x)", "'a\x07b'"]
)
def test_a_host_that_is_no_destination_is_refused(tmp_path: Path, value: str) -> None:
    """Nothing that ssh or a shell could take for something else; the place and the rule are named."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "a.conf").write_text("[sync#1]\ntype = necismsnap\narray = far\ndevs = A:B\n")
    (tmp_path / "necism.conf").write_text(f"[array far]\nhost = {value}\n")
    with pytest.raises(ConfigError) as raised:
        load_config(Paths(config=str(tmp_path)), {})
    (problem,) = raised.value.problems
    assert (problem.file, problem.line) == (str(tmp_path / "necism.conf"), 2)
    assert problem.hint


@pytest.mark.parametrize("value", ["far", "admin@far.example.org", "10.0.0.1", "admin@2001:db8::1", "fe80::1%eth0"])
def test_every_kind_of_destination_is_accepted(tmp_path: Path, value: str) -> None:
    """Names, aliases, users, both families of addresses."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "a.conf").write_text("[sync#1]\ntype = necismsnap\narray = far\ndevs = A:B\n")
    (tmp_path / "necism.conf").write_text(f"[array far]\nhost = {value}\n")
    (array,) = load_config(Paths(config=str(tmp_path)), {}).arrays
    assert array.host == value


def test_an_undeclared_array_has_the_local_commands(tmp_path: Path) -> None:
    """A name that only a resource says is an array like the others: with reader, map, and --ism-path."""
    service = tmp_path / "a.conf"
    service.write_text("[sync#1]\ntype = necismsnap\narray = mine\ndevs = A:B\n")
    config = load_config(Paths(config=str(service), ism_path="/sim/bin"), {})
    mine = ArrayName("mine")
    assert {array.name: array.ism_path for array in known_arrays(config)}[mine] == "/sim/bin"
    sources = make_sources(config)
    assert mine in sources.readers
    assert mine in sources.maps


def test_making_sources_touches_nothing(tmp_path: Path) -> None:
    """A verb that ends early leaves no file and no directory."""
    service = tmp_path / "a.conf"
    service.write_text("[sync#1]\ntype = necismsnap\ndevs = A:B\n")
    paths = Paths(config=str(service), state_dir=str(tmp_path / "state"), run_dir=str(tmp_path / "run"))
    make_sources(load_config(paths, {}))
    assert list(tmp_path.iterdir()) == [service]
