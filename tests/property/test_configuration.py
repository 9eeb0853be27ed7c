"""Any file at all: a configuration, or every problem with its file and line; and what is shown loads to the same."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Final

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from necism_monitor.adapters.config import examine, load
from necism_monitor.adapters.config_show import show
from necism_monitor.cli.main import main
from necism_monitor.domain.errors import ConfigError
from necism_monitor.domain.model import Config
from tests.property.profiles import Profile, both

SAMPLES: Final = Path(__file__).resolve().parents[1] / "config" / "files"
SAMPLE_LINES: Final = sorted(
    {line for path in SAMPLES.rglob("*.*") if path.is_file() for line in path.read_text("latin-1").splitlines()}
)
"""Every line of the sample files, good and bad."""

GOOD: Final = {
    "sync_max_delay": ("1500", "25h", "1w2d", "90m"),
    "sync_min_delay": ("0", "30", "1h"),
    "sync_max_skew": ("240", "90m", "4h"),
    "array": ("default", "prod-a"),
    "access": ("rw", "ro", "keep"),
    "order": ("set", "pair"),
    "parallel": ("1", "2", "16"),
    "automatic": ("none", "timer", "nagios icinga", "timer, alertmanager"),
    "window": ("mon-fri 22:00-05:00 Europe/Paris", "sat 00:00-24:00 UTC", "mon 01:00-02:00 Asia/Tokyo"),
    "cooldown": ("1h", "0s", "150m"),
    "max_per_day": ("1", "6"),
    "pre_resync": ("/usr/bin/svcmgr -s 'my service' stop", "/bin/true"),
    "pre_resync_timeout": ("10m", "45s"),
    "post_resync": ("/usr/bin/svcmgr -s x start",),
    "in_use_check": ("/usr/local/bin/lv-idle --hosts a,b",),
    "consumers": ("none",),
    "run_on": ("node1", "node1 node2.example.com"),
    "disable": ("true", "false"),
    "tags": ("nostatus", "noaction", "nostatus noaction"),
    "schedule": ("@1d",),
}
"""Keys of a resource with values that the README and the contract allow."""

SECTIONS: Final = ("[sync#1]", "[sync#nightly]", "[DEFAULT]", "[fs#1]", "[necism]", "[", "[sync#1", "[array x]", "[]")
LINES: Final = (
    st.sampled_from(SAMPLE_LINES)
    | st.sampled_from(SECTIONS)
    | st.builds("{} = {}".format, st.sampled_from(sorted(GOOD)), st.text(max_size=20))
    | st.builds("{}{}{}".format, st.text(max_size=8), st.sampled_from("=: \t"), st.text(max_size=8))
    | st.text(max_size=40)
)
TEXTS: Final = st.lists(LINES, max_size=25).map("\n".join)
BYTES: Final = TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=200)
NAMES: Final = ("db1.conf", "db2.env", "a b.conf", "-x.conf", ".hidden.conf", "README")


def placed(directory: str, general: bytes | None, files: dict[str, bytes]) -> Path:
    """A configuration directory."""
    place = Path(directory, "etc")
    (place / "services").mkdir(parents=True)
    if general is not None:
        (place / "necism.conf").write_bytes(general)
    for name, content in files.items():
        (place / "services" / name).write_bytes(content)
    return place


def check_problems(error: ConfigError, place: Path) -> None:
    """Every problem names a file, a line that the file has, a rule, and fits on lines people can read."""
    assert error.problems
    for one in error.problems:
        path = Path(one.file)
        assert path.is_relative_to(place)
        assert one.rule
        if one.line is not None:
            assert 1 <= one.line <= path.read_bytes().decode("latin-1").replace("\r", "\n").count("\n") + 1
        assert "\n" not in str(one).rstrip("\n") or one.value


@both
def test_any_files_are_a_configuration_or_a_list_of_problems(profile: Profile) -> None:
    """Whatever stands in them, nothing but ConfigError is raised, and each problem leads to its line."""

    @profile.tries(200, st.none() | BYTES, st.dictionaries(st.sampled_from(NAMES), BYTES, max_size=2))
    def holds(general: bytes | None, files: dict[str, bytes]) -> None:
        with tempfile.TemporaryDirectory() as directory:
            place = placed(directory, general, files)
            try:
                config = load(place, environ={})
            except ConfigError as error:
                check_problems(error, place)
            else:
                assert isinstance(config, Config)
                assert all(one.pairs for one in config.resources)


@both
def test_config_check_never_ends_in_a_traceback(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command says 0 or 64, and at 64 it names the file."""
    monkeypatch.delenv("NECISM_CONFIG", raising=False)

    @profile.tries(60, BYTES)
    def holds(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as directory:
            place = placed(directory, None, {"db1.conf": content})
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(["--config", str(place), "config", "check"])
            assert code in {0, 64}
            assert "Traceback" not in err.getvalue()
            assert code == 0 or "db1.conf" in err.getvalue()


@st.composite
def resources(draw: st.DrawFn) -> dict[str, str]:
    """Keys of a resource, each with a value that is allowed."""
    keys = draw(st.lists(st.sampled_from(sorted(GOOD)), unique=True, max_size=12))
    return {key: draw(st.sampled_from(GOOD[key])) for key in keys}


def section(name: str, keys: dict[str, str]) -> str:
    """One INI section."""
    return "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in keys.items()), ""])


@both
def test_what_config_show_prints_loads_to_the_same(profile: Profile) -> None:
    """The values in force, written back as they are shown, make the same resources."""

    @profile.tries(120, st.lists(resources(), min_size=1, max_size=3))
    def holds(all_keys: list[dict[str, str]]) -> None:
        texts = []
        for number, keys in enumerate(all_keys, 1):
            devs = f"SVa{number}|SVb{number}:LVa{number} SVc{number}:LVc{number}"
            texts.append(section(f"sync#{number}", {"type": "necismsnap", "devs": devs, **keys}))
        with tempfile.TemporaryDirectory() as directory:
            place = placed(directory, None, {"db1.conf": "\n".join(texts).encode()})
            first = examine(place, environ={})
            shown: dict[str, dict[str, str]] = {}
            for row in show(first):
                if row.section.startswith("db1/") and not is_absent(row.key, row.value):
                    shown.setdefault(row.section.removeprefix("db1/"), {"type": "necismsnap"})[row.key] = row.value
            again = "\n".join(section(name, keys) for name, keys in shown.items())
            (place / "services" / "db1.conf").write_text(again)
            assert load(place, environ={}).resources == first.config.resources


def is_absent(key: str, value: str) -> bool:
    """What stands for a key that nobody set."""
    return value in {"unset", "any", "always"} or (value == "none" and key != "consumers")


@both
def test_a_value_that_is_not_allowed_is_named_with_its_line(profile: Profile) -> None:
    """One bad value between good ones: that line, and no other."""
    words = st.text(st.sampled_from("abcxyz0189-_:./ "), min_size=1, max_size=12)

    @profile.tries(120, resources(), st.sampled_from(("sync_max_delay", "parallel", "order", "access")), words)
    def holds(keys: dict[str, str], key: str, value: str) -> None:
        keys = {**keys, key: value}
        text = section("sync#1", {"type": "necismsnap", "devs": "SV1:LV1", **keys})
        with tempfile.TemporaryDirectory() as directory:
            place = placed(directory, None, {"db1.conf": text.encode()})
            lines = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(f"{key} =")]
            error = problems_of(place)
            assume(error is not None)
            assert error is not None
            assert [one.line for one in error.problems] == lines
            check_problems(error, place)


def problems_of(place: Path) -> ConfigError | None:
    """What is wrong with a configuration."""
    try:
        load(place, environ={})
    except ConfigError as error:
        return error
    return None
