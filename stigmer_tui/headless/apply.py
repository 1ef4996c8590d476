"""`apply` without a screen: what was done, or would be, as a table (`docs/compatibility.md` 149)."""

from __future__ import annotations

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.headless.output import Output
from stigmer_tui.workbench.events import CodePrinted, Event, ManifestsLoaded, ProjectLoaded
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import Deployment, DeploymentItem

ACTIONS = {"created": "Create", "updated": "Update", "unchanged": "Keep"}
STATES = {"created": "✓ Created", "updated": "✓ Updated", "unchanged": "· Unchanged"}


async def apply_project(session: Session, dry_run: bool, output: Output) -> Deployment | None:
    """Returns how the project stands on the server; None after an error, which is printed."""

    def take(event: Event) -> None:
        # The report says the rest.
        if isinstance(event, ProjectLoaded | CodePrinted | ManifestsLoaded):
            output.take(event)

    session.store.subscribe(take)
    try:
        async with session.opened():
            return await (session.preview() if dry_run else session.deploy())
    except StigmerError as error:
        output.failed(error)
        return None


def report(deployment: Deployment, dry_run: bool) -> list[str]:
    """A table, warnings, and a line of numbers."""
    end = f"{'Dry run successful' if dry_run else 'Deployment successful'}: {deployment.applied.summary}"
    return ["", *_table(deployment, dry_run), "", *warning_lines(deployment), end]


def warning_lines(deployment: Deployment) -> list[str]:
    orphans = [
        f"{slug} is still deployed, but the project no longer defines it" for slug in deployment.applied.orphaned
    ]
    return [f"⚠️  {warning}" for warning in (*deployment.warnings, *orphans)]


def _table(deployment: Deployment, dry_run: bool) -> list[str]:
    header = ["TYPE", "NAME", "ACTION"] if dry_run else ["TYPE", "NAME", "STATUS", "ID"]
    rows = [header, *(_row(item, dry_run) for item in deployment.items)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(item: DeploymentItem, dry_run: bool) -> list[str]:
    kind = item.kind.capitalize()
    if dry_run:
        return [kind, item.name, ACTIONS[item.action]]
    return [kind, item.name, STATES[item.action], item.id]
