"""What a person would take for a secret is taken out of a quoted text, and the rest of the text stays."""

import pytest

from necism_monitor.domain.checkup import HostFile, Schedules
from necism_monitor.domain.secrets import HIDDEN, hide, is_secret
from necism_monitor.host.schedules import find_mentions


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PASS=x1 TOKEN=y2 run", f"PASS={HIDDEN} TOKEN={HIDDEN} run"),
        ('DB_PASSWORD="a b" run', f"DB_PASSWORD={HIDDEN} run"),
        ("tool --password x1 --all", f"tool --password {HIDDEN} --all"),
        ("tool --api-key=x1 --all", f"tool --api-key={HIDDEN} --all"),
        ('-H "Authorization: Bearer x1" URL', f'-H "Authorization: Bearer {HIDDEN}" URL'),
        ("alice:$2y$10$abcdefghijklmnopqrstuv", f"alice:{HIDDEN}"),
        ("root:$6$salt5678$abcdefghijk:1", f"root:{HIDDEN}:1"),
        (f"password = {HIDDEN}", f"password = {HIDDEN}"),
    ],
)
def test_secrets_are_taken_out(text: str, shown: str) -> None:
    """By the name before it, or by the form of a hash."""
    assert hide(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "credentials_file = /etc/necism/token",
        "--password-file /etc/secret",
        "SOURCE_0001_SV006D: snap/active",
        "the password is no bcrypt hash",
        "costs $5 or $2a",
        "",
    ],
)
def test_everything_else_stays(text: str) -> None:
    """Paths of files, names of volumes and sentences about passwords are none."""
    assert hide(text) == text


@pytest.mark.parametrize("text", ["a" * 500_000, "token" * 100_000, "-" * 500_000, "token " * 90_000, '="' * 250_000])
def test_what_a_hook_babbles_holds_nobody_up(text: str) -> None:
    """Half a megabyte without an end of line is looked through once, not once for each of its letters."""
    assert hide(text) == text


@pytest.mark.parametrize(
    ("key", "secret"),
    [("password", True), ("API_TOKEN", True), ("credentials_file", False), ("token_file", False), ("window", False)],
)
def test_a_key_says_whether_its_value_is_one(key: str, secret: bool) -> None:
    """The path of a file with a secret may be shown."""
    assert is_secret(key) is secret


def test_a_line_of_a_cron_table_is_quoted_without_its_password() -> None:
    """`necism doctor` shows who else drives snapshots, and its report is sent to others."""
    line = "0 2 * * * root DB_PASSWORD=hunter2 /opt/refresh iSMsc_create SV1"
    (found,) = find_mentions(Schedules((HostFile("/etc/crontab", "cron", line),)), ["SV1"])
    assert "hunter2" not in found.quote
    assert "iSMsc_create SV1" in found.quote
