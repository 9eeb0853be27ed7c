"""The web configuration file: what promtool accepts and refuses, and where we are stricter, each with its reason."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from necism_monitor.domain.errors import ConfigError
from necism_monitor.web.protection import Keeper
from necism_monitor.web.webconfig import parse_web_config
from necism_monitor.web.webconfig_tls import CIPHERS, CIPHERS_13
from tests.web.certificates import make_pair

GENEROUS = 60
HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
PAIR = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
CLIENTS = f"{PAIR}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: server.crt\n"

GOOD = {
    "empty": "",
    "a comment": "# nothing is asked for\n",
    "null": "~\n",
    "tls": PAIR,
    "tls and users": f"{PAIR}basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n",
    "users": f"basic_auth_users:\n  alice: {HASH}\n",
    "empty tables": "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n",
    "an empty tls table": "tls_server_config: {}\n",
    "client certificates": CLIENTS,
    "given certificates": CLIENTS.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"),
    "no certificates by name": f"{PAIR}  client_auth_type: NoClientCert\n",
    "versions": f"{PAIR}  min_version: TLS12\n  max_version: TLS13\n",
    "ciphers": PAIR + "  cipher_suites:\n" + "".join(f"  - {name}\n" for name in (*CIPHERS, *CIPHERS_13)),
    "client's ciphers": f"{PAIR}  prefer_server_cipher_suites: false\n",
    "one curve": f"{PAIR}  curve_preferences: [CurveP384]\n",
    "http": f"{PAIR}http_server_config:\n  http2: true\n",
    "no http2": f"{PAIR}http_server_config:\n  http2: no\n",
    "headers": "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    X-XSS-Protection: 0\n"
    "    X-Content-Type-Options: nosniff\n    Strict-Transport-Security: max-age=31536000; includeSubDomains\n"
    "    Content-Security-Policy: default-src 'self'\n",
    "json": '{"basic_auth_users": {"alice": "' + HASH + '"}}\n',
}
BAD = {
    "unknown key": (
        "tls_server_confg:\n  cert_file: x\n",
        "1: unknown key: 'tls_server_confg' (hint: did you mean tls_",
    ),
    "unknown key inside": (
        f"{PAIR}  cert_fil: x\n",
        "4: unknown key: 'tls_server_config.cert_fil' (hint: did you mean",
    ),
    "no hash": ("basic_auth_users:\n  alice: hunter2\n", "2: the password is no bcrypt hash: 'basic_auth_users.alice'"),
    "an empty hash": ("basic_auth_users:\n  alice: ''\n", "2: the password is no bcrypt hash"),
    "ca without policy": (f"{PAIR}  client_ca_file: server.crt\n", "4: a client CA without client_auth_type"),
    "ca with no policy": (CLIENTS.replace("RequireAndVerifyClientCert", "NoClientCert"), "a client CA without client_"),
    "no certificate file": (PAIR.replace("server.crt", "gone.crt"), "gone.crt"),
    "no key file": (PAIR.replace("server.key", "gone.key"), "gone.key"),
    "another's key": (PAIR.replace("server.key", "other.key"), "key values mismatch"),
    "a key as certificate": (PAIR.replace("server.crt", "server.key"), "certificate and key cannot be used"),
    "certificate without key": ("tls_server_config:\n  cert_file: server.crt\n", "key_file (or key) is missing"),
    "key without certificate": ("tls_server_config:\n  key_file: server.key\n", "cert_file (or cert) is missing"),
    "policy alone": ("tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n", "cert_file (or cert) is"),
    "unknown policy": (f"{PAIR}  client_auth_type: RequireAndVerify\n", "4: unknown client_auth_type"),
    "no ca file": (CLIENTS.replace("client_ca_file: server.crt", "client_ca_file: gone.crt"), "gone.crt"),
    "a header of one's own": (
        "http_server_config:\n  headers:\n    X-Own: x\n",
        "3: unknown key: 'http_server_config.he",
    ),
    "a header's wrong value": (
        "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
        "3: X-Frame-Options must be",
    ),
    "a header's empty value": ("http_server_config:\n  headers:\n    X-Content-Type-Options: ''\n", "must be nosniff"),
    "unknown version": (f"{PAIR}  min_version: TLS1.2\n", "4: min_version must be TLS12 or TLS13: 'TLS1.2'"),
    "unknown cipher": (
        f"{PAIR}  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA25]\n",
        "did you mean TLS_ECDHE_RSA_",
    ),
    "an OpenSSL cipher": (f"{PAIR}  cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]\n", "unknown cipher suite"),
    "unknown curve": (f"{PAIR}  curve_preferences: [P256]\n", "4: unknown curve: 'P256'"),
    "a key twice": (f"{PAIR}  cert_file: server.crt\n", "4: the key is there twice: 'tls_server_config.cert_file'"),
    "a user twice": (f"basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n", "3: the key is there twice"),
    "no yaml": ("tls_server_config: [\n", "is no YAML"),
    "a tab": ("tls_server_config:\n\tcert_file: x\n", "2: the file is no YAML"),
    "a list": ("- tls_server_config\n", "must be a table"),
    "a word": ("tls\n", "must be a table"),
    "a list for a word": (PAIR.replace("server.crt", "[server.crt]"), "must be one value"),
    "a word for a list": (f"{PAIR}  cipher_suites: TLS_AES_128_GCM_SHA256\n", "must be a list"),
    "no flag": (f"{PAIR}  prefer_server_cipher_suites: sometimes\n", "must be true or false: 'sometimes'"),
    "a table for users": ("basic_auth_users: [alice]\n", "must be a table"),
}
STRICTER = {
    "no TLS in a table of TLS": ("tls_server_config:\n  min_version: TLS13\n", "somebody asked for TLS", "is missing"),
    "certificates of any public CA": (
        f"{PAIR}  client_auth_type: RequireAndVerifyClientCert\n",
        "Go takes the CAs of the system",
        "without a client CA",
    ),
    "unverified certificates": (
        f"{PAIR}  client_auth_type: RequireAnyClientCert\n",
        "Python verifies or does not ask",
        "cannot ask for certificates that it does not verify",
    ),
    "requested certificates": (f"{PAIR}  client_auth_type: RequestClientCert\n", "as above", "that it does not verify"),
    "an old name of it": (f"{PAIR}  client_auth_type: RequireClientCert\n", "as above", "that it does not verify"),
    "an empty CA": (
        CLIENTS.replace("client_ca_file: server.crt", "client_ca_file: none"),
        "nobody could come in",
        "none",
    ),
    "old TLS": (f"{PAIR}  min_version: TLS10\n", "OpenSSL has it switched off", "serves no TLS before 1.2"),
    "versions turned round": (f"{PAIR}  min_version: TLS13\n  max_version: TLS12\n", "no client fits", "is older than"),
    "no cipher left": (
        f"{PAIR}  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
        "no client fits",
        "none of these suites",
    ),
    "several curves": (f"{PAIR}  curve_preferences: [X25519, CurveP256]\n", "Python sets one", "cannot order several"),
    "a broken hash": (f"basic_auth_users:\n  alice: {HASH[:-1]}!\n", "it matches no password", "is no bcrypt hash"),
    "a user with a colon": (f"basic_auth_users:\n  'a:b': {HASH}\n", "no client can send it", "has no colon"),
    "a header of two lines": (
        'http_server_config:\n  headers:\n    Content-Security-Policy: "a\\nb"\n',
        "it would end the header",
        "one line of ASCII",
    ),
    "a second document": ("basic_auth_users:\n---\n", "the toolkit does not read it", "another document"),
}
NEWER = {
    "a rate limit": "rate_limit:\n  interval: 1s\n  burst: 20\n",
    "no rate limit": "rate_limit:\n  interval: 0\n",
    "names of clients": f"{CLIENTS}  client_allowed_sans: [localhost, 127.0.0.1]\n",
}
"""Keys of exporter-toolkit that Debian's promtool is too old for."""
BAD_NEWER = {
    "an interval without unit": ("rate_limit:\n  interval: 5\n  burst: 1\n", "2: interval must be a duration: '5'"),
    "an interval of words": ("rate_limit:\n  interval: soon\n  burst: 1\n", "interval must be a duration"),
    "no burst": ("rate_limit:\n  interval: 1s\n", "burst must be at least 1"),
    "a negative burst": ("rate_limit:\n  interval: 1s\n  burst: -1\n", "burst must be a whole number"),
    "names without certificates": (f"{PAIR}  client_allowed_sans: [a]\n", "client_allowed_sans without"),
    "no names": (f"{CLIENTS}  client_allowed_sans: []\n", "the list is empty"),
    "an empty name": (f"{CLIENTS}  client_allowed_sans: ['']\n", "an entry of the list is empty"),
    "certificate twice": (f"{PAIR}  cert: x\n", "cert is there as well"),
    "a NUL": (PAIR.replace("server.crt", '"a\\0b"'), "cannot hold a NUL"),
}


@pytest.fixture(name="folder", scope="module")
def folder_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates; every file of it is named relative to the web configuration."""
    folder = tmp_path_factory.mktemp("web")
    make_pair(folder, "server")
    make_pair(folder, "other")
    (folder / "none").write_text("")
    return folder


def refusal(folder: Path, text: str) -> str | None:
    """What we have against a file; None where we would serve."""
    path = folder / "web.yml"
    path.write_text(text)
    try:
        Keeper(path)
    except ConfigError as error:
        return error.text
    return None


def promtool(promtool: Path, folder: Path, text: str) -> int:
    """The verdict of Prometheus' own tool: its exit code."""
    path = folder / "promtool.yml"
    path.write_text(text)
    done = subprocess.run([promtool, "check", "web-config", path], capture_output=True, check=False, timeout=GENEROUS)
    return done.returncode


@pytest.mark.proves("P17")
def test_what_promtool_accepts_is_served(folder: Path, require_server: Callable[[str], Path]) -> None:
    """The files of others work unchanged."""
    program = require_server("promtool")
    ours = {name: refusal(folder, text) for name, text in GOOD.items()}
    assert {name: said for name, said in ours.items() if said is not None} == {}
    assert {name: code for name, text in GOOD.items() if (code := promtool(program, folder, text))} == {}


@pytest.mark.proves("P17")
def test_what_promtool_refuses_is_not_served(folder: Path, require_server: Callable[[str], Path]) -> None:
    """Each with file, line, key and rule."""
    program = require_server("promtool")
    for name, (text, expected) in BAD.items():
        said = refusal(folder, text)
        assert said is not None, name
        assert expected in said, (name, said)
        assert str(folder / "web.yml") in said
        assert "hunter2" not in said
    assert {name: 0 for name, (text, _) in BAD.items() if not promtool(program, folder, text)} == {}


@pytest.mark.proves("P17")
def test_where_we_are_stricter(folder: Path, require_server: Callable[[str], Path]) -> None:
    """Each for its reason, and only where promtool would let it pass: else it belongs to the list above."""
    program = require_server("promtool")
    for name, (text, reason, expected) in STRICTER.items():
        said = refusal(folder, text)
        assert said is not None, (name, reason)
        assert expected in said, (name, said)
        assert promtool(program, folder, text) == 0, name


def test_newer_keys_work(folder: Path) -> None:
    """What Debian's promtool does not know yet."""
    assert {name: said for name, text in NEWER.items() if (said := refusal(folder, text)) is not None} == {}
    for name, (text, expected) in BAD_NEWER.items():
        said = refusal(folder, text)
        assert said is not None, name
        assert expected in said, (name, said)


def test_certificates_may_stand_in_the_file(folder: Path) -> None:
    """Inline certificate, key and CA do what files do, and what is wrong with them is said of their line."""
    indent = "\n      "
    cert, key = ((folder / f"server.{end}").read_text().replace("\n", indent) for end in ("crt", "key"))
    text = f"tls_server_config:\n  cert: |{indent}{cert}\n  key: |{indent}{key}\n"
    assert refusal(folder, text) is None
    clients = f"  client_ca: |{indent}{cert}\n  client_auth_type: RequireAndVerifyClientCert\n"
    assert refusal(folder, text + clients) is None
    said = refusal(folder, text.replace("BEGIN CERTIFICATE", "BEGIN NOTHING"))
    assert said is not None
    assert "2: certificate and key cannot be used" in said
    assert "PRIVATE KEY" not in said


def test_an_encrypted_key_is_refused_without_asking(folder: Path) -> None:
    """Nobody sits at the terminal of a service."""
    from tests.web.certificates import openssl  # noqa: PLC0415 - this test only

    openssl("pkey", "-in", folder / "server.key", "-aes256", "-passout", "pass:x", "-out", folder / "locked.key")
    said = refusal(folder, PAIR.replace("server.key", "locked.key"))
    assert said is not None
    assert "certificate and key cannot be used" in said


def test_all_problems_are_told_at_once(folder: Path) -> None:
    """In the order of the file."""
    text = "basic_auth_users:\n  a: b\nrate_limt:\nhttp_server_config:\n  headers:\n    X-A: b\n"
    text += "tls_server_config:\n  key: x\n"
    said = refusal(folder, text)
    assert said is not None
    assert [line.split(":")[1] for line in said.splitlines()[1:]] == ["2", "3", "6", "8"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00",
        b"a: \x00\n",
        b"a: &a [*a]\n",
        b"basic_auth_users: &u\n  <<: *u\n",
        b"[" * 100_000,
        b"? [a]\n: b\n",
        b"%YAML 9.9\n---\na: b\n",
        b"!!python/object/apply:os.system ['true']\n",
        b"basic_auth_users: !!python/name:os.system\n",
        b"a: b: c\n",
    ],
)
def test_hostile_files_are_refused(data: bytes) -> None:
    """Foreign bytes, knots, depth and tags of Python are problems of the file, and nothing else happens."""
    with pytest.raises(ConfigError):
        parse_web_config(Path("web.yml"), data)


def test_what_is_no_small_plain_file_is_refused(tmp_path: Path) -> None:
    """Nothing is served without the protection that was asked for, and a named pipe holds nobody up."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "huge").write_bytes(b"#" * ((1 << 20) + 1))
    for name, said in (("gone", "No such file"), (".", "no plain file"), ("pipe", "no plain file"), ("huge", "larger")):
        with pytest.raises(ConfigError, match=f"cannot be read: .*{said}"):
            Keeper(tmp_path / name)
        assert refusal(tmp_path, PAIR.replace("server.crt", name).replace("server.key", name)) is not None


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1.0), ("1m30s", 90.0), ("250ms", 0.25), ("1.5h", 5400.0), (".5s", 0.5), ("10us", 1e-5)]
)
def test_intervals_are_durations_of_go(text: str, seconds: float) -> None:
    """As the toolkit reads them."""
    found = parse_web_config(Path("web.yml"), f"rate_limit:\n  interval: {text}\n  burst: 3\n".encode())
    assert found.rate_limit is not None
    assert found.rate_limit.interval == pytest.approx(seconds)
    assert found.rate_limit.burst == 3


def test_cipher_names_are_those_of_iana(require_server: Callable[[str], Path]) -> None:
    """The table from Go's names to OpenSSL's says what openssl says."""
    done = subprocess.run(
        [require_server("openssl"), "ciphers", "-stdname", "ALL"],
        capture_output=True,
        text=True,
        check=True,
        timeout=GENEROUS,
    )
    names = {words[0]: words[2] for words in map(str.split, done.stdout.splitlines())}
    assert {name: names[name if name in names else f"{name}_SHA256"] for name in CIPHERS} == dict(CIPHERS)
    assert set(CIPHERS_13) <= set(names)
