"""Certificates as an operator makes them, with openssl."""

import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.servers import require_server

GENEROUS = 60


class Pair(NamedTuple):
    """A certificate with its key."""

    cert: Path
    key: Path


def openssl(*words: str | Path) -> None:
    """Run openssl."""
    command = [require_server("openssl"), *words]
    subprocess.run(command, check=True, capture_output=True, timeout=GENEROUS)


def make_pair(folder: Path, name: str, *, sans: str = "DNS:localhost,IP:127.0.0.1") -> Pair:
    """A certificate that signs itself, and may sign others."""
    pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
        *("-subj", f"/CN={name}", "-addext", f"subjectAltName={sans}"),
        *("-keyout", pair.key, "-out", pair.cert),
    )
    return pair


def sign(folder: Path, name: str, authority: Pair, *, sans: str) -> Pair:
    """A certificate that an authority signed."""
    pair, request, extensions = Pair(folder / f"{name}.crt", folder / f"{name}.key"), folder / "csr", folder / "ext"
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}"),
        *("-keyout", pair.key, "-out", request),
    )
    extensions.write_text(f"subjectAltName={sans}\n")
    openssl(
        *("x509", "-req", "-in", request, "-CA", authority.cert, "-CAkey", authority.key, "-days", "2"),
        *("-extfile", extensions, "-out", pair.cert),
    )
    return pair


def client_context(trusted: Path | None = None, own: Pair | None = None) -> ssl.SSLContext:
    """What a client needs; without `trusted` it takes any server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trusted is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context.load_verify_locations(trusted)
    if own is not None:
        context.load_cert_chain(own.cert, own.key)
    return context
