"""`apply` and `diff`: the project's code, or manifests, beside what is deployed."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial

import click

from stigmer_tui.cli.printing import print_difference, print_rows
from stigmer_tui.cli.run import loading
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import slug_of
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.headless.apply import apply_project, report, warning_lines
from stigmer_tui.headless.differences import show_differences
from stigmer_tui.headless.exit_code import COMPLETED, FAILED
from stigmer_tui.headless.text_output import TextOutput
from stigmer_tui.headless.texts import MAKE_A_PROJECT, no_project
from stigmer_tui.project.project_file import project_folder
from stigmer_tui.workbench.session import Session


def apply_headless(
    dry_run: bool, organization: str, manifests: str, is_pruning: bool, is_sure: bool, output: str
) -> int:
    """Raises click.Abort where a person does not want to delete what is no longer defined."""
    if is_pruning and manifests:
        raise StigmerError("--prune is for a project, which knows all that it has deployed", "Leave --file out.")
    session = _session(organization, manifests)
    is_table = output == "table"
    progress = TextOutput(sys.stdout if is_table else sys.stderr, sys.stderr, Redactor(()))
    echo = partial(click.echo, err=not is_table)
    deployment = asyncio.run(apply_project(session, dry_run, progress))
    if deployment is None:
        return FAILED
    for line in report(deployment, dry_run) if is_table else warning_lines(deployment):
        echo(line)
    if not is_table:
        rows = [
            {"kind": item.kind.replace(" ", "-"), "name": item.slug, "id": item.id, "action": str(item.action)}
            for item in deployment.items
        ]
        print_rows(rows, (), output, lambda row: f"{row['kind']}/{row['name']}", "")
    if is_pruning and session.state.project:
        from stigmer_tui.cli.prune import prune

        defined = {(item.kind, item.slug) for item in deployment.items}
        asyncio.run(prune(session.state.project.name, defined, organization, dry_run, is_sure, echo))
    return COMPLETED


def diff_headless(name: str, organization: str, manifests: str, as_json: bool, fails: bool) -> int:
    session = _session(organization, manifests)
    return asyncio.run(show_differences(session, slug_of(name), as_json, fails, print_difference))


def _session(organization: str, manifests: str) -> Session:
    session = Session(
        load_configuration(os.environ),
        working_folder() if manifests else project_folder(working_folder()),
        SystemClock(),
        organization=organization,
        load=loading(manifests),
        has_manifests=bool(manifests),
    )
    if not session.is_project:
        raise no_project(MAKE_A_PROJECT)
    return session
