"""TLS contexts from settings, and who a client is by its certificate."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from necism_monitor.domain.errors import ConfigError, Problem
from necism_monitor.web.files import read_small
from necism_monitor.web.webconfig_tls import TLS, Pem, TlsSettings
from necism_monitor.web.yaml_tables import dotted


class _Refused(Exception):
    """A PEM text that cannot be used; the problem is its argument."""


def make_context(file: str, settings: TlsSettings) -> ssl.SSLContext:
    """A context for new connections, of the files as they are now.  Raises ConfigError; `file` is the one to name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = settings.minimum, settings.maximum
    context.options |= ssl.OP_NO_RENEGOTIATION
    if settings.prefer_server:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    if settings.ciphers:
        context.set_ciphers(":".join(settings.ciphers))
    if settings.curve is not None:
        context.set_ecdh_curve(settings.curve)
    problems: list[Problem] = []
    for load in (_load_pair, _load_client_ca):
        try:
            load(context, file, settings)
        except _Refused as refused:
            problems += refused.args
    if problems:
        raise ConfigError(tuple(problems))
    return context


def _load_pair(context: ssl.SSLContext, file: str, settings: TlsSettings) -> None:
    cert, key = _read(file, settings.cert), _read(file, settings.key)
    try:
        with _in_memory(cert) as cert_path, _in_memory(key) as key_path:
            # An encrypted key would be asked for on the terminal; with an empty password it is a fault like others.
            context.load_cert_chain(cert_path, key_path, password="")  # nosec B106  # no password
    except (ssl.SSLError, ValueError) as error:
        rule = f"certificate and key cannot be used: {_reason(error)}"
        hint = "both must be PEM, the key unencrypted and the certificate's own"
        raise _Refused(_problem(file, settings.cert, rule, hint)) from error


def _load_client_ca(context: ssl.SSLContext, file: str, settings: TlsSettings) -> None:
    if settings.client_ca is None:
        return
    try:
        context.load_verify_locations(cadata=_read(file, settings.client_ca).decode("ascii", "replace"))
    except (ssl.SSLError, ValueError) as error:
        rule = f"the client CA cannot be used: {_reason(error)}"
        raise _Refused(_problem(file, settings.client_ca, rule, "it must hold PEM certificates")) from error
    # An intermediate CA may be trusted by itself, as in the toolkit.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_mode = settings.client_auth


def _read(file: str, pem: Pem) -> bytes:
    if pem.path is None:
        return pem.text.encode()
    try:
        return read_small(pem.path)
    except OSError as error:
        rule = f"the file cannot be read: {error.strerror}"
        raise _Refused(_problem(file, pem, rule, "relative paths begin where this file lies")) from error


def _problem(file: str, pem: Pem, rule: str, hint: str) -> Problem:
    return Problem(file, pem.line, f"{dotted(TLS, pem.key)}{'' if pem.path is None else f': {pem.path}'}", rule, hint)


def _reason(error: Exception) -> str:
    return (getattr(error, "reason", None) or str(error)).lower().replace("_", " ")


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """A path that OpenSSL can open: a text of the configuration is never written to a disk."""
    descriptor = os.memfd_create("pem")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def names_of(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """The alternative names of a verified certificate: DNS names, e-mail and IP addresses, URIs."""
    names = (certificate or {}).get("subjectAltName", ())
    wanted = {"DNS", "email", "IP Address", "URI"}
    return frozenset(canonical(value.strip()) for kind, value in names if kind in wanted)


def canonical(name: str) -> str:
    """An IP address in its short form, anything else as it is."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
