"""The certificate of the server, read again when it has been renewed."""

from __future__ import annotations

import logging

import grpc

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.remote_access import RemoteAccess

logger = logging.getLogger(__name__)


def server_credentials(remote: RemoteAccess) -> grpc.ServerCredentials:
    """Raises StigmerError for files that cannot be used now; later the last good ones stay in use."""
    return grpc.dynamic_ssl_server_credentials(_configuration(remote), _Renewal(remote))  # type: ignore[arg-type] # its stubs know no None


class _Renewal:
    """Called by gRPC before each handshake, in a thread of its own."""

    def __init__(self, remote: RemoteAccess) -> None:
        self._remote = remote
        self._version = _version(remote)

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        """None for no change."""
        version = _version(self._remote)
        if version == self._version:
            return None
        self._version = version
        try:
            renewed = _configuration(self._remote)
        except StigmerError as error:
            logger.warning("the renewed certificate is not used: %s", error.message)
            return None
        logger.info("the certificate was renewed")
        return renewed


def _configuration(remote: RemoteAccess) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([remote.read()])


def _version(remote: RemoteAccess) -> tuple[int, ...]:
    """Another one after each change of the files."""
    try:
        files = [path.stat() for path in (remote.certificate, remote.key)]
    except OSError:
        return ()
    return tuple(number for file in files for number in (file.st_mtime_ns, file.st_ino, file.st_size))
