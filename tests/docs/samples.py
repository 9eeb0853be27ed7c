"""What each kind of sample is given to: its own program, or the parser that reads such lines for the operator."""

import json
import re
import shlex
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import bcrypt
import jsonschema

from necism_monitor.adapters.journal_file import read_run
from necism_monitor.cli.main import find_verb, main, make_parser
from necism_monitor.domain.errors import UsageError
from necism_monitor.nagios.options import parse_options
from tests.docs.pages import DOCS, Block
from tests.servers import require_server
from tests.web.certificates import make_pair

GENEROUS: Final = 60
SECTION: Final = "[sync#1]\ntype = necismsnap\ndevs = SV01:LV01\n"
OTHERS: Final = frozenset(
    "curl fuser install journalctl ln ls make multipath pgrep promtool python3 rpmbuild sed ssh ssh-keygen ssh-keyscan"
    " systemctl tar timedatectl touch usermod apt-get /opt/necism/bin/pip /usr/local/sbin/erp-preprod iSMsc_query"
    " iSMsc_linkinfo".split()
)
"""Programs of others, and of a site.  A test must not install, enable or enter anything: bash only reads such lines."""
OURS: Final = frozenset({"necism", "check_necism"})
OPERATORS: Final = re.compile(r"[|&;()<>]+")
INI: Final = re.compile(r"(# /etc/necism/necism\.conf\n)?(\[[a-zA-Z#0-9 ]+\]|[a-z_]+ =)")
NECISM_CONF: Final = re.compile(r"^\[(necism|array|exporter|webhook)\b", re.MULTILINE)
SCRAPE: Final = "scrape_configs:\n"


class Kind(NamedTuple):
    """Samples that look alike, and what tries one in an empty directory."""

    name: str
    fits: Callable[[Block], bool]
    load: Callable[[Block, Path], None]


def run(*argv: str | Path, folder: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """A program that has to accept what it is given."""
    done = subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=GENEROUS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def simple_commands(line: str) -> list[list[str]]:
    """The commands of a line, without what a shell takes for itself."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    redirected = False
    for word in lexer:
        if OPERATORS.fullmatch(word):
            redirected = ">" in word or "<" in word
            found += [] if redirected else [[]]
        elif redirected:
            redirected = False
        else:
            found[-1].append(word)
    return [words for words in found if words]


def parse(words: list[str]) -> None:
    """The real parsers read a command line of ours.  Raises UsageError."""
    if words[0] == "check_necism":
        parse_options(words[1:])
        return
    make_parser(find_verb(words[1:])).read(words[1:])
    if words[1] == "explain" and words[2:] and not words[2].isupper():
        assert main(words[1:]) == 0


def parse_mention(words: list[str]) -> None:
    """The same of a command that a sentence names: it may leave out what it is about.  Raises UsageError."""
    try:
        parse(words)
    except UsageError as error:
        if "arguments are required" not in str(error):
            raise


def is_shell(block: Block) -> bool:
    """Whether every line begins a program that is known here."""
    return all(line.split()[0] in OURS | OTHERS for line in block.lines)


def load_shell(block: Block, _: Path) -> None:
    """Bash finds its syntax right, and every command of ours, in pipes too, is one that exists."""
    run(require_server("bash"), "-n", "-c", block.text)
    commands = [words for line in block.lines for words in simple_commands(line)]
    for words in commands:
        if words[0] in OURS:
            parse(words)


def load_ini(block: Block, folder: Path) -> None:
    """`necism config check` accepts it; keys without a section are those of a resource."""
    (folder / "services").mkdir()
    general = NECISM_CONF.search(block.text) is not None
    sample = block.text if block.text.lstrip().startswith(("[", "#")) else f"{SECTION}{block.text}"
    for name in ("erp", "billing", "x"):
        (folder / f"services/{name}.conf").write_text(SECTION.replace("01", name))
    (folder / ("necism.conf" if general else "services/x.conf")).write_text(sample)
    for secret in re.findall(r"credentials_file = (\S+)", sample):
        (folder / "necism.conf").write_text(sample.replace(secret, str(folder / "secret")))
        (folder / "secret").write_text("token\n")
        (folder / "secret").chmod(0o600)
    assert main(["--config", str(folder), "config", "check"]) == 0


def load_journal(block: Block, folder: Path) -> None:
    """The reader of journals takes every line of it, and drops none."""
    (folder / "run.jsonl").write_text(block.text)
    found = read_run(folder / "run.jsonl")
    assert found is not None
    assert (len(found.lines), found.torn) == (len(block.text.splitlines()), False)


def load_document(block: Block, _: Path) -> None:
    """It validates against the schema of documents that have its keys."""
    document = json.loads(block.text)
    name = "history" if "runs" in document else "status"
    jsonschema.Draft202012Validator(json.loads((DOCS / f"schema/{name}.json").read_text())).validate(document)


def load_scrape(block: Block, folder: Path) -> None:
    """Promtool accepts it as a configuration, or as part of a job in one."""
    job = f"{SCRAPE}  - job_name: x\n{textwrap.indent(block.text, '    ')}"
    (folder / "prometheus.yml").write_text(block.text if block.text.startswith(SCRAPE) else job)
    run(require_server("promtool"), "check", "config", folder / "prometheus.yml")


def load_web_config(block: Block, folder: Path) -> None:
    """`necism config check` accepts it, once its files are there and its hash is one.

    promtool's answer depends on its release: the one of Debian 12 does not know all keys yet.
    """
    for name in ("server", "ca"):
        make_pair(folder, name)
    secret = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (folder / "web.yml").write_text(block.text.replace("$2y$10$...", secret))
    (folder / "services").mkdir()
    (folder / "services/x.conf").write_text(SECTION)
    (folder / "necism.conf").write_text("[exporter]\nweb_config = web.yml\n")
    assert main(["--config", str(folder), "config", "check"]) == 0


def load_query(block: Block, folder: Path) -> None:
    """Promtool accepts it as the expression of a rule."""
    rule: dict[str, Any] = {"groups": [{"name": "x", "rules": [{"alert": "X", "expr": block.text.strip()}]}]}
    (folder / "rules.yml").write_text(json.dumps(rule))
    run(require_server("promtool"), "check", "rules", folder / "rules.yml")


def load_ssh(block: Block, folder: Path) -> None:
    """Ssh reads it."""
    (folder / "config").write_text(block.text)
    assert "hostname array1.example.net" in run(require_server("ssh"), "-G", "-F", folder / "config", "array1")


def load_sudoers(block: Block, folder: Path) -> None:
    """Visudo accepts it."""
    (folder / "sudoers").write_text(block.text)
    (folder / "sudoers").chmod(0o440)
    run(require_server("visudo"), "-c", "-P", "-f", folder / "sudoers")


def load_script(block: Block, folder: Path) -> None:
    """Sh finds its syntax right; what it does is tried in test_scripts.py."""
    (folder / "script").write_text(block.text)
    run("sh", "-n", folder / "script")


def load_python(block: Block, folder: Path) -> None:
    """It runs; the spool and the journal that it is given are of this test."""
    (folder / "requests").mkdir()
    (folder / "file").write_bytes(b'{"a":1,"crc":"00000000"}\n')
    code = compile(block.text.replace("/run/necism", str(folder)).replace("sys.argv[1]", repr(str(folder / "file"))),
                   block.page, "exec")  # fmt: skip
    exec(code, {})  # noqa: S102 - a sample of ours


def begins(*words: str) -> Callable[[Block], bool]:
    """Whether a block begins with one of these."""
    return lambda block: block.text.lstrip().startswith(words)


KINDS: Final = (
    Kind("script", begins("#!/bin/sh"), load_script),
    Kind("journal", begins('{"v":'), load_journal),
    Kind("document", begins("{"), load_document),
    Kind("python", begins("import ", "from "), load_python),
    Kind("scrape", begins(SCRAPE, "honor_labels:", "metric_relabel_configs:"), load_scrape),
    Kind("web-config", begins("tls_server_config:"), load_web_config),
    Kind("query", begins("time() -"), load_query),
    Kind("ssh", begins("Host "), load_ssh),
    Kind("sudoers", begins("Defaults:"), load_sudoers),
    Kind("ini", lambda block: INI.match(block.text) is not None, load_ini),
    Kind("shell", is_shell, load_shell),
)
"""The first that fits is it."""
