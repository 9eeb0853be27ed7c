"""Monitoring and safe resync of NEC iStorage snapshot volumes."""

__version__ = "0.1.0"
