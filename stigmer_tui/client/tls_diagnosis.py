"""Why a named server cannot be reached: gRPC does not say what is wrong with a certificate, or that there is no TLS."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.client.errors import ServerGone

LIMIT = 5.0
"""Seconds for a handshake."""

OTHER_NAME = (62, 64)
"""Codes of OpenSSL: X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH."""

NOT_VALID_NOW = (9, 10)
"""X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED."""


async def diagnose(endpoint: Endpoint) -> ServerGone | None:
    """What a handshake says against the server; None where TLS is not the reason."""
    if endpoint.tls:
        return await _against_tls(endpoint)
    try:
        await _shake_hands(endpoint, _anything())
    except (OSError, TimeoutError):
        return None
    return ServerGone(
        f"The server at {endpoint.address} speaks TLS, and it was called without",
        _set(endpoint, f"--server {endpoint.address} --tls"),
    )


async def _against_tls(endpoint: Endpoint) -> ServerGone | None:
    trust = ssl.create_default_context(cafile=str(endpoint.ca) if endpoint.ca else None)
    try:
        await _shake_hands(endpoint, trust)
    except ssl.SSLCertVerificationError as error:
        return _against_certificate(endpoint, error)
    except ssl.SSLError:
        return ServerGone(
            f"The server at {endpoint.address} does not speak TLS, or no version that is safe",
            "If it speaks plaintext on this port, name it without TLS: "
            f"stigmer-tui context set {endpoint.context or 'NAME'} --server {endpoint.address}",
        )
    except (OSError, TimeoutError):
        return None
    return None


def _against_certificate(endpoint: Endpoint, error: ssl.SSLCertVerificationError) -> ServerGone:
    certificate = f"The certificate of the server at {endpoint.address}"
    match error.verify_code:
        case code if code in OTHER_NAME:
            return ServerGone(
                f"{certificate} is for another name", "Use a name that stands in it, or have one made for this name."
            )
        case code if code in NOT_VALID_NOW:
            return ServerGone(
                f"{certificate} has expired, or is not valid yet", "Renew it there, and look at the clock here."
            )
        case _:
            return ServerGone(
                f"{certificate} is not trusted: {error.verify_message}",
                _set(endpoint, "--ca FILE") + ", with the certificate of the authority that signed it (PEM)",
            )


async def _shake_hands(endpoint: Endpoint, trust: ssl.SSLContext) -> None:
    """Raises OSError, ssl.SSLError among them, and TimeoutError."""
    host, _, port = endpoint.address.rpartition(":")
    trust.set_alpn_protocols(["h2"])
    async with asyncio.timeout(LIMIT):
        _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=trust)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _anything() -> ssl.SSLContext:
    """For finding out whether there is TLS at all: nothing is sent."""
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    return trust


def _set(endpoint: Endpoint, options: str) -> str:
    return f"stigmer-tui context set {endpoint.context or 'NAME'} {options}"
