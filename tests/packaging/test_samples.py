"""The files people drop in are accepted by the programs they are for."""

import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from necism_monitor.adapters.config_settings import EXPORTER_ADDRESS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["necism.scrape.yml", "necism.scrape-tls.yml"])
def test_prometheus_accepts_the_scrape_samples(
    name: str, tmp_path: Path, require_server: Callable[[str], Path]
) -> None:
    """Promtool finds the sample configurations valid, with the rules beside them."""
    folder = ROOT / "packaging/prometheus"
    sample = tmp_path / name
    text = f"rule_files: [{folder / 'necism.rules.yml'}]\n{(folder / name).read_text()}"
    # A file that is named has to be there.
    for named in re.findall(r"/etc/prometheus/\S+", text):
        (tmp_path / Path(named).name).write_text("")
    sample.write_text(text.replace("/etc/prometheus/", f"{tmp_path}/"))
    done = subprocess.run(
        [require_server("promtool"), "check", "config", sample], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.proves("P26")
def test_the_default_port_is_documented_and_nobody_elses() -> None:
    """Samples, documentation and program name one port, outside of the range that exporters share (9100 to 9999)."""
    port = int(EXPORTER_ADDRESS.rpartition(":")[2])
    named = [ROOT / name for name in ("README.md", "docs/monitoring.md", "packaging/prometheus/necism.scrape.yml")]
    assert [path.name for path in named if str(port) not in path.read_text()] == []
    assert port not in range(9100, 10000)
    with pytest.raises(OSError, match="not found"):
        socket.getservbyport(port)


def test_every_sample_comes_with_a_package(tmp_path: Path) -> None:
    """What the documentation tells people to copy from packaging/ is among the examples of a package."""
    subprocess.run(["sh", "packaging/install_extras", tmp_path, "doc", "zsh"], cwd=ROOT, check=True, timeout=60)
    come = {path.name for path in tmp_path.glob("*/doc/*/examples/**/*")}
    folders = ("alertmanager", "grafana", "icinga2", "nagios", "nrpe", "prometheus", "sudoers", "systemd/drop-ins")
    samples = {path.name for folder in folders for path in (ROOT / "packaging" / folder).iterdir()}
    # This one is installed where Nagios looks.
    assert samples - come == {"check_necism.cfg"}
