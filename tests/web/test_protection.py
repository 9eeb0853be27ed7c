"""TLS, users and headers as clients meet them, and what happens when their files change."""

import base64
import http.client
import logging
import shutil
import ssl
from pathlib import Path

import pytest

from necism_monitor.domain.errors import ConfigError, UsageError
from necism_monitor.web import auth, protection
from necism_monitor.web.auth import Everybody, Users
from necism_monitor.web.protection import Bucket, Keeper, Protection
from necism_monitor.web.webconfig import RateLimit, WebConfig
from tests.web.certificates import client_context, make_pair, sign
from tests.web.fast import GENEROUS, SHORT, Fast, drain

ALICE = "$2b$04$53kofddEioSx.CTf4DaJbO5EJ3RA1KGoTID8q7abHwjmxRkOYy03W"
"""secret, hashed."""
BOB = "$2b$04$Bt2K2RieWp69fBJIhFOXmO17iZ0AOc.l8deux8LWT7oKSoCGmduSu"
"""hidden, hashed."""
PAIR = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
CLIENTS = f"{PAIR}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"
USERS = f"basic_auth_users:\n  alice: {ALICE}\n"
PATIENT = SHORT._replace(head=float(GENEROUS), idle=float(GENEROUS), handshake=float(GENEROUS))


class Web:
    """A folder with a web configuration and the certificates that it may name."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "web.yml"
        self.server = make_pair(folder, "server")

    def write(self, text: str) -> None:
        """Replace the web configuration at one stroke, as careful tools do."""
        fresh = self.folder / "fresh"
        fresh.write_text(text)
        fresh.replace(self.path)

    def keeper(self, text: str) -> Keeper:
        """A keeper of this text."""
        self.write(text)
        return Keeper(self.path)


@pytest.fixture(name="web")
def web_fixture(tmp_path: Path) -> Web:
    """A server's certificate, and nothing asked for yet."""
    return Web(tmp_path)


def serve(keeper: Keeper, client: ssl.SSLContext | None = None) -> Fast:
    """A patient server with this protection."""
    return Fast(limits=PATIENT, protection=keeper.current, client=client)


def as_user(user: str, password: str) -> dict[str, str]:
    """The header of a password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.proves("P17")
def test_users_are_asked_on_every_path(web: Web) -> None:
    """Health, unknown paths and odd ones included; whatever Host and the form of the target say."""
    with serve(web.keeper(USERS)) as fast:
        for path in ("/", "/-/healthy", "/nowhere", "//", "/%2e%2e/", "/?x=/-/healthy"):
            for method in ("GET", "HEAD", "POST", "OPTIONS"):
                status, headers, _ = fast.get(path, method)
                assert (status, headers["www-authenticate"].split()[0]) == (401, "Basic")
                assert fast.get(path, method, **as_user("alice", "wrong"))[0] == 401
        assert fast.get("/", **as_user("alice", "secret"))[0] == 200
        assert fast.get("/nowhere", **as_user("alice", "secret"))[0] == 404
        with fast.connect() as client:
            client.sendall(b"GET http://a/-/healthy HTTP/1.1\r\nHost: x/-/healthy?\r\nConnection: close\r\n\r\n")
            assert b" 401 " in drain(client)


@pytest.mark.proves("P17")
def test_certificates_of_clients_are_verified(web: Web, tmp_path: Path) -> None:
    """Without one, with a stranger's, or without a name from the list there is no answer at all."""
    authority = make_pair(tmp_path, "ca")
    friend = sign(tmp_path, "friend", authority, sans="DNS:prometheus,URI:spiffe://a/b,IP:::1")
    other = sign(tmp_path, "other", authority, sans="DNS:other")
    stranger = make_pair(tmp_path, "stranger", sans="DNS:prometheus")
    trusted = web.server.cert
    for sans, admitted in (
        ("", {friend, other}),
        ("  client_allowed_sans: [prometheus]\n", {friend}),
        ("  client_allowed_sans: [x, 'spiffe://a/b']\n", {friend}),
        ("  client_allowed_sans: ['0:0:0:0:0:0:0:1', other]\n", {friend, other}),
    ):
        with serve(web.keeper(CLIENTS + sans)) as fast:
            for pair in (None, friend, other, stranger):
                fast._client = client_context(trusted, pair)
                assert answered(fast) is (pair in admitted), (sans, pair)
    with serve(web.keeper(CLIENTS.replace("RequireAndVerify", "Verify").replace("Cert\n", "CertIfGiven\n"))) as fast:
        for pair, good in ((None, True), (friend, True), (stranger, False)):
            fast._client = client_context(trusted, pair)
            assert answered(fast) is good


def is_sound(keeper: Keeper) -> bool:
    """Whether what is on disk is in force; a function, because the answer changes between two lines."""
    return keeper.sound


def install(fresh: Path, place: Path) -> None:
    """Put a file in the place of another one, at one stroke."""
    shutil.copy(fresh, place.with_suffix(".copy"))
    place.with_suffix(".copy").replace(place)


def answered(fast: Fast) -> bool:
    """Whether a request gets an answer."""
    try:
        return fast.get()[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_versions_and_ciphers_are_those_asked_for(web: Web) -> None:
    """A client that speaks no other finds the one that is left."""
    suites = "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA]\n  max_version: TLS12\n"
    everything = client_context()
    everything.set_ciphers("ALL")
    with serve(web.keeper(PAIR + suites), everything) as fast, fast.connect() as client:
        assert isinstance(client, ssl.SSLSocket)
        cipher = client.cipher()
        assert cipher is not None
        assert (cipher[0], client.version()) == ("ECDHE-ECDSA-AES256-SHA", "TLSv1.2")
    only_13 = "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n  curve_preferences: [CurveP521]\n"
    old = client_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with serve(web.keeper(PAIR + only_13), client_context()) as fast:
        assert answered(fast)
        fast._client = old
        assert not answered(fast)


def test_headers_are_on_every_answer(web: Web) -> None:
    """Refusals included; what the operator asks for replaces what a page says."""
    headers = (
        "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    Strict-Transport-Security: max-age=1\n"
    )
    with serve(web.keeper(USERS + headers)) as fast:
        for given in ({}, as_user("alice", "secret")):
            _, found, _ = fast.get(**given)
            assert (found["x-frame-options"], found["strict-transport-security"]) == ("sameorigin", "max-age=1")


def test_a_rate_limit_is_a_bucket(web: Web) -> None:
    """A burst passes, then 429, also for those who have no password; each interval lets one more through."""
    with serve(web.keeper(USERS + "rate_limit:\n  interval: 1h\n  burst: 3\n")) as fast:
        assert [fast.get()[0] for _ in range(5)] == [401, 401, 401, 429, 429]
        assert fast.get(**as_user("alice", "secret"))[0] == 429
    times = iter([0.0, 0.0, 0.0, 0.5, 1.0, 1.1, 100.0, 100.0, 100.0])
    bucket = Bucket(RateLimit(1.0, 2), lambda: next(times))
    assert [bucket.take() for _ in range(8)] == [True, True, False, True, False, True, True, False]


@pytest.mark.proves("P19")
def test_new_certificates_count_without_restart(web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """For new connections; a broken pair keeps the old one, is told once, and shows until it is mended."""
    fresh = make_pair(tmp_path, "fresh")
    keeper = web.keeper(PAIR)
    with serve(keeper, client_context()) as fast:

        def served() -> bytes | None:
            with fast.connect() as client:
                assert isinstance(client, ssl.SSLSocket)
                return client.getpeercert(binary_form=True)

        first, second = (ssl.PEM_cert_to_DER_cert(one.cert.read_text()) for one in (web.server, fresh))
        with fast.connect() as lasting:
            assert served() == first
            install(fresh.cert, web.server.cert)
            with caplog.at_level(logging.ERROR):
                assert [served(), served(), served()] == [first] * 3
            assert [record.levelname for record in caplog.records] == ["ERROR"]
            assert "key values mismatch" in caplog.text
            assert not is_sound(keeper)
            install(fresh.key, web.server.key)
            assert served() == second
            assert is_sound(keeper)
            lasting.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            # Its certificate is not the one that holds now: it is answered, and told to come again on another.
            received = drain(lasting)
            assert (received.endswith(b"hello"), b"connection: close" in received.lower()) == (True, True)


def test_a_new_client_ca_counts_without_restart(web: Web, tmp_path: Path) -> None:
    """Who was signed by the old one is not admitted any more."""
    first, second = make_pair(tmp_path, "ca"), make_pair(tmp_path, "ca2")
    old, new = (sign(tmp_path, f"client{ca.cert.stem}", ca, sans="DNS:a") for ca in (first, second))
    with serve(web.keeper(CLIENTS)) as fast:
        for installed, known in ((first, old), (second, new)):
            install(installed.cert, tmp_path / "ca.crt")
            for pair in (old, new):
                fast._client = client_context(web.server.cert, pair)
                assert answered(fast) is (pair is known)


@pytest.mark.proves("P19")
def test_new_users_count_without_restart(web: Web) -> None:
    """A user who is gone is refused with the next request, on a connection that is open, too; a new one is admitted."""
    keeper = web.keeper(USERS)
    with serve(keeper) as fast:
        lasting = http.client.HTTPConnection(*fast.address, timeout=GENEROUS)
        for status in (200, 401):
            lasting.request("GET", "/", headers=as_user("alice", "secret"))
            answer = lasting.getresponse()
            answer.read()
            assert answer.status == status
            web.write(f"basic_auth_users:\n  bob: {BOB}\n")
        assert fast.get(**as_user("bob", "hidden"))[0] == 200
        lasting.close()
    assert keeper.sound


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (USERS, "", "there are no users any more"),
        (USERS, "basic_auth_users:\n", "there are no users any more"),
        (USERS, "nonsense: 1\n", "unknown key"),
        (USERS, f"{PAIR}{USERS}", "with a restart only"),
        (f"{PAIR}{USERS}", USERS, "with a restart only"),
        (CLIENTS, PAIR, "less is asked of clients' certificates"),
        (f"{CLIENTS}  client_allowed_sans: [a]\n", CLIENTS, "client_allowed_sans is gone"),
        (f"{PAIR}  min_version: TLS13\n", PAIR, "older TLS is allowed"),
        ("rate_limit: {interval: 1s, burst: 1}\n", "", "no rate limit any more"),
    ],
)
def test_less_protection_is_not_taken_by_itself(
    web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture, before: str, after: str, said: str
) -> None:
    """A file that is broken, cut short or asks for less leaves everything as it was, and is told of once."""
    make_pair(tmp_path, "ca")
    keeper = web.keeper(before)
    held = keeper.current()
    web.write(after)
    with caplog.at_level(logging.ERROR):
        assert {keeper.current() for _ in range(3)} == {held}
    assert (len(caplog.records), said in caplog.text, keeper.sound) == (1, True, False)
    web.write(before + "# mended\n")
    assert keeper.sound is True


def test_a_signal_takes_less_protection(web: Web) -> None:
    """Somebody says that it is meant; what is broken or needs a restart is refused even then."""
    keeper = web.keeper(USERS)
    web.write("# no users\n")
    keeper.reload()
    assert (keeper.sound, keeper.config.users) == (True, ())
    for text, error in (("nonsense: 1\n", ConfigError), (PAIR, UsageError)):
        web.write(text)
        with pytest.raises(error):
            keeper.reload()
        assert keeper.sound is False
    web.path.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        keeper.reload()
    web.write(USERS)
    assert (keeper.sound, [name for name, _ in keeper.config.users]) == (True, ["alice"])


def test_a_reload_is_seen_whole(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks while users are being added is not told that there are some, and that everybody may come in."""
    keeper, seen = web.keeper("# no users\n"), list[tuple[WebConfig, Protection]]()

    class Asking(Users):
        def __init__(self, users: tuple[tuple[str, str], ...], checker: auth.Checker) -> None:
            super().__init__(users, checker)
            seen.append((keeper.config, keeper.current()))
            seen.append(keeper.in_force())

    monkeypatch.setattr(protection, "Users", Asking)
    web.write(USERS)
    keeper.reload()
    assert [(config.users, type(held.authority)) for config, held in seen] == [((), Everybody)] * 2
    config, held = keeper.in_force()
    assert (len(config.users), type(held.authority)) == (1, Asking)


def test_without_a_file_nothing_is_asked_for() -> None:
    """And a reload finds nothing to do."""
    keeper = Keeper(None)
    keeper.reload()
    assert (keeper.sound, keeper.current().context, keeper.config.users) == (True, None, ())


def test_a_bucket_survives_a_change_of_something_else(web: Web) -> None:
    """Touching the file does not fill it again."""
    limit = "rate_limit: {interval: 1h, burst: 1}\n"
    keeper = web.keeper(limit)
    bucket = keeper.current().bucket
    web.write(limit + USERS)
    assert keeper.current().bucket is bucket
    web.write("rate_limit: {interval: 2h, burst: 1}\n" + USERS)
    assert keeper.current().bucket is not bucket


def test_http2_is_said_not_to_be_spoken(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    """The key is accepted, and nobody is left to wonder."""
    with caplog.at_level(logging.INFO):
        web.keeper(PAIR + "http_server_config:\n  http2: true\n")
    assert "speaks HTTP/1.1" in caplog.text


def test_too_many_passwords_at_once_are_told_to_come_again(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with a time to wait: neither let in nor refused for good."""
    monkeypatch.setattr(auth, "PENDING", 0)
    with serve(web.keeper(USERS)) as fast:
        status, headers, _ = fast.get(**as_user("alice", "secret"))
        assert (status, headers["retry-after"], "www-authenticate" in headers) == (503, "1", False)
