"""`serve --api`: the API by HTTP, on this machine, or by TLS for others."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import click
import uvicorn

from stigmer_tui.core.addresses import bind_error, resolves_to_loopback
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import absolute, working_folder
from stigmer_tui.core.private_files import make_private_folders
from stigmer_tui.core.remote_access import RemoteAccess
from stigmer_tui.daemon.token import create_token
from stigmer_tui.doors.http_server import http_app
from stigmer_tui.doors.open_project import open_project

PATIENCE = 5
"""Seconds for answers that are under way when the program is told to end."""


def serve_api(address: str, certificate: Path | None, key: Path | None, organization: str) -> int:
    """Raises StigmerError for an address that cannot be used, and for code that cannot be deployed."""
    host, port = _place(address)
    tls = _tls(address, certificate, key)
    if reason := bind_error(address):
        raise StigmerError(f"Cannot listen at {address}: {reason}", "Choose another one: --address HOST:PORT")
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    asyncio.run(_serve(listener, tls, organization))
    return 0


def _tls(address: str, certificate: Path | None, key: Path | None) -> RemoteAccess | None:
    if certificate is not None and key is not None:
        access = RemoteAccess(address, absolute(str(certificate)), absolute(str(key)))
        access.read()
        return access
    if certificate is not None or key is not None:
        raise StigmerError("TLS needs a certificate and its key", "Give both: --tls-cert FILE --tls-key FILE")
    if not resolves_to_loopback(address):
        advice = (
            "Give it a certificate with its key, --tls-cert FILE --tls-key FILE, or an address such as 127.0.0.1:8787."
        )
        raise StigmerError(f"At {address} other machines could listen to what is said", advice)
    return None


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise StigmerError(f"Not an address to listen at: {address}", "Expected host:port, such as 127.0.0.1:8787.")
    return host.strip("[]"), int(port)


async def _serve(listener: socket.socket, tls: RemoteAccess | None, organization: str) -> None:
    home = load_configuration(os.environ).home
    make_private_folders([home.data])
    token = create_token(home.api_token)
    async with open_project(working_folder(), organization) as project:
        models = [resource.slug for resource in await project.resources()]
        config = uvicorn.Config(
            http_app(project, token),
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=PATIENCE,
        )
        host, port = listener.getsockname()[:2]
        where = f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"
        click.echo(f"✓ Answers at {where}/v1, until ctrl+c; models: {', '.join(models) or 'none yet'}")
        click.echo("\nFor clients of OpenAI's API:\n")
        click.echo(f"  export OPENAI_BASE_URL={where}/v1")
        click.echo(f'  export OPENAI_API_KEY="$(cat {home.api_token})"')
        await uvicorn.Server(config).serve(sockets=[listener])
