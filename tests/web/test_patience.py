"""The server under clients that are slow, silent, greedy or many, in plain HTTP and in TLS."""

import contextlib
import socket
import time
from collections.abc import Callable

import pytest

from necism_monitor.web.guard import HEAD_BYTES, HEADER_LINES
from necism_monitor.web.protection import Protection
from necism_monitor.web.tls import make_context
from necism_monitor.web.webconfig_tls import Pem, TlsSettings
from tests.web.certificates import client_context, make_pair
from tests.web.fast import GENEROUS, SHORT, Fast, drain

CLOSE_WAIT = 8
"""The state of a connection in linux/tcp.h."""

Serve = Callable[..., Fast]
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303")
"""The beginning of one: its record says 200 bytes."""


@pytest.fixture(name="secure_protection", scope="module")
def secure_protection_fixture(tmp_path_factory: pytest.TempPathFactory) -> Protection:
    """TLS with a certificate of this test."""
    pair = make_pair(tmp_path_factory.mktemp("pki"), "server")
    return Protection(
        make_context("web.yml", TlsSettings(Pem("cert_file", 1, pair.cert), Pem("key_file", 2, pair.key)))
    )


@pytest.fixture(name="serve", params=["plain", "tls"])
def serve_fixture(request: pytest.FixtureRequest) -> Serve:
    """Makes a server, plain or with TLS."""
    if request.param == "plain":
        return Fast
    protection = request.getfixturevalue("secure_protection")
    return lambda **options: Fast(**options, protection=lambda: protection, client=client_context())


@pytest.fixture(name="fast")
def fast_fixture(serve: Serve) -> Fast:
    """A server with the short limits."""
    return serve()


def tiny(client: socket.socket) -> socket.socket:
    """A client that takes little before it has to read."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return client


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: ", GET + b"GET"])
def test_a_head_has_a_deadline(fast: Fast, sent: bytes) -> None:
    """Whoever does not finish a head, the first or a later one, is cut off."""
    with fast, fast.connect() as client:
        client.sendall(sent)
        received = drain(client)
        assert received.endswith(b"hello") if GET in sent else received == b""
        fast.wait_for(0)


def test_drips_do_not_extend_the_deadline(fast: Fast) -> None:
    """One byte now and then is no head."""
    with fast, fast.connect() as client:
        began = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT012 - the send after the cut fails, whichever it is
            while time.monotonic() - began < GENEROUS:
                client.sendall(b"G")
                time.sleep(0.05)
        assert time.monotonic() - began < GENEROUS


def test_an_answer_is_sent_as_it_is_written(fast: Fast) -> None:
    """No part of it waits for an acknowledgement that the client delays: the kernel is told to gather nothing."""
    with fast, fast.connect() as client:
        client.sendall(GET)
        fast.wait_for(1)
        (connection,) = fast.sockets()
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_an_idle_connection_ends(fast: Fast) -> None:
    """After an answer the next request may take its time, but not for ever; a TLS goodbye is not waited for."""
    with fast, fast.connect() as client:
        client.sendall(GET)
        fast.wait_for(1)
        fast.wait_for(0)
        assert drain(client).endswith(b"hello")


@pytest.mark.proves("P18")
@pytest.mark.parametrize("sent", [b"", CLIENT_HELLO, b"GET / HTTP/1.1\r\n\r\n"])
def test_a_handshake_has_a_deadline(secure_protection: Protection, sent: bytes) -> None:
    """On a TLS port silence, half a ClientHello and plain HTTP are gone after it; others are answered meanwhile."""
    with Fast(protection=lambda: secure_protection, client=client_context()) as fast, fast.bare() as silent:
        silent.sendall(sent)
        assert fast.get()[0] == 200
        assert b"HTTP/1.1" not in drain(silent)
        fast.wait_for(0)


def test_an_answer_that_nobody_takes_is_dropped(fast: Fast) -> None:
    """A client that asks and never reads does not hold memory and connection; others are answered meanwhile."""
    with fast, tiny(fast.connect()) as client:
        client.sendall(GET.replace(b"/", b"/big", 1))
        fast.wait_for(1)
        assert fast.get()[0] == 200
        fast.wait_for(0)


def test_small_answers_that_nobody_takes_are_dropped(fast: Fast) -> None:
    """The same for one who asks again and again and reads nothing."""
    with fast, tiny(fast.connect()) as client:
        client.settimeout(0.2)
        with contextlib.suppress(OSError):
            for _ in range(4000):
                client.sendall(GET.replace(b"/", b"/page", 1) * 100)
        assert fast.get()[0] == 200
        fast.wait_for(0)


def test_a_large_answer_arrives_whole(serve: Serve) -> None:
    """Pieces are put together again, and an honest reader is not cut off."""
    with serve(limits=SHORT._replace(write=float(GENEROUS))) as fast:
        status, headers, body = fast.get("/big")
        assert (status, len(body), headers["content-length"]) == (200, 20_000_000, "20000000")


def await_end(client: socket.socket) -> None:
    """Until the other side has said that nothing comes any more."""
    deadline = time.monotonic() + GENEROUS
    while client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != CLOSE_WAIT:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def keep_sending(client: socket.socket) -> None:
    """For as long as that is possible.  Raises OSError where it is no more."""
    deadline = time.monotonic() + GENEROUS
    while time.monotonic() < deadline:
        client.sendall(b"x" * 1000)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("length", "sent", "status"),
    [
        ("Content-Length: 4", b"abcd", 200),
        ("Content-Length: 1000", b"x" * 1000, 200),
        ("Content-Length: 1001", b"", 413),
        ("Content-Length: 99999999999999999999", b"", 413),
        ("Transfer-Encoding: chunked", b"4\r\nabcd\r\n0\r\n\r\n", 200),
        ("Transfer-Encoding: chunked", b"fff\r\n" + b"x" * 4095 + b"\r\n", 413),
        ("Content-Length: 4", b"ab", 408),
        ("Transfer-Encoding: chunked", b"4\r\nab", 408),
    ],
)
def test_a_body_has_a_limit_and_a_deadline(fast: Fast, length: str, sent: bytes, status: int) -> None:
    """A face that wants a body gets it whole, or an answer that says why not, and the connection is gone soon."""
    with fast, fast.connect() as client:
        client.sendall(f"POST /post HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode() + sent)
        assert drain(client).startswith(f"HTTP/1.1 {status} ".encode())
        fast.wait_for(0)


def test_the_answer_to_a_body_that_is_too_large_is_not_lost() -> None:
    """Whoever goes on sending can read it; whoever goes on for ever is cut off soon."""
    head = b"POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    fast = Fast()
    with fast, fast.connect() as client, fast.connect() as stubborn:
        client.sendall(head)
        await_end(client)
        for _ in range(20):
            client.sendall(b"x" * 1000)
        assert drain(client).startswith(b"HTTP/1.1 413 ")
        stubborn.sendall(head)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            keep_sending(stubborn)
        fast.wait_for(0)


def test_a_body_that_nobody_wants_is_not_read(fast: Fast) -> None:
    """A face without bodies answers at once and closes, however much is announced."""
    with fast, fast.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nabc")
        assert drain(client).endswith(b"hello")
        fast.wait_for(0)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        GET + b"\xff\xfe garbage \r\n\r\n",
        GET * 3 + b"NO / SUCH\r\n\r\n",
        b"POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_garbage_ends_its_connection_only(fast: Fast, sent: bytes) -> None:
    """Whatever is no HTTP, before or behind good requests, ends the connection; the next client is served."""
    with fast, fast.connect() as client:
        client.sendall(sent)
        received = drain(client)
        assert received.count(b" 200 OK") == sent.count(GET)
        assert fast.get()[0] == 200
        fast.wait_for(0)


def test_heads_are_bounded(fast: Fast) -> None:
    """Too many lines or bytes are 431 or 400, in one piece or in many."""
    lines = b"".join(b"X-%d: y\r\n" % number for number in range(HEADER_LINES))
    fat = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 1000) for number in range(HEAD_BYTES // 1000 + 1))
    with fast:
        for rest in (lines, fat, b"X: " + b"y" * (HEAD_BYTES + 1000)):
            with fast.connect() as client:
                client.sendall(GET[:-2] + rest + b"\r\n")
                assert drain(client)[9:12] in {b"431", b"400"}


def test_pipelined_requests_are_answered_in_order(fast: Fast) -> None:
    """Also where they come in one piece with the last one closing."""
    with fast, fast.connect() as client:
        client.sendall(GET * 20 + GET[:-2] + b"Connection: close\r\n\r\n")
        assert drain(client).count(b"hello") == 21


@pytest.mark.proves("P18")
@pytest.mark.parametrize("sent", [b"", CLIENT_HELLO, b"GET / HTTP/1.1\r\nHost: "])
def test_many_silent_clients_keep_nobody_out(serve: Serve, sent: bytes) -> None:
    """With every place taken by clients that ask for nothing, whoever asks is served, and they are who has to go."""
    with serve(limits=SHORT._replace(head=float(GENEROUS), handshake=float(GENEROUS), connections=20)) as fast:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(fast.bare()) for _ in range(60)]
            for client in clients:
                with contextlib.suppress(OSError):
                    client.sendall(sent)
            for _ in range(30):
                assert fast.get()[0] == 200
            assert fast.connections() <= 20
        fast.wait_for(0)


@pytest.mark.proves("P18")
def test_two_hundred_at_once_are_gone_after_their_deadline(serve: Serve) -> None:
    """Idle, slow and never-reading ones together delay no ordinary request, and none is left."""
    with serve(limits=SHORT._replace(head=2.0, handshake=2.0)) as fast, contextlib.ExitStack() as stack:
        for number in range(200):
            client = stack.enter_context(fast.bare())
            client.sendall((b"", CLIENT_HELLO, b"GET /", b"\r\n")[number % 4])
        assert fast.connections() > 50
        for _ in range(20):
            assert fast.get()[0] == 200
        fast.wait_for(0)


def test_a_busy_house_is_full(serve: Serve) -> None:
    """Where every place is taken by an answer on its way, a newcomer is turned away and the answers go on."""
    limits = SHORT._replace(write=float(GENEROUS), connections=3)
    with serve(limits=limits) as fast, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(fast.connect()) for _ in range(3)]
        for client in clients:
            client.sendall(GET.replace(b"/", b"/big", 1)[:-2] + b"Connection: close\r\n\r\n")
        assert clients[0].recv(9) == b"HTTP/1.1 "
        deadline = time.monotonic() + GENEROUS
        while any(one.waiting for one in tuple(fast._server.door._inside)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with fast.bare() as late:
            assert drain(late) == b""
        assert len(drain(clients[0])) > 20_000_000


@pytest.mark.parametrize("sent", [b"", b"GET /", GET, GET.replace(b"/", b"/big", 1), GET * 500])
def test_it_stops_whatever_clients_do(fast: Fast, sent: bytes) -> None:
    """Silent, slow, idle and never-reading clients, in a handshake or past it, do not hold a server that is to stop."""
    with fast, contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(fast.bare())
            client = tiny(stack.enter_context(fast.connect()))
            client.sendall(sent)
        assert fast.stop() < GENEROUS / 2


def test_the_loop_beats(fast: Fast) -> None:
    """Its owner hears from it while it serves."""
    with fast:
        deadline = time.monotonic() + GENEROUS
        while fast.beats < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
