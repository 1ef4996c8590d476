"""The commands by which other programs use the workbench; loaded when one of them is called."""

from __future__ import annotations

from pathlib import Path

import click

from stigmer_tui.cli.commands import completes, org_option, program
from stigmer_tui.cli.help import examples

API_ADDRESS = "127.0.0.1:8787"


@program.command(epilog=examples("serve --api"))
@click.option("--api", is_flag=True, help="Agents and workflows by HTTP: OpenAI's API, and /run/NAME with events.")
@click.option("--address", default=API_ADDRESS, show_default=True, metavar="HOST:PORT", help="Where to listen.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate as PEM, for other machines.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its key as PEM, without a passphrase.")
@org_option
def serve(api: bool, address: str, tls_cert: Path | None, tls_key: Path | None, org: str) -> int:
    """Let other programs talk to the agents of this project, until ctrl+c."""
    from stigmer_tui.cli.serve import serve_api

    if not api:
        raise click.UsageError("Say what is to be served: --api")
    return serve_api(address, tls_cert, tls_key, org)


@program.command()
@click.argument("agent", required=False, metavar="[AGENT]", shell_complete=completes("agents"))
@org_option
def acp(agent: str | None, org: str) -> int:
    """Let an editor talk to AGENT, by the Agent Client Protocol over standard input and output.

    The folder that the editor has opened decides the project; without AGENT it is the only one that is there.
    """
    from stigmer_tui.cli.stdio_doors import serve_acp

    return serve_acp(agent or "", org)
