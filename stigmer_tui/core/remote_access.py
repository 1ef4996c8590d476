"""What other machines need to reach the daemon: an address of its own, with TLS and the token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core.addresses import resolves_to_loopback
from stigmer_tui.core.errors import StigmerError

TLS_OPTIONS = "--listen ADDRESS:PORT --tls-cert FILE --tls-key FILE"


@dataclass(frozen=True, slots=True)
class RemoteAccess:
    address: str
    """host:port."""
    certificate: Path
    """The server's, with those that lead to its authority, as PEM."""
    key: Path
    """Of the certificate, without a passphrase, as PEM."""

    def read(self) -> tuple[bytes, bytes]:
        """Key and certificates. Raises StigmerError for files that cannot be read, or do not belong together."""
        import ssl

        for path in (self.certificate, self.key):
            try:
                path.read_bytes()
            except OSError as error:
                raise StigmerError(f"Cannot read {path}, which TLS needs: {error.strerror}") from error
        try:
            # A passphrase would be asked for on a terminal that nobody looks at.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key, password=lambda: b"")
        except (ssl.SSLError, ValueError) as error:
            raise StigmerError(
                f"{self.certificate} and {self.key} are no certificate with its key",
                "Expected PEM; the key without a passphrase.",
            ) from error
        return self.key.read_bytes(), self.certificate.read_bytes()


def remote_access(address: str, certificate: Path | None, key: Path | None) -> RemoteAccess | None:
    """None where nothing is given. Raises StigmerError where only a part is."""
    if not address:
        if certificate or key:
            raise StigmerError("A certificate is for --listen only", f"Give all three: {TLS_OPTIONS}")
        return None
    if certificate is None or key is None:
        raise StigmerError(
            f"At {address} the daemon would listen without TLS", f"Give it a certificate with its key: {TLS_OPTIONS}"
        )
    if not re.fullmatch(r".*\S:[0-9]{1,5}", address):
        raise StigmerError(f"Not an address to listen at: {address}", "Expected host:port, such as 0.0.0.0:7443.")
    return RemoteAccess(address, certificate, key)


def require_tls_beyond_loopback(address: str) -> None:
    """Raises StigmerError for an address at which other machines could read what is said in clear."""
    if not resolves_to_loopback(address):
        raise StigmerError(
            f"At {address} other machines could reach the daemon, and it would speak to them in clear",
            f"Let it listen there by TLS: stigmer-tui server start {TLS_OPTIONS}",
        )
