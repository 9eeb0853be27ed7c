"""The spool on a real disk: who may ask, what is believed, and what becomes of everything else."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from necism_monitor.adapters import spool as spool_file
from necism_monitor.adapters import spool_inbox
from necism_monitor.adapters.spool import FULL, Spool
from necism_monitor.adapters.spool_inbox import Inbox
from necism_monitor.domain.errors import EnvironmentProblem
from necism_monitor.domain.request import SIZE_MAX, Put, Request, write_request
from tests.architecture.house import ROOT

REQUEST = Request("svc/sync#1", "nagios", "4711")
GENEROUS = 120
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
MEMBER, MEMBERS_GROUP = "games", 60
"""Of Debian's base-passwd: user 5, whose primary group is 60."""
STRANGER = 2
"""bin, of group 2."""


@pytest.fixture(name="run_dir")
def run_dir_fixture(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture(name="box")
def box_fixture(run_dir: Path) -> Inbox:
    box = Inbox(run_dir)
    box.prepare()
    return box


def why(box: Inbox) -> str:
    """Why the only entry is refused."""
    (found,) = box.scan()
    assert found.request is None
    return found.why


def lay(box: Inbox, data: bytes = write_request(REQUEST), mode: int = 0o640, name: str = REQUEST.name) -> Path:
    """A file that was not written by us."""
    path = box.path / name
    path.write_bytes(data)
    path.chmod(mode)
    return path


# --- writing ---------------------------------------------------------------------------------------------------------


def test_a_request_is_one_small_file_that_its_group_may_read(run_dir: Path) -> None:
    """Directory 2770, file 0640, whatever the umask; nothing else is left behind."""
    before = os.umask(0o077)
    try:
        assert Spool(run_dir).put(REQUEST) is Put.NEW
    finally:
        os.umask(before)
    (file,) = (run_dir / "requests").iterdir()
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o2770
    facts = file.stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_nlink, facts.st_size < SIZE_MAX) == (0o640, 1, True)
    assert file.read_bytes() == write_request(REQUEST)
    assert [one.request for one in Inbox(run_dir).scan()] == [REQUEST]


def test_what_was_asked_before_is_a_success(run_dir: Path) -> None:
    """One file, untouched, however often it is asked."""
    spool = Spool(run_dir)
    assert spool.put(REQUEST) is Put.NEW
    before = (spool.path / REQUEST.name).stat()
    assert {spool.put(REQUEST) for _ in range(20)} == {Put.KNOWN}
    assert (spool.path / REQUEST.name).stat() == before


@pytest.mark.proves("S03")
def test_threads_that_ask_at_once_make_one_request(run_dir: Path) -> None:
    """Of 200 in one process exactly one is told that it is new."""
    spool = Spool(run_dir)
    with ThreadPoolExecutor(16) as pool:
        puts = list(pool.map(lambda _: spool.put(REQUEST), range(200)))
    assert puts.count(Put.NEW) == 1
    assert [path.name for path in spool.path.iterdir()] == [REQUEST.name]


HUNDRED = """
import os, sys
from pathlib import Path
from necism_monitor.adapters.spool import Spool
from necism_monitor.domain.request import Request
sys.stdin.read(1)
spool = Spool(Path(sys.argv[1]))
for number in range(10):
    print(spool.put(Request("svc", "alertmanager", str(number))).value)
"""


@pytest.mark.proves("S03")
def test_processes_that_ask_at_once_make_one_request_each_key(run_dir: Path) -> None:
    """Ten processes ask for the same ten: ten are new, ninety known, and each reader sees whole files only."""
    argv = [sys.executable, "-c", HUNDRED, str(run_dir)]
    asking = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(10)
    ]
    Inbox(run_dir).prepare()
    for process in asking:
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
    while any(process.poll() is None for process in asking):
        assert all(found.request for found in Inbox(run_dir).scan())
    said = [word for process in asking for word in process.communicate(timeout=GENEROUS)[0].split()]
    assert (said.count("new"), said.count("known")) == (10, 90)
    assert sorted(found.request.key for found in Inbox(run_dir).scan() if found.request) == [*map(str, range(10))]


def test_a_full_spool_takes_no_more(run_dir: Path) -> None:
    """A storm cannot fill the disk; what lies there already is still a success."""
    spool = Spool(run_dir)
    for number in range(FULL):
        assert spool.put(Request("svc", "nagios", str(number))) is Put.NEW
    with pytest.raises(EnvironmentProblem, match="it is full") as caught:
        spool.put(REQUEST)
    assert "necism dispatch" in caught.value.hint
    assert spool.put(Request("svc", "nagios", "7")) is Put.KNOWN
    assert len(Inbox(run_dir).scan()) == FULL


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "space"),
        (errno.EACCES, "group"),
        (errno.EOPNOTSUPP, "tmpfs"),
        (errno.EIO, "local file system"),
        (errno.EROFS, "local file system"),
    ],
)
def test_what_could_not_be_recorded_is_said(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    """An error with a hint, and no file of half a request."""

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    spool = Spool(run_dir)
    spool.put(Request("svc", "nagios", "first"))
    monkeypatch.setattr(spool_file, "_fill", fail)
    with pytest.raises(EnvironmentProblem, match="no request can be left") as caught:
        spool.put(REQUEST)
    assert hint in caught.value.hint
    assert len(list(spool.path.iterdir())) == 1


def test_a_disk_that_takes_half_of_it_has_taken_nothing(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short write is a full disk."""
    spool, write = Spool(run_dir), os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:10]))
    with pytest.raises(EnvironmentProblem, match="No space left"):
        spool.put(REQUEST)
    assert list(spool.path.iterdir()) == []


@as_root
def test_the_spool_is_made_for_the_group_of_run_dir(run_dir: Path) -> None:
    """Who removed it, or has no packaging, gets it back with the same members."""
    run_dir.mkdir()
    os.chown(run_dir, -1, MEMBERS_GROUP)
    Inbox(run_dir).prepare()
    facts = (run_dir / "requests").stat()
    assert (facts.st_gid, stat.S_IMODE(facts.st_mode)) == (MEMBERS_GROUP, 0o2770)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_spool_that_is_no_directory_is_not_written(run_dir: Path, tmp_path: Path, kind: str) -> None:
    """Neither a file nor a link to a directory elsewhere."""
    run_dir.mkdir()
    (tmp_path / "elsewhere").mkdir()
    if kind == "file":
        (run_dir / "requests").touch()
    else:
        (run_dir / "requests").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentProblem):
        Spool(run_dir).put(REQUEST)
    with pytest.raises(EnvironmentProblem):
        Inbox(run_dir).prepare()
    with pytest.raises(EnvironmentProblem):
        Inbox(run_dir).scan()
    assert list((tmp_path / "elsewhere").iterdir()) == []


# --- reading ---------------------------------------------------------------------------------------------------------


def test_requests_are_taken_in_the_order_in_which_they_were_left(run_dir: Path) -> None:
    """The oldest first, whatever their names."""
    spool = Spool(run_dir)
    for number in range(12):
        request = Request("svc", "nagios", str(number))
        spool.put(request)
        os.utime(spool.path / request.name, (number, number))
    assert [one.request.key for one in Inbox(run_dir).scan() if one.request] == [*map(str, range(12))]


def test_an_empty_spool_is_nothing_and_hidden_names_are_no_requests(box: Inbox) -> None:
    """What begins with a dot wakes nobody."""
    assert (box.scan(), box.waiting()) == ([], False)
    (box.path / ".hidden.json").write_bytes(write_request(REQUEST))
    assert (box.scan(), box.waiting()) == ([], False)
    box.remove("never-there.json")


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


def make_link(path: Path) -> None:
    target = path.parent.parent / "target.json"
    target.write_bytes(write_request(REQUEST))
    path.symlink_to(target)


def make_dangling_link(path: Path) -> None:
    path.symlink_to("/nonexistent")


def make_hard_link(path: Path) -> None:
    target = path.parent.parent / "target.json"
    target.write_bytes(write_request(REQUEST))
    target.chmod(0o640)
    os.link(target, path)


def make_folder(path: Path) -> None:
    (path / "deeper/still").mkdir(parents=True)
    (path / "deeper/file").write_bytes(b"x")


@pytest.mark.proves("S13")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (make_fifo, "no regular file"),
        (make_socket, "no regular file"),
        (make_link, "no regular file"),
        (make_dangling_link, "no regular file"),
        (make_folder, "no regular file"),
        (make_hard_link, "a file with 2 names"),
    ],
)
def test_what_is_no_file_of_its_own_is_refused_and_taken_away(
    box: Inbox, make: Callable[[Path], None], said: str
) -> None:
    """Nothing is followed, opened or waited for; what a link leads to stays as it was."""
    make(box.path / REQUEST.name)
    assert why(box) == said
    box.remove(REQUEST.name)
    assert (box.waiting(), list(box.path.iterdir())) == (False, [])
    target = box.path.parent / "target.json"
    assert target.read_bytes() == write_request(REQUEST) if target.exists() else True


@pytest.mark.proves("S13")
@pytest.mark.parametrize(
    ("data", "mode", "said"),
    [
        (write_request(REQUEST), 0o642, "others than its owner may write it"),
        (write_request(REQUEST), 0o660, "others than its owner may write it"),
        (write_request(REQUEST) + b" " * SIZE_MAX, 0o640, "at most 4096 are read"),
        (b"", 0o640, "no JSON, or only a part of it"),
        (write_request(REQUEST)[:40], 0o640, "no JSON, or only a part of it"),
        (b"[" * 4000, 0o640, "nested too deeply"),
        (write_request(Request("svc", "nagios", "1")), 0o640, "its name is not that of what it asks for"),
    ],
)
def test_a_file_of_another_shape_is_refused(box: Inbox, data: bytes, mode: int, said: str) -> None:
    """Its mode, its size, its content, its name."""
    lay(box, data, mode)
    assert said in why(box)


def test_a_file_that_nobody_may_read_is_refused(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where dispatch is not root, a file of mode 0 is closed to it: said, not waited for."""
    lay(box)
    opened = os.open

    def closed(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == REQUEST.name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", closed)
    assert why(box) == "cannot be opened: Permission denied"


@as_root
@pytest.mark.proves("S13")
def test_only_members_may_own_a_request(box: Inbox) -> None:
    """Root, the owner of the spool and the members of its group; a stranger and a user without a name are refused."""
    os.chown(box.path, 4712, MEMBERS_GROUP)
    for owner in (0, 4712, 5):
        path = lay(box)
        os.chown(path, owner, -1)
        assert [one.request for one in box.scan()] == [REQUEST], owner
        path.unlink()
    for owner, name in ((STRANGER, "bin"), (4711, "uid 4711")):
        os.chown(lay(box), owner, -1)
        (found,) = box.scan()
        assert (found.request, found.user) == (None, name)
        assert found.why == "its owner is not in group games, the spool's"
        box.remove(found.name)


def test_a_member_may_be_one_by_a_secondary_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """`usermod -aG necism nagios` is how it is done; who cannot be looked up is no member."""
    members = spool_inbox._Members(0, 4713)
    monkeypatch.setattr(os, "getgrouplist", lambda _name, group: [group, 4713])
    assert STRANGER in members
    assert 4711 not in members
    assert str(members) == "group 4713"


@pytest.mark.proves("S13")
@pytest.mark.parametrize("which", ["requests", "run"])
def test_a_spool_that_everybody_may_write_is_not_read_at_all(run_dir: Path, box: Inbox, which: str) -> None:
    """It, or the directory in which another one could be put in its place."""
    lay(box)
    open_one = run_dir if which == "run" else box.path
    open_one.chmod(0o777)
    for ask in (box.scan, box.waiting, box.prepare):
        with pytest.raises(EnvironmentProblem, match="may be written by everybody") as caught:
            ask()
        assert f"chmod o-w {open_one}" in caught.value.hint
    open_one.chmod(0o1777 if which == "run" else 0o2770)
    assert [one.request for one in box.scan()] == [REQUEST]


def test_what_cannot_be_removed_is_hidden(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that resists wakes nobody again."""
    make_folder(box.path / "x.json")

    def resist(*_: object, **__: object) -> None:
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(shutil, "rmtree", resist)
    box.remove("x.json")
    assert box.waiting() is False
    (left,) = box.path.iterdir()
    assert left.name.startswith(".refused-")


def test_a_file_that_goes_while_we_look_is_not_there(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a request nor a refusal."""
    lay(box)
    monkeypatch.setattr(spool_inbox, "_names", lambda _: iter(["gone.json", REQUEST.name]))
    assert [one.request for one in box.scan()] == [REQUEST]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO], ids=errno.errorcode.get)
def test_trouble_of_this_machine_refuses_no_request(box: Inbox, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A request that could not be opened for want of descriptors is still there when there are some again."""
    lay(box)
    opened = os.open

    def failing(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == REQUEST.name:
            raise OSError(code, os.strerror(code))
        return opened(path, flags, mode, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", failing)
        with pytest.raises(EnvironmentProblem, match="cannot be read"):
            box.scan()
    assert [one.request for one in box.scan()] == [REQUEST]


def test_a_file_that_goes_before_it_is_opened_is_not_there(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was seen, and another dispatch took it: nobody is told of a refusal."""
    lay(box)
    opened = os.open

    def late(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == REQUEST.name:
            (box.path / REQUEST.name).unlink()
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", late)
    assert box.scan() == []


def test_a_flood_is_looked_at_in_parts(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much lies there, one look holds a bounded part of it in memory."""
    monkeypatch.setattr(spool_inbox, "AT_ONCE", 5)
    for number in range(12):
        (box.path / f"junk {number}").touch()
    seen = 0
    while found := box.scan():
        assert len(found) <= 5
        seen += len(found)
        for one in found:
            box.remove(one.name)
    assert seen == 12


# --- as other users --------------------------------------------------------------------------------------------------


@pytest.fixture(name="public")
def public_fixture() -> Iterator[Path]:
    """A folder that every user may read, with the package in it and an empty configuration."""
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(ROOT / "necism_monitor", folder / "necism_monitor", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "etc").mkdir()
    (folder / "etc/necism.conf").write_text(f"[necism]\nrun_dir = {folder}/run\n")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    yield folder
    shutil.rmtree(folder)


def handler_as(public: Path, user: str) -> subprocess.CompletedProcess[str]:
    """`necism event` as that user, who has nothing but its own groups."""
    words = "event nagios --state CRITICAL --state-type HARD --attempt 3 --problem-id 4711 --downtime 0 svc/sync#1"
    argv = ["/usr/bin/python3", "-m", "necism_monitor", "--config", str(public / "etc"), *words.split()]
    return subprocess.run(
        argv, user=user, group=MEMBERS_GROUP if user == MEMBER else 2, extra_groups=[], env={}, cwd=public,
        capture_output=True, text=True, check=False, timeout=GENEROUS,
    )  # fmt: skip


@as_root
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="Debian's own interpreter is the one for every user")
@pytest.mark.proves("S13", "N15")
def test_a_member_without_rights_leaves_a_request_and_a_stranger_does_not(public: Path) -> None:
    """As two users of the system: one of the spool's group, one of none; both handlers end with 0."""
    box = Inbox(public / "run")
    box.prepare()
    os.chown(box.path, 0, MEMBERS_GROUP)
    box.path.chmod(0o2770)
    done = handler_as(public, "bin")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (0, "", 1)
    assert "Permission denied (hint: only root and members of the directory's group may ask" in done.stderr
    assert box.scan() == []
    done = handler_as(public, MEMBER)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (0, "", 1)
    (found,) = box.scan()
    assert (found.user, found.request) == (MEMBER, REQUEST)
    assert (box.path / found.name).stat().st_gid == MEMBERS_GROUP
