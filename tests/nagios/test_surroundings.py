"""The plugin in odd surroundings: environment, output, installation, users."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nagios.builders import PLUGIN, ask, parse_output
from tests.nagios.conftest import Simulate
from tests.nagios.processes import config, wait_for
from tests.nagios.public import collect_into_file, open_to_all, python_for_everybody


@pytest.mark.proves("N11")
def test_an_empty_environment_is_enough(simulate: Simulate) -> None:
    """Without PATH, HOME and locale, and from a directory that is gone, the answer is the same."""
    argv = [sys.executable, str(PLUGIN), *config(simulate("seed"))]
    done = subprocess.run(argv, env={}, cwd="/proc/self", capture_output=True, text=True, check=False)
    assert (parse_output(done.stdout, done.returncode).code, done.stderr) == (0, "")


@pytest.mark.proves("N11")
@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"HOME": "/nonexistent"},
        {"TZ": "Nowhere/None"},
        {"COLUMNS": "10"},
        {"LC_ALL": "xx_XX", "LANG": "ja_JP.SJIS"},
    ],
    ids=lambda env: next(iter(env)),
)
def test_locale_home_and_terminal_do_not_matter(simulate: Simulate, env: dict[str, str]) -> None:
    """The answer is ASCII and the same in the C locale, without a home, and in an unknown zone."""
    assert ask(*config(simulate("seed")), env=env).code in {0, 1}


@pytest.mark.proves("N01")
@pytest.mark.parametrize("args", [["--help"], ["--bogus"], ["--version"], []])
def test_a_full_device_is_unknown(simulate: Simulate, args: list[str]) -> None:
    """An answer nobody gets is none: exit status 3, whatever it was."""
    argv = [sys.executable, str(PLUGIN), *config(simulate("seed")), *args]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (3, b"")


def test_a_closed_standard_output_is_unknown(simulate: Simulate) -> None:
    """Without a standard output there is nothing to say, and no traceback either."""
    shell = f"exec {sys.executable} {PLUGIN} --config {simulate('seed')}/config >&-"
    done = subprocess.run(["/bin/sh", "-c", shell], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (3, b"")


def test_a_reader_who_left_is_no_traceback(simulate: Simulate) -> None:
    """A pipe whose reader is gone is exit status 3."""
    reading, writing = os.pipe()
    os.close(reading)
    argv = [sys.executable, str(PLUGIN), *config(simulate("seed"))]
    done = subprocess.run(argv, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.proves("N01")
def test_without_the_package_one_line_says_what_is_missing(tmp_path: Path) -> None:
    """The plugin file alone, with an interpreter that has nothing installed."""
    alone = str(shutil.copy(PLUGIN, tmp_path))
    said = ask(command=(sys.executable, "-I", "-S", alone))
    assert said.code == 3
    assert "No module named" in said.status
    assert "necism_monitor" in said.status


@pytest.mark.proves("N01")
def test_without_nagiosplugin_one_line_says_what_is_missing(tmp_path: Path) -> None:
    """The library cannot be imported: 3, not the interpreter's 1, which would be WARNING."""
    (tmp_path / "nagiosplugin.py").write_text("raise ModuleNotFoundError(\"No module named 'nagiosplugin'\")\n")
    said = ask(env={"PYTHONPATH": str(tmp_path)}, command=(sys.executable, str(PLUGIN)))
    assert said.code == 3
    assert "No module named nagiosplugin" in said.status
    assert "install" in said.status


@pytest.mark.parametrize(
    "crash",
    [
        "raise RuntimeError('a|b\\n$x')",
        "raise SystemExit(0)",
        "raise KeyboardInterrupt",
        "raise SystemExit(1)",
        "x = 1 / 0",
    ],
)
def test_whatever_the_imports_do_the_answer_is_unknown(tmp_path: Path, crash: str) -> None:
    """Not only ImportError: an exit or an interrupt while modules are loaded is 3 as well."""
    (tmp_path / "nagiosplugin.py").write_text(crash + "\n")
    assert ask(env={"PYTHONPATH": str(tmp_path)}, command=(sys.executable, str(PLUGIN))).code == 3


def test_a_broken_installation_with_nobody_to_tell_is_unknown(tmp_path: Path) -> None:
    """Neither the package nor room for an answer: 3, without a traceback."""
    alone = str(shutil.copy(PLUGIN, tmp_path))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-I", "-S", alone], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (3, b"")


def test_a_signal_while_modules_are_loaded_is_unknown(tmp_path: Path) -> None:
    """TERM before anything is set up is an answer, too."""
    loading = tmp_path / "loading"
    (tmp_path / "nagiosplugin.py").write_text(f"import time\nopen({str(loading)!r}, 'w').close()\ntime.sleep(600)\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    argv = [sys.executable, str(PLUGIN)]
    plugin = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(loading.exists)
    plugin.terminate()
    out, err = plugin.communicate(timeout=60)
    said = parse_output(out.decode(), plugin.returncode)
    assert (said.code, err) == (3, b"")
    assert "stopped by signal 15" in said.status


def test_a_file_is_enough_for_a_user_who_may_write_nowhere(simulate: Simulate, tmp_path: Path) -> None:
    """`source = file` with nothing readable is UNKNOWN and stale, and leaves no file behind."""
    directory = simulate("seed")
    settings = directory / "config" / "necism.conf"
    settings.write_text(settings.read_text().replace("[necism]\n", "[necism]\nsource = file\n", 1))
    before = sorted(path for path in directory.rglob("*"))
    said = ask(*config(directory))
    assert said.code == 3
    assert "stale" in said.status
    assert sorted(path for path in directory.rglob("*")) == before


@pytest.mark.proves("N11")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_who_may_write_nowhere_reads_the_file(public: Path) -> None:
    """As nagios, with `source = file` and an observation that root collected: the verdict, and nothing written."""
    user = "nagios" if "nagios" in {one.pw_name for one in pwd.getpwall()} else "nobody"
    python = python_for_everybody(user)
    if python is None:
        pytest.skip("no interpreter here that other users may run")
    directory = collect_into_file(public / "array", "stale")
    open_to_all(public)
    before = sorted(public.rglob("*"))
    done = subprocess.run(
        [python, str(public / "check_necism.py"), *config(directory)],
        user=user,
        group=pwd.getpwnam(user).pw_gid,
        extra_groups=[],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    said = parse_output(done.stdout, done.returncode)
    assert (said.code, done.stderr) == (1, "")
    assert "too-old" in said.status
    assert said.perfdata[0].value != "U"
    assert sorted(public.rglob("*")) == before


@pytest.mark.proves("N11")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.parametrize("source", ["commands", "file"])
def test_a_read_only_file_system_is_enough(
    public: Path, require_server: Callable[[str], Path], tmp_path: Path, source: str
) -> None:
    """Where nothing can be written, no map, no cache and no byte code, the verdict is the same."""
    directory = collect_into_file(public / "array", "stale")
    settings = directory / "config" / "necism.conf"
    settings.write_text(settings.read_text().replace("source = file", f"source = {source}"))
    # The simulated commands keep a log: with them all but their own directory is read-only.
    folders = [public] if source == "file" else [directory / "state", directory / "run", public / "nagiosplugin"]
    shell = "".join(f"mount --bind {one} {one} && mount -o remount,ro,bind {one} && " for one in folders)
    shell += f"! touch {folders[0]}/x 2>{tmp_path}/touch && "
    shell += f"exec {sys.executable} {public}/check_necism.py --config {directory}/config"
    argv = [str(require_server("unshare")), "--mount", "sh", "-c", shell]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={}, timeout=120)
    said = parse_output(done.stdout, done.returncode)
    assert (said.code, done.stderr) == (1, "")
    assert "too-old" in said.status
    assert "Read-only" in (tmp_path / "touch").read_text()
