"""Who may deliver: those with a password, a token or a client certificate; everybody only on this machine itself."""

from __future__ import annotations

import ssl

from necism_monitor.web.auth import AnyOf, Authority, Bearer, Certificates, Everybody
from necism_monitor.web.protection import Protection
from necism_monitor.web.webconfig import WebConfig


def entrance(config: WebConfig, protection: Protection, bearer: Bearer | None) -> Authority:
    """Who is let in: users and the bearer of the token, whichever exist; without them, holders of a certificate."""
    ways: list[Authority] = [protection.authority] if config.users else []
    if bearer is not None:
        ways.append(bearer)
    if ways:
        return AnyOf(*ways)
    return Certificates() if asks_for_certificates(config) else Everybody()


def asks_for_certificates(config: WebConfig) -> bool:
    """Whether TLS asks clients for a certificate that it verifies."""
    return config.tls is not None and config.tls.client_auth is not ssl.CERT_NONE


def missing(config: WebConfig, bearer: Bearer | None) -> str | None:
    """What an address that others reach asks for, and this configuration lacks; None where nothing is."""
    if config.tls is None:
        return "TLS"
    if not config.users and bearer is None and not asks_for_certificates(config):
        return "users, a credentials file or client certificates"
    return None
