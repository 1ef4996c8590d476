"""The commands of `server`."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import (
    SERVER_VARIABLE,
    Configuration,
    choose_context,
    load_configuration,
    parse_address,
)
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home, absolute
from stigmer_tui.core.remote_access import RemoteAccess, remote_access
from stigmer_tui.daemon.lifecycle import StartOptions, check_options, restart_daemon, start_daemon, stop_daemon
from stigmer_tui.daemon.record import read_record
from stigmer_tui.daemon.running import NoAnswer, running_endpoint

if TYPE_CHECKING:
    from stigmer_tui.api.daemon_pb2 import Component
    from stigmer_tui.core.daemon_processes import DaemonProcess
    from stigmer_tui.daemon.logs import LogFilter, LogLine


def remote_of(listen: str, tls_certificate: str, tls_key: str) -> RemoteAccess | None:
    """Of the flags. Raises StigmerError where only a part is given."""
    files = [absolute(path) if path else None for path in (tls_certificate, tls_key)]
    return remote_access(listen, *files)


def start_server(address: str, no_auth: bool, remote: RemoteAccess | None) -> int:
    configuration = load_configuration(os.environ)
    _refuse_where_another_server_is_used(configuration)
    options = StartOptions(parse_address(address), no_auth, remote)
    check_options(configuration, options)
    asyncio.run(_start(configuration, options))
    return 0


def stop_server() -> int:
    configuration = _readable_configuration()
    stopped = asyncio.run(stop_daemon(configuration.home))
    click.echo("✓ Stopped the daemon" if stopped else "The daemon is not running")
    if configuration.server:
        click.echo(f"  The server at {configuration.server}, which {_chosen_by(configuration)} names, is left alone")
    return 0


def restart_server(address: str, no_auth: bool, remote: RemoteAccess | None) -> int:
    configuration = load_configuration(os.environ)
    _refuse_where_another_server_is_used(configuration)
    endpoint = asyncio.run(restart_daemon(configuration, StartOptions(parse_address(address), no_auth, remote)))
    record = read_record(configuration.home)
    _show_ready(endpoint, configuration.home, is_open=record is not None and not record.requires_token)
    return 0


def restart_one(process: DaemonProcess) -> int:
    configuration = load_configuration(os.environ)
    _refuse_where_another_server_is_used(configuration)
    component = asyncio.run(_restart_one(configuration.home, process))
    click.echo(f"✓ Restarted the {process.noun} (pid {component.pid}); its runs continue")
    return 0


async def _restart_one(home: Home, process: DaemonProcess) -> Component:
    from stigmer_tui.client.connection import connected
    from stigmer_tui.daemon.component_restart import restart_and_wait

    async def locate() -> Endpoint:
        if endpoint := await running_endpoint(home):
            return endpoint
        raise StigmerError("The daemon is not running", "Start it with: stigmer-tui server start")

    async with connected(locate) as connection:
        return await restart_and_wait(connection, process)


def show_status(as_json: bool) -> int:
    from stigmer_tui.daemon.status import StatusText, read_status, status_json

    configuration = _readable_configuration()
    if configuration.server:
        return _show_named_server(configuration, as_json)
    try:
        status = asyncio.run(read_status(configuration.home))
    except NoAnswer as problem:
        if not as_json:
            raise
        click.echo(json.dumps({"running": True, "problem": problem.message}))
        return 1
    if status is None:
        text = "The daemon is not running; start it with: stigmer-tui server start"
        click.echo('{"running": false}' if as_json else text)
        return 1
    click.echo(status_json(status) if as_json else "\n".join(StatusText(status, SystemClock()).lines()))
    return 0


def _readable_configuration() -> Configuration:
    """Without a config.yaml that is broken, which must not hide a daemon that runs, nor keep it from being stopped."""
    try:
        return load_configuration(os.environ)
    except StigmerError:
        home = Home.from_environment(os.environ)
        context, origin = choose_context(os.environ, ConfigurationFile(home.configuration))
        return Configuration(home, context=context, context_origin=origin)


def _show_named_server(configuration: Configuration, as_json: bool) -> int:
    """The full status of one of our daemons; address and reachability of any other server."""
    from stigmer_tui.daemon.status import StatusText, status_json, status_of

    named = {"address": configuration.server, "named_by": _chosen_by(configuration)}
    try:
        status = asyncio.run(status_of(Endpoint.named(configuration.context, configuration.home, os.environ)))
    except StigmerError as problem:
        if not as_json:
            raise
        click.echo(json.dumps({"running": False, **named, "problem": problem.message}))
        return 1
    if as_json:
        known = json.loads(status_json(status)) if status else {"running": True}
        click.echo(json.dumps({**known, **named}))
        return 0
    click.echo(f"✓ A server answers at {configuration.server}, which {_chosen_by(configuration)} names")
    if status:
        click.echo("\n".join(StatusText(status, SystemClock()).lines()))
    else:
        click.echo("  It is not one of our daemons, and says nothing of its processes")
    return 0


def _refuse_where_another_server_is_used(configuration: Configuration) -> None:
    if configuration.server:
        chosen_by = _chosen_by(configuration)
        raise StigmerError(
            f"{chosen_by[0].upper()}{chosen_by[1:]} names the server that is used, {configuration.server}; "
            "no daemon is started here",
            f"To use a daemon on this machine: unset {chosen_by}"
            if chosen_by == SERVER_VARIABLE
            else "To use the daemon on this machine: stigmer-tui --context local server start",
        )


def _chosen_by(configuration: Configuration) -> str:
    """What names a server that is not a daemon of ours."""
    context = configuration.context
    return f"the context {context.name}" if context.name else configuration.context_origin


def show_logs(follow: bool, lines: int, wanted: LogFilter, as_json: bool) -> int:
    from stigmer_tui.daemon.logs import LogTails, last_lines

    def show(line: LogLine) -> None:
        click.echo(json.dumps(asdict(line), ensure_ascii=False) if as_json else line.text())

    home = load_configuration(os.environ).home
    tails = LogTails(home, wanted) if follow else None
    last = last_lines(home, lines, wanted)
    for line in last:
        show(line)

    async def go_on(tails: LogTails) -> None:
        known = set(last)
        async for line in tails.lines():
            # Lines that arrived meanwhile may be in both.
            if line not in known:
                show(line)

    if tails:
        asyncio.run(go_on(tails))
    elif not last:
        click.echo("No line matches" if last_lines(home, 1) else "No line yet", err=True)
    return 0


async def _start(configuration: Configuration, options: StartOptions) -> None:
    if endpoint := await running_endpoint(configuration.home):
        record = read_record(configuration.home)
        already = f"The daemon is already running at {endpoint.address}"
        if options.address and options.address != endpoint.address:
            advice = f"To have it at {options.address}: stigmer-tui server restart --address {options.address}"
            raise StigmerError(already, advice)
        if options.no_auth and record and record.requires_token:
            advice = "To accept them: stigmer-tui server restart --no-auth"
            raise StigmerError(f"{already}, and clients without its token are refused", advice)
        if options.remote and record and options.remote != record.remote:
            advice = "To have it listen there too, the same options with: stigmer-tui server restart"
            raise StigmerError(f"{already}, and not at {options.remote.address} for other machines", advice)
        click.echo(already)
        return
    _show_ready(await start_daemon(configuration, options), configuration.home, options.no_auth)


def _show_ready(endpoint: Endpoint, home: Home, is_open: bool) -> None:
    click.echo(f"✓ The daemon is ready at {endpoint.address}")
    if is_open:
        click.echo("  Every client on this machine may use it (--no-auth)")
    record = read_record(home)
    if record and record.listen:
        click.echo(f"  Other machines reach it at {record.listen} by TLS, with the token in {home.token}")
