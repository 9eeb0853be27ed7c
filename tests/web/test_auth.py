"""Who may ask: passwords, tokens and certificates, and what a check of them costs."""

import asyncio
import base64
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import bcrypt
import pytest

from necism_monitor.domain.errors import ConfigError
from necism_monitor.web import auth
from necism_monitor.web.auth import (
    AnyOf,
    Bearer,
    Caller,
    Certificates,
    Checker,
    Everybody,
    Overloaded,
    Undecided,
    Users,
    read_basic,
)

ALICE = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()


def basic(user: str | bytes, password: str | bytes) -> Caller:
    """A caller with a password."""
    pair = (user if isinstance(user, bytes) else user.encode()) + b":"
    pair += password if isinstance(password, bytes) else password.encode()
    return Caller((b"Basic " + base64.b64encode(pair),))


class Counting:
    """bcrypt, counted, and watched for two at once."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, bytes]] = []
        self.threads: set[int] = set()
        self.inside, self.most = 0, 0

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.calls.append((password, hashed))
        self.threads.add(threading.get_ident())
        try:
            return bcrypt.checkpw(password, hashed)
        finally:
            self.inside -= 1


def told(*questions: Callable[[], Awaitable[bool]]) -> list[bool]:
    """The answers, one question after the other, in one loop."""

    async def ask() -> list[bool]:
        return [await question() for question in questions]

    return asyncio.run(ask())


def test_the_right_password_and_nothing_else() -> None:
    """User and password must both be right; what is no basic authorization at all is neither."""
    users = Users([("alice", ALICE), ("b\u00e9a", ALICE)], Checker())
    callers = {
        "right": basic("alice", "secret"),
        "right, not ASCII": basic("b\u00e9a", "secret"),
        "wrong": basic("alice", "Secret"),
        "nobody": basic("bob", "secret"),
        "empty": basic("", ""),
        "a hash": basic("alice", ALICE),
        "boundary": basic("alice:secret", ""),
        "none": Caller(),
        "two": Caller(basic("alice", "secret").authorization * 2),
        "bearer": Caller((b"Bearer secret",)),
        "no base64": Caller((b"Basic alice:secret",)),
        "no colon": Caller((b"Basic " + base64.b64encode(b"alice"),)),
        "NUL": basic("alice", "secret\0"),
    }
    answers = told(*[lambda caller=caller: users.admits(caller) for caller in callers.values()])
    assert [name for name, admitted in zip(callers, answers, strict=True) if admitted] == ["right", "right, not ASCII"]
    assert users.challenges == ('Basic realm="necism", charset="UTF-8"',)


def test_a_long_password_is_refused_not_cut() -> None:
    """Of a password bcrypt looks at 72 bytes: more is no match and no error, even where the first 72 are right."""
    password = b"x" * 72
    users = Users([("alice", bcrypt.hashpw(password, bcrypt.gensalt(4)).decode())], Checker())
    assert told(
        lambda: users.admits(basic("alice", password)), lambda: users.admits(basic("alice", password + b"y"))
    ) == [True, False]


def test_an_unknown_user_costs_one_check_of_the_same_cost() -> None:
    """The time of a refusal tells nobody which users there are."""
    check = Counting()
    users = Users([("alice", ALICE), ("bob", ALICE.replace("$04$", "$05$"))], Checker(check))
    assert told(lambda: users.admits(basic("mallory", "secret"))) == [False]
    ((_, hashed),) = check.calls
    assert hashed.startswith(b"$2b$05$")
    assert bcrypt.checkpw(b"secret", hashed) is False


def test_a_result_is_remembered_until_the_hash_changes() -> None:
    """Right and wrong ones cost one check each; another hash is another question."""
    check = Counting()
    checker = Checker(check)
    users, later = (
        Users([("alice", ALICE)], checker),
        Users([("alice", bcrypt.hashpw(b"new", bcrypt.gensalt(4)).decode())], checker),
    )
    right, wrong = basic("alice", "secret"), basic("alice", "guess")
    questions = [lambda: users.admits(right)] * 3 + [lambda: users.admits(wrong)] * 3 + [lambda: later.admits(right)]
    assert told(*questions) == [True] * 3 + [False] * 4
    assert len(check.calls) == 3


def test_no_password_is_kept() -> None:
    """What is remembered holds neither password nor anything that two processes would share."""
    first, second = Checker(), Checker()
    for checker in (first, second):
        assert told(lambda checker=checker: checker.matches(b"alice", b"secret", ALICE.encode())) == [True]  # type: ignore[misc]  # a default binds the variable of the loop
    keys = [*first._known[True], *second._known[True]]
    assert len(set(keys)) == 2
    assert {len(key) for key in keys} == {32}


def test_boundaries_cannot_be_moved() -> None:
    """Fields that run together into the same text are different questions."""
    checker = Checker()
    digests = {
        checker._digest(*fields)
        for fields in (
            (b"ab", b"c", b"d"),
            (b"a", b"bc", b"d"),
            (b"abc", b"", b"d"),
            (b"ab:c", b"", b"d"),
            (b"", b"abc", b"d"),
        )
    }
    assert len(digests) == 5


def test_one_check_at_a_time_and_one_for_the_same_question() -> None:
    """However many ask at once, bcrypt runs once for each password, never twice at a time, and the loop goes on."""
    check = Counting()
    users = Users([("alice", ALICE)], Checker(check))

    async def storm() -> tuple[list[bool], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        answers = await asyncio.gather(*(users.admits(basic("alice", str(number % 10))) for number in range(50)))
        ticking.cancel()
        return answers, ticks

    answers, ticks = asyncio.run(storm())
    assert (set(answers), len(check.calls), check.most) == ({False}, 10, 1)
    assert ticks > 10
    assert check.threads.isdisjoint({threading.get_ident()})


def test_a_flood_of_passwords_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the answer is that it cannot be told now; what is known is answered all the same."""
    monkeypatch.setattr(auth, "PENDING", 3)
    gate = threading.Event()
    checker = Checker(lambda password, hashed: gate.wait(60) and bcrypt.checkpw(password, hashed))
    users = Users([("alice", ALICE)], checker)

    async def flood() -> None:
        known = asyncio.create_task(users.admits(basic("alice", "secret")))
        await asyncio.sleep(0)
        gate.set()
        assert await known
        gate.clear()
        waiting = [asyncio.create_task(users.admits(basic("alice", str(number)))) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await users.admits(basic("alice", "one more"))
        assert await users.admits(basic("alice", "secret"))
        gate.set()
        assert await asyncio.gather(*waiting) == [False] * 3

    asyncio.run(flood())


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses push out older guesses, never a result that was right."""
    monkeypatch.setattr(auth, "REMEMBERED", 5)
    check = Counting()
    checker = Checker(check)
    users = Users([("alice", ALICE)], checker)
    guesses = [basic("alice", str(number)) for number in range(20)]
    right = basic("alice", "secret")
    told(*[lambda caller=caller: users.admits(caller) for caller in (right, *guesses, right)])
    assert len(check.calls) == 21
    assert {len(results) for results in checker._known.values()} == {1, 5}


def test_a_caller_who_leaves_takes_no_answer_away() -> None:
    """A connection that breaks during the check does not break the check that another one waits for."""
    users = Users([("alice", ALICE)], Checker())

    async def ask() -> bool:
        first = asyncio.create_task(users.admits(basic("alice", "secret")))
        await asyncio.sleep(0)
        second = asyncio.create_task(users.admits(basic("alice", "secret")))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(ask()) is True


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"Basic YTpi", (b"a", b"b")),
        (b"basic  YTpi", (b"a", b"b")),
        (b"BASIC YTpiOmM=", (b"a", b"b:c")),
        (b"Basic YTpi!", None),
        (b"Basic", None),
        (b"", None),
    ],
)
def test_basic_is_read_as_rfc_7617_says(value: bytes, found: tuple[bytes, bytes] | None) -> None:
    """The first colon divides, the scheme may be written in any case."""
    assert read_basic((value,)) == found


TOKEN = "0123456789abcdef0123456789abcdef"


def test_a_bearer_holds_the_token_of_the_file(tmp_path: Path) -> None:
    """As it is now: a new token counts at once."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    bearer = Bearer(path)
    right = Caller((f"Bearer {TOKEN}".encode(),))
    wrong = [
        Caller((f"Bearer {TOKEN}x".encode(),)),
        Caller((f"Basic {TOKEN}".encode(),)),
        Caller((b"Bearer",)),
        Caller(),
        Caller(right.authorization * 2),
    ]
    assert told(lambda: bearer.admits(right)) == [True]
    assert told(*[lambda caller=caller: bearer.admits(caller) for caller in wrong]) == [False] * len(wrong)
    path.write_text(TOKEN[::-1])
    assert told(lambda: bearer.admits(right)) == [False]


def test_a_token_that_cannot_be_read_any_more_decides_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is admitted, and whoever comes is asked to come again; the log says why, once."""
    path, caller = tmp_path / "token", Caller((f"Bearer {TOKEN}".encode(),))
    path.write_text(TOKEN)
    bearer = Bearer(path)
    for text in ("", "half", None, None):
        path.unlink()
        if text is None:
            path.symlink_to("nowhere")
        else:
            path.write_text(text)
        with pytest.raises(Undecided, match="the token cannot be checked"):
            told(lambda: bearer.admits(caller))
        assert told(lambda: bearer.admits(Caller())) == [False]
    # Of a file that holds no token, and of one that is not there: each once, however often somebody asked.
    assert len([one for one in caplog.messages if one.startswith("nobody is let in with a token")]) == 2
    path.unlink()
    path.write_text(TOKEN)
    assert told(lambda: bearer.admits(caller)) == [True]


@pytest.mark.parametrize("text", ["", "short", f"{TOKEN} {TOKEN}", f"{TOKEN}\n{TOKEN}", "\u00e9" * 20])
def test_a_bad_token_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    """At the start, with what a file has to hold."""
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(ConfigError, match="a credentials file holds one token") as caught:
        Bearer(path)
    assert not text or text not in caught.value.text
    with pytest.raises(ConfigError, match="cannot be read"):
        Bearer(tmp_path / "gone")


CERTIFICATE = {"subjectAltName": (("DNS", "prometheus"), ("IP Address", "0:0:0:0:0:0:0:1"), ("DirName", "x"))}


def test_certificates_admit_by_name() -> None:
    """Any verified one, or one that carries a name that is asked for."""
    cases = [
        (Certificates(), CERTIFICATE, True),
        (Certificates(), None, False),
        (Certificates(["prometheus"]), CERTIFICATE, True),
        (Certificates(["::1"]), CERTIFICATE, True),
        (Certificates(["x", "Prometheus"]), CERTIFICATE, False),
        (Certificates(["prometheus"]), {"subject": ((("commonName", "prometheus"),),)}, False),
    ]
    for authority, certificate, admitted in cases:
        caller = Caller(certificate=certificate)
        assert told(lambda authority=authority, caller=caller: authority.admits(caller)) == [admitted]  # type: ignore[misc]  # as above


def test_authorities_can_be_joined(tmp_path: Path) -> None:
    """One of them suffices, none of none, and a refusal names every way in."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    users = Users([("alice", ALICE)], Checker())
    either = AnyOf(Bearer(path), users, Certificates())
    callers = [
        basic("alice", "secret"),
        Caller((f"Bearer {TOKEN}".encode(),)),
        Caller(certificate=CERTIFICATE),
        Caller(),
    ]
    assert told(*[lambda caller=caller: either.admits(caller) for caller in callers]) == [True, True, True, False]
    assert [text.split()[0] for text in either.challenges] == ["Bearer", "Basic"]
    assert told(lambda: AnyOf().admits(callers[0]), lambda: Everybody().admits(Caller())) == [False, True]
