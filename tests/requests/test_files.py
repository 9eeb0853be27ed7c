"""The files of requests: what is written can be read, and nothing else is believed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import strategies as st

from necism_monitor.adapters.config import load
from necism_monitor.adapters.config_run_dir import find_run_dir
from necism_monitor.adapters.tray import Tray
from necism_monitor.domain.errors import ConfigError, EnvironmentProblem, UsageError
from necism_monitor.domain.request import (
    PATIENCE,
    SIZE_MAX,
    Errand,
    Request,
    asked,
    read_errand,
    read_request,
    write_errand,
    write_request,
)
from tests.property.profiles import Profile, both

REQUEST = Request("svc/sync#1", "nagios", "4711")
ERRAND = Errand("svc/sync#1", "nagios", "4711", "nagios", 1_700_000_000.5, "locked")
SITE = Path("tests/config/files/site")


@pytest.mark.parametrize(
    ("selector", "trigger", "key", "said"),
    [
        ("svc", "timer", "1", "'timer' is no caller of requests"),
        ("svc", "manual", "1", "no caller"),
        ("svc", "", "1", "no caller"),
        ("svc", "nagios", "", "no key"),
        ("svc", "nagios", "a\nb", "no key"),
        ("svc", "nagios", "\x1b[2J", "no key"),
        ("svc", "nagios", "\udce4", "no key"),
        ("svc", "nagios", "k" * 201, "no key"),
        ("", "nagios", "1", "no selector"),
        ("svc/", "nagios", "1", "no selector"),
        ("svc/sync", "nagios", "1", "no selector"),
        ("svc/sync#1/x", "nagios", "1", "no selector"),
        ("s vc", "nagios", "1", "no selector"),
        ("../svc", "nagios", "1", "no selector"),
        ("x" * 301, "nagios", "1", "a selector of 301 characters"),
    ],
)
def test_what_cannot_be_a_request_is_wrong_usage(selector: str, trigger: str, key: str, said: str) -> None:
    """A fact and a hint; a timer needs no spool, and a person has a command of their own."""
    with pytest.raises(UsageError) as caught:
        asked(selector, trigger, key)
    assert said in caught.value.text
    assert caught.value.hint


def test_the_longest_request_is_small() -> None:
    """Characters of four bytes, as many as are allowed: the file stays below its limit."""
    data = write_request(asked("s" * 300, "alertmanager", "\U0001f4a5" * 200))
    assert len(data) < SIZE_MAX
    assert read_request(asked("s" * 300, "alertmanager", "\U0001f4a5" * 200).name, data).key == "\U0001f4a5" * 200


def test_the_file_of_a_request_is_a_contract() -> None:
    """Version, selector, trigger and key, and a name that a SHA-256 of them tells."""
    assert json.loads(write_request(REQUEST)) == {
        "version": 1,
        "selector": "svc/sync#1",
        "trigger": "nagios",
        "key": "4711",
    }
    # printf 'nagios\0svc/sync#1\0%s' 4711 | sha256sum | cut -c-40
    assert REQUEST.name == "b96d06f8a9bbf7e9683c65f33defefae692c2bd5.json"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no JSON, or only a part of it"),
        (b"{", "only a part"),
        (write_request(REQUEST)[:-3], "only a part"),
        (b"\xff\xfe{}", "no JSON"),
        (b"[" * 4000, "nested too deeply"),
        (b'{"a":' * 700 + b"1" + b"}" * 700, "version None"),
        (b"[]", "no object"),
        (b"null", "no object"),
        (b'"x"', "no object"),
        (b"{}", "version None, not 1"),
        (b'{"version": 2, "selector": "svc", "trigger": "nagios", "key": "1"}', "version 2, not 1"),
        (b'{"version": true, "selector": "svc", "trigger": "nagios", "key": "1"}', "version True"),
        (b'{"version": 1.0, "selector": "svc", "trigger": "nagios", "key": "1"}', "version 1.0"),
        (b'{"version": 1, "selector": "svc", "trigger": "nagios"}', "other keys"),
        (b'{"version": 1, "selector": "svc", "trigger": "nagios", "key": "1", "force": true}', "other keys"),
        (b'{"version": 1, "selector": "svc", "trigger": "nagios", "key": 1}', "no text"),
        (b'{"version": 1, "selector": ["svc"], "trigger": "nagios", "key": "1"}', "no text"),
        (b'{"version": 1, "selector": "svc", "trigger": "manual", "key": "1"}', "'manual' is no caller"),
        (b'{"version": 1, "selector": "svc", "trigger": "nagios", "key": "\\u0000"}', "no key"),
        (b'{"version": 1, "selector": "svc/sync#1", "trigger": "nagios", "key": "4712"}', "its name is not that"),
    ],
)
def test_what_is_no_request_is_not_read_as_one(data: bytes, said: str) -> None:
    """To the letter: another version, other keys, other kinds of values, another name."""
    with pytest.raises(ValueError, match=re.escape(said)):
        read_request(REQUEST.name, data)


@both
def test_any_bytes_are_a_request_or_a_value_error(profile: Profile) -> None:
    """Nothing that lies in the spool is a crash."""

    @profile.tries(300, st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
    def check(data: bytes) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            read_request(REQUEST.name, data)


def test_an_errand_comes_back_as_it_was_written() -> None:
    """Also one that was told nothing yet."""
    for errand in (ERRAND, ERRAND._replace(told=None), ERRAND._replace(user="uid 4711", key="é")):
        assert read_errand(write_errand(errand)) == errand


@pytest.mark.parametrize(
    "data", [b"", b"{}", write_request(REQUEST), write_errand(ERRAND).replace(b"1700000000.5", b'"x"')]
)
def test_a_damaged_errand_is_said_to_be_damaged(data: bytes) -> None:
    """It is ours, but disks fill and people edit."""
    with pytest.raises(ValueError, match=r"\w"):
        read_errand(data)


def test_an_errand_waits_eight_days() -> None:
    """A window that opens once a week is waited for; a clock that was put back ends no patience."""
    assert PATIENCE == 8 * 86400
    assert not ERRAND.too_old(ERRAND.asked_at + PATIENCE)
    assert ERRAND.too_old(ERRAND.asked_at + PATIENCE + 1)
    assert not ERRAND.too_old(0.0)


def test_a_tray_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """With its path and a hint, whatever is asked of it; an errand that went meanwhile is none."""
    tray = Tray(tmp_path)
    assert tray.errands() == ([], [])
    (tmp_path / "dispatch").touch()
    for ask in (tray.errands, lambda: tray.keep(ERRAND), lambda: tray.drop(ERRAND), lambda: tray.alone().__enter__()):
        with pytest.raises(EnvironmentProblem, match="cannot be used") as caught:
            ask()
        assert "state_dir" in caught.value.hint
    (tmp_path / "dispatch").unlink()
    (tmp_path / "dispatch").mkdir()
    (tmp_path / "dispatch/gone.json").symlink_to("nowhere")
    tray.keep(ERRAND)
    assert tray.errands() == ([ERRAND], [])
    assert tray.holds(ERRAND)
    tray.drop(ERRAND)
    tray.drop(ERRAND)
    assert not tray.holds(ERRAND)


# --- where the spool is ----------------------------------------------------------------------------------------------


def general(folder: Path, text: str) -> Path:
    """A configuration directory with that necism.conf and one service."""
    (folder / "services").mkdir(parents=True)
    (folder / "services/svc.conf").write_text("[sync#1]\ntype = necismsnap\ndevs = SV1:LV1\n")
    (folder / "necism.conf").write_text(text)
    return folder


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[necism]\n",
        "[necism]\nrun_dir = /srv/run\n",
        "[necism]\nrun_dir = ../run ; beside it\n",
        '[necism]\nrun_dir = "/srv/with blank"\n',
        "[necism]\nrun_dir = /one\nrun_dir = /two\n",
        "[necism]\nrun_dir = /one\n[exporter]\n[necism]\nRUN_DIR=/two\n",
    ],
)
@pytest.mark.parametrize("environ", [{}, {"NECISM_RUN_DIR": "/from/environment"}, {"NECISM_RUN_DIR": ""}])
def test_the_short_way_to_run_dir_ends_where_the_long_one_does(
    tmp_path: Path, text: str, environ: dict[str, str]
) -> None:
    """A handler that reads one key finds the same directory as dispatch, which reads everything."""
    path = general(tmp_path / "etc", text)
    assert find_run_dir(path, None, environ) == load(path, environ=environ).settings.run_dir
    service = path / "services/svc.conf"
    assert find_run_dir(service, None, environ) == load(service, environ=environ).settings.run_dir
    assert find_run_dir(path, "/option", environ) == "/option"


def test_a_broken_service_file_is_no_concern_of_a_handler(tmp_path: Path) -> None:
    """The request waits in the spool until the file is mended."""
    path = general(tmp_path / "etc", "[necism]\nrun_dir = /srv/run\nother = 1\n")
    (path / "services/broken.conf").write_text("[sync#1]\ntype = necismsnap\n")
    assert find_run_dir(path, None, {}) == "/srv/run"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[necism]\nrun_dir = two words\n", "one word"),
        ("[necism]\nrun_dir =\n", "necism.conf"),
        ("[necism]\nrun_dir = 'open\n", "necism.conf"),
        ("[necism\n", "necism.conf"),
        ("\0", "a NUL character"),
        ("#" * (2 << 20), "longer than"),
    ],
)
def test_a_run_dir_that_cannot_be_told_is_an_error_of_the_configuration(tmp_path: Path, text: str, said: str) -> None:
    """With the file; nothing is guessed, because nobody looks into a guessed directory."""
    with pytest.raises(ConfigError) as caught:
        find_run_dir(general(tmp_path / "etc", text), None, {})
    assert said in str(caught.value)


def test_a_configuration_that_is_missing_is_an_error_too(tmp_path: Path) -> None:
    """A path with a slip of the pen must not mean /run/necism."""
    for path in (tmp_path / "nowhere", tmp_path / "file/below"):
        (tmp_path / "file").touch()
        with pytest.raises(ConfigError, match="cannot be read"):
            find_run_dir(path, None, {})
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/necism.conf").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        find_run_dir(tmp_path / "etc", None, {})
