"""`server install` and `server uninstall`."""

from __future__ import annotations

import asyncio
import os

import click

from stigmer_tui.core.configuration import load_configuration, parse_address
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.daemon.lifecycle import StartOptions, check_options
from stigmer_tui.daemon.running import running_endpoint
from stigmer_tui.daemon.service import Service, install, run_manager, service_of, uninstall


def install_service(address: str, no_auth: bool, only_print: bool) -> int:
    configuration = load_configuration(os.environ)
    options = StartOptions(parse_address(address), no_auth)
    check_options(configuration, options)
    arguments = [*(["--address", options.address] if options.address else []), *(["--no-auth"] if no_auth else [])]
    service = service_of(configuration.home, os.environ, arguments)
    if only_print:
        click.echo(service.text, nl=False)
        return 0
    if asyncio.run(running_endpoint(configuration.home)):
        raise StigmerError(
            "A daemon is running, which the service would find in its way",
            "Stop it with: stigmer-tui server stop. Its runs continue in the service.",
        )
    configuration.home.prepare()
    problem = install(service, run_manager)
    click.echo(f"✓ Wrote {service.path}")
    if problem:
        click.echo(f"! It is not started: {problem}")
        click.echo(f"  Start it yourself: {_by_hand(service)}")
        return 1
    click.echo("✓ The daemon is started now, and with each session from now on")
    for hint in ("Its logs: stigmer-tui server logs", *service.hints):
        click.echo(f"  {hint}")
    return 0


def uninstall_service() -> int:
    service = service_of(load_configuration(os.environ).home, os.environ)
    if uninstall(service, run_manager):
        click.echo(f"✓ Removed {service.path}")
    else:
        click.echo("No service is installed")
    return 0


def _by_hand(service: Service) -> str:
    return " && ".join(" ".join(command) for command in service.enable)
