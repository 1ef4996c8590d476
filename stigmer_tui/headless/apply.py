"""`apply` without a screen: what was done, or would be, as a table (`docs/compatibility.md` 149)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stigmer_tui.core.clock import Clock
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.deployment import Deployer, Deployment, Item, OnLine

ACTIONS = {"created": "Create", "updated": "Update", "unchanged": "Keep"}
STATES = {"created": "✓ Created", "updated": "✓ Updated", "unchanged": "· Unchanged"}


async def apply_project(
    folder: Path, backend: Backend, clock: Clock, dry_run: bool, echo: Callable[[str], None], on_line: OnLine
) -> None:
    """`on_line` is given what the project's code prints. Raises StigmerError."""
    deployer = Deployer(folder, backend, clock)
    echo("✓ Loaded Stigmer.yaml")
    count = await deployer.synthesize(on_line)
    echo(f"✓ Manifest loaded: {count} resource(s) discovered")
    deployment = await (deployer.preview() if dry_run else deployer.apply())
    echo("")
    for line in _table(deployment, dry_run):
        echo(line)
    echo("")
    for warning in deployment.warnings:
        echo(f"⚠️  {warning}")
    for slug in deployment.applied.orphaned:
        echo(f"⚠️  {slug} is still deployed, but the project no longer defines it")
    echo(f"{'Dry run successful' if dry_run else 'Deployment successful'}: {deployment.applied.summary}")


def _table(deployment: Deployment, dry_run: bool) -> list[str]:
    header = ["TYPE", "NAME", "ACTION"] if dry_run else ["TYPE", "NAME", "STATUS", "ID"]
    rows = [header, *(_row(item, dry_run) for item in deployment.items)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(item: Item, dry_run: bool) -> list[str]:
    kind = item.kind.capitalize()
    if dry_run:
        return [kind, item.name, ACTIONS[item.action]]
    return [kind, item.name, STATES[item.action], item.resource.id if item.resource else ""]
