"""`diff` without a screen: what `apply` would change, for people or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from stigmer_tui.core.control_text import json_text
from stigmer_tui.core.units import plural
from stigmer_tui.headless.exit_code import COMPLETED, FAILED
from stigmer_tui.workbench.differences import (
    ALL_DEPLOYED,
    ORPHANED,
    SIGNS,
    DifferenceLine,
    LineKind,
    ResourceDifference,
    lines_of,
)
from stigmer_tui.workbench.session import Session

Echo = Callable[[str, LineKind], None]
"""Prints a line in the colour of its kind."""


async def show_differences(session: Session, slug: str, as_json: bool, fails: bool, echo: Echo) -> int:
    """Of one resource, or of all where `slug` is empty. Returns the exit code, which says with `fails` whether there
    are any. Raises StigmerError.
    """
    async with session.opened():
        found = await session.differences()
    shown = [difference for difference in found if slug in ("", difference.slug)]
    if as_json:
        echo(json_text([_data(difference) for difference in shown], indent=2), LineKind.CONTEXT)
    else:
        for line in _report(shown, slug):
            echo(SIGNS[line.kind] + line.text, line.kind)
    return FAILED if shown and fails else COMPLETED


def _report(shown: Sequence[ResourceDifference], slug: str) -> Iterator[DifferenceLine]:
    if not shown:
        yield DifferenceLine(LineKind.TITLE, f"{slug} as it is in the code is deployed" if slug else ALL_DEPLOYED)
        return
    yield from lines_of(shown)
    orphaned = sum(difference.action == ORPHANED for difference in shown)
    if changed := len(shown) - orphaned:
        yield DifferenceLine(LineKind.TITLE, f"{plural(changed, 'difference')}; to deploy: stigmer-tui apply")
    if orphaned:
        advice = "to delete what is no longer defined: stigmer-tui apply --prune"
        yield DifferenceLine(LineKind.TITLE, f"{orphaned} orphaned; {advice}")


def _data(difference: ResourceDifference) -> dict[str, Any]:
    return {
        "kind": difference.kind,
        "name": difference.slug,
        "action": difference.action,
        "differences": list(difference.what),
        "lines": [SIGNS[line.kind] + line.text for line in difference.lines],
    }
