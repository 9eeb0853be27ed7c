"""Creating simulated arrays: what stands on disk, what is refused, several arrays."""

import configparser
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from necism_monitor.simulator.calls import read_calls
from necism_monitor.simulator.create import CreateError, create

COMMANDS = (
    "iSMsc_query iSMsc_linkinfo iSMsc_unlink iSMsc_create iSMsc_link iSMsc_delete iSMsc_restore iSMsc_svguard "
    "iSMview iSMcc_view iSMvollist"
)

SEED_SERVICE = """\
[sync#1]
type = necismsnap
sync_max_delay = 10512000

#
# 'devs'
#   mandatory. whitespace-separated list of devices to drive with this resource.
#   devices are specified as 'array Snapshot Volume identifier:array Link Volume identifier' 
#
devs = SOURCE_0001_SV006D:SOURCE_0001_LV00A6 SOURCE_0002_SV0055:SOURCE_0002_LV009E
"""  # noqa: W291 - the blank at the end of a comment line is the original's


def two_arrays(tmp_path: Path) -> Path:
    path = tmp_path / "two.json"
    tokyo = {"clock": {"zone": "Asia/Tokyo"}, "array": {"name": "T1"}, "config": {"cache_ttl": "5s"}}
    content = {
        "arrays": {"paris": {"array": {"name": "P1"}}, "tokyo": tokyo},
        "necism": {"stale_after": "1h"},
        "services": {"x.env": ["[sync#1]"]},
    }
    path.write_text(json.dumps(content))
    return path


def test_the_directory_holds_commands_world_and_configuration(tmp_path: Path) -> None:
    """Every command is executable, and the configuration points to this directory."""
    created = create(tmp_path / "sim", "seed", "none")
    names = sorted(path.name for path in (created.directory / "bin").iterdir() if os.access(path, os.X_OK))
    assert sorted(COMMANDS.split()) == names
    config = configparser.RawConfigParser()
    config.read(created.config / "necism.conf")
    own = {"state_dir": "state", "run_dir": "run", "host_root": "host"}
    assert {key: f"{tmp_path}/sim/{name}" for key, name in own.items()} == dict(config["necism"])
    assert {"ism_path": f"{tmp_path}/sim/bin"} == dict(config["array default"])
    assert (created.config / "services" / "iiststnec02.conf",) == created.services


def test_the_seeds_service_is_the_pages_example(tmp_path: Path) -> None:
    """The section of the page, uncommented, with its comments."""
    (service,) = create(tmp_path, "seed", "none").services
    assert service.read_text().endswith(SEED_SERVICE)


def test_paths_with_blanks_and_quotes_work(tmp_path: Path) -> None:
    """Neither the shell between nor the interpreter's line minds the path."""
    created = create(tmp_path / 'it\'s a "very" $ODD `path`; true', "seed", "none")
    done = subprocess.run([created.directory / "bin" / "iSMview", "-d"], capture_output=True, check=True, timeout=60)
    assert b"D1_10" in done.stdout
    assert len(read_calls(created.directory)) == 1


def test_commands_work_from_anywhere_with_an_empty_environment(tmp_path: Path) -> None:
    """No PATH, no home, another working directory, and a module of a bad name beside it."""
    created = create(tmp_path / "sim", "seed", "none")
    (tmp_path / "json.py").write_text("raise SystemExit(99)\n")
    done = subprocess.run(
        [created.directory / "bin" / "iSMview", "-d"], cwd=tmp_path, env={}, capture_output=True, check=True, timeout=60
    )
    assert b"D1_10" in done.stdout


def test_several_arrays_have_their_own_commands_and_worlds(tmp_path: Path) -> None:
    """The first stands in the directory, the second below arrays/, each with its section and the keys it declares."""
    created = create(tmp_path / "sim", two_arrays(tmp_path), "none")
    assert {"paris": tmp_path / "sim", "tokyo": tmp_path / "sim/arrays/tokyo"} == created.arrays
    shown = [
        subprocess.run([place / "bin" / "iSMview", "-d"], capture_output=True, text=True, check=True, timeout=60).stdout
        for place in created.arrays.values()
    ]
    assert [text.splitlines()[3].split()[1] for text in shown] == ["P1", "T1"]
    assert [len(read_calls(place)) for place in created.arrays.values()] == [1, 1]
    config = configparser.RawConfigParser()
    config.read(created.config / "necism.conf")
    assert config["necism"]["stale_after"] == "1h"
    assert {"ism_path": f"{tmp_path}/sim/bin"} == dict(config["array paris"])
    tokyo = {"ism_path": f"{tmp_path}/sim/arrays/tokyo/bin", "timezone": "Asia/Tokyo", "cache_ttl": "5s"}
    assert tokyo == dict(config["array tokyo"])


def test_a_directory_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    """Even with force: nothing that is not ours is removed."""
    (tmp_path / "precious").write_text("data")
    for force in (False, True):
        with pytest.raises(CreateError, match=r"not empty and no simulated array \(holds precious\)"):
            create(tmp_path, "seed", "none", force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    with pytest.raises(CreateError, match="is no directory"):
        create(tmp_path / "precious", "seed", "none")


def test_an_older_simulated_array_is_replaced_only_with_force(tmp_path: Path) -> None:
    """With force it starts anew: other scenario, empty log, empty state."""
    created = create(tmp_path / "sim", "seed", "none")
    subprocess.run([created.directory / "bin" / "iSMview", "-d"], capture_output=True, check=True, timeout=60)
    (created.directory / "state" / "journal").write_text("old")
    with pytest.raises(CreateError, match="holds a simulated array already"):
        create(tmp_path / "sim", "eight", "none")
    create(tmp_path / "sim", "eight", "none", force=True)
    assert read_calls(tmp_path / "sim") == []
    assert not (tmp_path / "sim" / "state" / "journal").exists()
    assert [path.name for path in (tmp_path / "sim/config/services").iterdir()] == ["crm-copies.conf"]


def test_a_bad_scenario_or_latency_makes_no_directory(tmp_path: Path) -> None:
    """Everything is checked before anything is written."""
    for scenario, latency in (("nobody", "none"), ("seed", "quick")):
        with pytest.raises(ValueError, match=r"unknown|none, seed"):
            create(tmp_path / "sim", scenario, latency)
    assert not (tmp_path / "sim").exists()


def test_a_special_file_that_exists_here_is_refused(tmp_path: Path) -> None:
    """Somebody might open it; the option says that this is meant."""
    path = tmp_path / "own.json"
    array: dict[str, object] = {"bvs": {"B": {"special_file": "/dev/null"}}}
    path.write_text(json.dumps({"arrays": {"default": array}}))
    with pytest.raises(CreateError, match="B: special file /dev/null exists on this host"):
        create(tmp_path / "sim", path, "none")
    path.write_text(json.dumps({"arrays": {"default": {**array, "options": {"real_devices": True}}}}))
    assert create(tmp_path / "sim", path, "none")


def test_the_simulator_imports_nothing_of_the_product() -> None:
    """All its modules together load no other folder of the package."""
    code = (
        "import pkgutil, importlib, sys, necism_monitor.simulator as s\n"
        "for m in pkgutil.iter_modules(s.__path__): importlib.import_module('necism_monitor.simulator.' + m.name)\n"
        "print([n for n in sys.modules if n.startswith('necism_monitor.') and '.simulator' not in n])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
