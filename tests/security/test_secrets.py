"""A day with every kind of secret in use: afterwards none of them is in anything that the product wrote or said."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import bcrypt
import pytest

from tests.web.certificates import client_context, make_pair
from tests.web.rig import GENEROUS, Exporter, Site, environment
from tests.webhook.payloads import alert, payload

PASSWORD = "pw-QmVob2xkZXI-7"
TOKEN = "tk9c1f0e52d7b84a6390feed5eedc0de11"
WRONG = "wr0ng-guess-0123456789abcdef-here"
AMBIENT = "env-5up3r-h1dd3n-value"
PROXY = "ssh-pr0xy-s3cret"


class Heap:
    """Everything that was written or said, by where it was found."""

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}

    def add(self, where: str, data: bytes) -> None:
        self.found[f"{len(self.found)} {where}"] = data

    def add_tree(self, directory: Path) -> None:
        for path in directory.rglob("*"):
            if path.is_file():
                self.add(str(path), str(path).encode() + path.read_bytes())

    def holding(self, secret: bytes) -> list[str]:
        return [where for where, data in self.found.items() if secret in data]


class Guarded(NamedTuple):
    """A site whose exporter and webhook ask for users and tokens, and every form of what must stay hidden."""

    site: Site
    web: Path
    secrets: dict[str, bytes]
    heap: Heap

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """`necism WORDS`; what it says goes onto the heap."""
        done = subprocess.run(
            self.site.command(*words), capture_output=True, check=False, timeout=GENEROUS, env=environment()
        )
        self.heap.add(" ".join(words), done.stdout + done.stderr)
        return done

    def leaks(self) -> dict[str, list[str]]:
        found = {name: self.heap.holding(secret) for name, secret in self.secrets.items()}
        return {name: places for name, places in found.items() if places}


@pytest.fixture(name="guarded")
def guarded_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guarded:
    """Users and TLS for the exporter, a token for the webhook, an environment and an ssh configuration with secrets."""
    monkeypatch.setenv("BACKUP_DATABASE_PASSWORD", AMBIENT)
    site = Site(tmp_path / "array")
    name = site.made.services[0].stem
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    pair = make_pair(site.config, "server")
    web = site.config / "web.yml"
    web.write_text(
        f"tls_server_config:\n  cert_file: {pair.cert}\n  key_file: {pair.key}\n"
        f'basic_auth_users:\n  alice: "{hashed}"\n'
    )
    (site.config / "token").write_text(f"{TOKEN}\n")
    site.settings("webhook", f"label = service\nmap = billing={name}/sync#1\ncredentials_file = token")
    site.settings("exporter", "web_config = web.yml")
    secrets = {
        "password": PASSWORD.encode(),
        "basic": base64.b64encode(f"alice:{PASSWORD}".encode()),
        "hash": hashed.encode(),
        "token": TOKEN.encode(),
        "a wrong token": WRONG.encode(),
        "key": pair.key.read_bytes().splitlines()[1],
        "environment": AMBIENT.encode(),
        "ssh": PROXY.encode(),
    }
    return Guarded(site, web, secrets, Heap())


@contextlib.contextmanager
def webhook(site: Site, log: Path) -> Iterator[Exporter]:
    """A webhook on a free port, ended at the end."""
    command = site.command("webhook", "--web.listen-address", "127.0.0.1:0", "--log.level", "debug")
    with log.open("wb") as written:
        process = subprocess.Popen(command, stderr=written, stdout=written, env=environment())
    try:
        yield Exporter(process, log)
    finally:
        process.kill()
        process.wait(GENEROUS)


def command_lines(pid: int) -> Iterator[bytes]:
    """What `ps` shows everybody of a process and of those that it started."""
    yield Path(f"/proc/{pid}/cmdline").read_bytes()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from command_lines(int(child))


def test_the_exporter_tells_no_secret(guarded: Guarded, require_server: Callable[[str], Path]) -> None:
    """Metrics, page, refusals, command lines and the log at its most talkative, over right and wrong passwords."""
    require_server("openssl")
    right = "Basic " + base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
    wrong = "Basic " + base64.b64encode(f"alice:{WRONG}".encode()).decode()
    with guarded.site.exporter("--log.level", "debug") as exporter:
        exporter.context = client_context()
        statuses = []
        for path in ("/metrics", "/", f"/metrics?token={TOKEN}", f"/{TOKEN}"):
            for given in (right, wrong, f"Bearer {TOKEN}"):
                answer = exporter.get(path, Authorization=given)
                statuses.append(answer.status)
                guarded.heap.add(path, repr(answer.headers).encode() + answer.body)
        guarded.heap.add("ps", b"\n".join(command_lines(exporter.process.pid)))
        for number, mark in enumerate(("*", "")):
            guarded.web.write_text(f"basic_auth_users:\n  alice: {mark}{PASSWORD}\n")
            exporter.process.send_signal(signal.SIGHUP)
            exporter.await_log("was not reloaded", number + 1)
        exporter.stop()
    guarded.heap.add("log", exporter.log.read_bytes())
    assert statuses == [200, 401, 401] * 3 + [404, 401, 401]
    assert guarded.leaks() == {}


@pytest.mark.proves("S12")
def test_the_webhook_and_what_it_causes_tell_no_secret(guarded: Guarded) -> None:
    """Deliveries, spool, dispatch, run, journal, history and every face that reads them; a hook prints a password."""
    site = guarded.site
    (service,) = site.made.services
    hook = site.array / "hook"
    hook.write_text('#!/bin/sh\necho "login with password=$BACKUP_DATABASE_PASSWORD" >&2\nexit 3\n')
    hook.chmod(0o755)
    extra = f"automatic = alertmanager\nconsumers = none\npost_resync = {hook}\n"
    service.write_text(service.read_text().rstrip("\n") + f"\n{extra}")
    log = site.array / "webhook.log"
    body = payload(alert(1, labels={"service": "billing", "password": PASSWORD}))
    with webhook(site, log) as running:
        statuses = []
        for given in (f"Bearer {TOKEN}", f"Bearer {WRONG}", f"Basic {TOKEN}"):
            answer = running.get("/", "POST", body, Content_Type="application/json", Authorization=given)
            statuses.append(answer.status)
            guarded.heap.add("answer", repr(answer.headers).encode() + answer.body)
        guarded.heap.add("metrics", running.get(Authorization=f"Bearer {TOKEN}").body)
        guarded.heap.add("ps", b"\n".join(command_lines(running.process.pid)))
        running.stop()
    guarded.run("dispatch", "--log.level", "debug")
    for words in (
        ("status", "--json"),
        ("history", "--json"),
        ("doctor", "--json"),
        ("config", "show"),
        ("config", "check"),
        ("explain", "credentials_file"),
        ("explain", service.stem),
        ("resume", service.stem),
        ("capture", str(site.array / "seen"), "--redact"),
    ):
        guarded.run(*words)
    guarded.heap.add("log", log.read_bytes())
    for name in ("run", "state", "seen"):
        assert any((site.array / name).rglob("*")), name
        guarded.heap.add_tree(site.array / name)
    assert statuses == [202, 401, 401]
    assert guarded.heap.holding(b"login with password=(not shown)"), "the hook ran, and what it said is on record"
    assert guarded.leaks() == {}


def test_a_broken_file_is_named_and_its_secret_is_not(guarded: Guarded) -> None:
    """The message has file and line, whatever the mistake has made of the password: a key, an alias, a path of YAML."""
    hashed = guarded.secrets["hash"].decode()
    for text in (
        f"basic_auth_users:\n  alice: {PASSWORD}\n",
        f"basic_auth_users:\n  alice: *{PASSWORD}\n",
        f"basic_auth_users:\n  alice: !{PASSWORD}!x y\n",
        f"basic_auth_users:\n  alice: &{PASSWORD} x\n  bob: &{PASSWORD} y\n",
        f"basic_auth_users:\n  'alice:{PASSWORD}': ''\n",
        f"basic_auth_users:\n  alice:{hashed}\n",
        f'basic_auth_users:\n  "{hashed}": alice\n  "{hashed}": bob\n',
        f"basic_auth_users:\n  - alice:{PASSWORD}\n",
        f"basic_auth_users: alice:{PASSWORD}\n",
        f'basic_auth_users:\n  alice: "{PASSWORD}\n',
        f"tls_server_config:\n  key: {PASSWORD}\n  cert: {PASSWORD}\n",
    ):
        guarded.web.write_text(text)
        done = guarded.run("exporter", "--web.listen-address", "127.0.0.1:0")
        assert done.returncode == 64, text
        assert b"web.yml" in done.stderr
    (guarded.site.config / "token").write_text(f"{TOKEN} and more\n{PASSWORD}\n")
    assert guarded.run("webhook", "--web.listen-address", "127.0.0.1:0").returncode == 64
    assert guarded.leaks() == {}


@pytest.mark.parametrize("line", [f"password = {PASSWORD}", f"basic_auth_password = {PASSWORD}", f"token = {TOKEN}"])
def test_a_secret_at_the_wrong_place_of_the_configuration_is_not_quoted(guarded: Guarded, line: str) -> None:
    """An unknown key, and a line before the first section, are refused by name."""
    conf = guarded.site.config / "necism.conf"
    whole = conf.read_text()
    guarded.site.settings("webhook", line)
    assert guarded.run("config", "check").returncode == 64
    conf.write_text(f"{line}\n{whole}")
    assert guarded.run("config", "check").returncode == 64
    assert guarded.heap.holding(line.split(maxsplit=1)[0].encode())
    assert guarded.leaks() == {}


def test_options_of_ssh_stay_in_their_file(guarded: Guarded, require_server: Callable[[str], Path]) -> None:
    """A host that cannot be reached is told with what ssh said; what its configuration holds is never read by us."""
    require_server("ssh")
    site = guarded.site
    ssh_config = site.config / "ssh_config"
    ssh_config.write_text(f"Host far\n  HostName 127.0.0.1\n  ProxyCommand /bin/false --password {PROXY}\n")
    site.settings("array default", "host = far")
    for words in (("status", "--json"), ("doctor", "--json"), ("config", "show"), ("capture", str(site.array / "c"))):
        guarded.run(*words, "--log.level", "debug")
    guarded.heap.add_tree(site.array / "c")
    assert guarded.heap.holding(b"closed"), "ssh was asked"
    assert guarded.leaks() == {}


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """A secret in a file of the tree is a leak: the search itself can fail."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / os.fsdecode(b"log")).write_bytes(b"x " + TOKEN.encode())
    heap = Heap()
    heap.add_tree(tmp_path)
    assert len(heap.holding(TOKEN.encode())) == 1
    assert heap.holding(PASSWORD.encode()) == []
