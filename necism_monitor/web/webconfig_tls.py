"""The table `tls_server_config`: what it may hold, and what OpenSSL under Python cannot do of it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from yaml.nodes import Node

from necism_monitor.domain.selectors import suggest
from necism_monitor.web.yaml_tables import Tables, Text, dotted, line_of

TLS: Final = "tls_server_config"
SANS: Final = "client_allowed_sans"
KEYS: Final = (
    *("cert", "key", "client_ca", "cert_file", "key_file", "client_ca_file", "client_auth_type"),
    *("client_allowed_sans", "min_version", "max_version", "cipher_suites", "prefer_server_cipher_suites"),
    "curve_preferences",
)
VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
OLD_VERSIONS: Final = ("TLS10", "TLS11")
CURVES: Final = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
CLIENT_AUTH: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
UNVERIFIED: Final = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
"""Ask for a certificate and believe it unseen: OpenSSL under Python has no such mode."""
CIPHERS_13: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""Always offered with TLS 1.3, here as in Go."""
CIPHERS: Final[Mapping[str, str]] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
}
"""Go's names (they are IANA's) for TLS 1.2 -> OpenSSL's."""


class Pem(NamedTuple):
    """Where a PEM text is: in a file, or in the configuration itself; and the line that says so."""

    key: str
    line: int
    path: Path | None
    text: str = ""


class TlsSettings(NamedTuple):
    """A complete TLS server."""

    cert: Pem
    key: Pem
    client_ca: Pem | None = None
    client_auth: ssl.VerifyMode = ssl.CERT_NONE
    allowed_sans: tuple[str, ...] = ()
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    """OpenSSL's names; none = OpenSSL's own choice."""
    prefer_server: bool = True
    curve: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files it is made of."""
        return tuple(one.path for one in (self.cert, self.key, self.client_ca) if one is not None and one.path)


def read_tls(tables: Tables, node: Node | None, folder: Path) -> TlsSettings | None:
    """The settings; None where the table is missing or empty, and where it is wrong, which `tables` then knows."""
    found = tables.table(node, TLS, KEYS)
    before = len(tables.problems)
    texts = {key: tables.text(found.get(key), dotted(TLS, key)) for key in KEYS[:7]}
    minimum, maximum = _versions(tables, found)
    ciphers, only_13 = _ciphers(tables, found.get("cipher_suites"))
    if only_13 and maximum < ssl.TLSVersion.TLSv1_3:
        tables.problem(tables.line(TLS, "cipher_suites"), "cipher_suites", "none of these suites is one of TLS 1.2")
    settings = TlsSettings(
        cert=_needed(tables, found, texts, "cert", folder),
        key=_needed(tables, found, texts, "key", folder),
        client_ca=_pem(tables, texts, "client_ca", folder),
        client_auth=_client_auth(tables, texts["client_auth_type"]),
        allowed_sans=tuple(one.value for one in tables.texts(found.get(SANS), dotted(TLS, SANS))),
        minimum=ssl.TLSVersion.TLSv1_3 if only_13 else minimum,
        maximum=maximum,
        ciphers=ciphers,
        prefer_server=tables.flag(
            found.get("prefer_server_cipher_suites"), "prefer_server_cipher_suites", default=True
        ),
        curve=_curve(tables, found.get("curve_preferences")),
    )
    _check_clients(tables, settings, named=SANS in found)
    return settings if found and len(tables.problems) == before else None


def _needed(
    tables: Tables, found: Mapping[str, Node], texts: Mapping[str, Text | None], name: str, folder: Path
) -> Pem:
    """Certificate or key; where it is missing, one that nobody looks at, and a problem."""
    if found and texts[name] is None and texts[f"{name}_file"] is None:
        line = min(line_of(node) for node in found.values())
        tables.problem(line, TLS, f"{name}_file (or {name}) is missing", "without it TLS cannot be served")
    return _pem(tables, texts, name, folder) or Pem(name, 0, None)


def _pem(tables: Tables, texts: Mapping[str, Text | None], key: str, folder: Path) -> Pem | None:
    inline, file = texts[key], texts[f"{key}_file"]
    if inline is not None and file is not None:
        tables.problem(file.line, dotted(TLS, f"{key}_file"), f"{key} is there as well", "keep one of the two")
        return None
    if file is not None:
        if "\0" in file.value:
            tables.problem(file.line, dotted(TLS, f"{key}_file"), "a path cannot hold a NUL")
            return None
        return Pem(f"{key}_file", file.line, folder / file.value)
    return None if inline is None else Pem(key, inline.line, None, inline.value)


def _versions(tables: Tables, found: Mapping[str, Node]) -> tuple[ssl.TLSVersion, ssl.TLSVersion]:
    minimum = _version(tables, found.get("min_version"), "min_version", "TLS12")
    maximum = _version(tables, found.get("max_version"), "max_version", "TLS13")
    if minimum > maximum:
        tables.problem(tables.line(TLS, "max_version"), "max_version", "is older than min_version")
    return minimum, maximum


def _version(tables: Tables, node: Node | None, name: str, default: str) -> ssl.TLSVersion:
    text = tables.text(node, dotted(TLS, name))
    if text is None or text.value in VERSIONS:
        return VERSIONS[default if text is None else text.value]
    if text.value in OLD_VERSIONS:
        tables.problem(text.line, text.value, f"{name}: this program serves no TLS before 1.2", "write TLS12 or TLS13")
    else:
        tables.problem(text.line, text.value, f"{name} must be TLS12 or TLS13")
    return VERSIONS[default]


def _ciphers(tables: Tables, node: Node | None) -> tuple[tuple[str, ...], bool]:
    """OpenSSL's names of the suites for TLS 1.2, and whether only suites of TLS 1.3 are named."""
    listed = tables.texts(node, dotted(TLS, "cipher_suites"))
    for one in listed:
        if one.value not in CIPHERS and one.value not in CIPHERS_13:
            near = suggest(one.value, [*CIPHERS, *CIPHERS_13], 0.8)
            tables.problem(one.line, one.value, "unknown cipher suite", f"did you mean {near}?" if near else "")
    known = tuple(CIPHERS[one.value] for one in listed if one.value in CIPHERS)
    return known, bool(listed) and not known


def _curve(tables: Tables, node: Node | None) -> str | None:
    listed = tables.texts(node, dotted(TLS, "curve_preferences"))
    for one in listed:
        if one.value not in CURVES:
            tables.problem(one.line, one.value, "unknown curve", f"known are: {', '.join(CURVES)}")
    if len(listed) > 1:
        hint = "name one curve, or leave the key out: OpenSSL then offers all of these, X25519 first"
        tables.problem(listed[1].line, "curve_preferences", "this program cannot order several curves", hint)
    return CURVES.get(listed[0].value) if listed else None


def _client_auth(tables: Tables, text: Text | None) -> ssl.VerifyMode:
    if text is None or text.value in CLIENT_AUTH:
        return ssl.CERT_NONE if text is None else CLIENT_AUTH[text.value]
    hint = "write RequireAndVerifyClientCert with client_ca_file"
    if text.value in UNVERIFIED:
        rule = "client_auth_type: this program cannot ask for certificates that it does not verify"
        tables.problem(text.line, text.value, rule, hint)
    else:
        near = suggest(text.value, CLIENT_AUTH)
        tables.problem(text.line, text.value, "unknown client_auth_type", f"did you mean {near}?" if near else hint)
    # Whatever was meant, it was not this one: no second complaint about it.
    return ssl.CERT_REQUIRED


def _check_clients(tables: Tables, settings: TlsSettings, *, named: bool) -> None:
    """Whatever is said of clients must be something that is asked of them."""
    ca, auth, at = settings.client_ca, settings.client_auth, tables.line(TLS, "client_auth_type")
    if ca is not None and auth is ssl.CERT_NONE:
        hint = "add `client_auth_type: RequireAndVerifyClientCert`; without it the CA would protect nothing"
        tables.problem(ca.line, dotted(TLS, ca.key), "a client CA without client_auth_type", hint)
    if ca is None and auth is not ssl.CERT_NONE and not tables.problems:
        rule = "client certificates are asked for without a client CA"
        hint = "add client_ca_file: the CAs of the system would let in everybody with a public certificate"
        tables.problem(at, dotted(TLS, "client_auth_type"), rule, hint)
    if named and not settings.allowed_sans:
        tables.problem(tables.line(TLS, SANS), dotted(TLS, SANS), "the list is empty", "name a client, or take it out")
    elif named and auth is not ssl.CERT_REQUIRED:
        rule = f"{SANS} without `client_auth_type: RequireAndVerifyClientCert`"
        tables.problem(tables.line(TLS, SANS), dotted(TLS, SANS), rule, "else there may be no name to compare")
