"""`execution compare` without a screen: two runs, for people or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stigmer_tui.core.control_text import json_text
from stigmer_tui.headless.differences import Echo
from stigmer_tui.workbench.comparison_lines import comparison_lines, summary_of
from stigmer_tui.workbench.differences import SIGNS, LineKind
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.run_comparison import Comparison, Step
from stigmer_tui.workbench.run_figures import RunFigures


def print_comparison(comparison: Comparison, as_json: bool, width: int, echo: Echo) -> None:
    if as_json:
        echo(json_text(_data(comparison), indent=2), LineKind.CONTEXT)
        return
    for line in comparison_lines(comparison, width):
        echo(SIGNS[line.kind] + line.text, line.kind)


def _data(comparison: Comparison) -> dict[str, Any]:
    first, second = comparison.figures
    return {
        "summary": summary_of(comparison),
        "first": _run_data(comparison.first, first),
        "second": _run_data(comparison.second, second),
        "steps": [
            {"first": _step_data(pair.first), "second": _step_data(pair.second), "same": pair.is_same}
            for pair in comparison.steps
        ],
        "differences": [
            {"title": difference.title, "lines": [SIGNS[line.kind] + line.text for line in difference.lines]}
            for difference in comparison.differences
        ],
    }


def _run_data(execution: Execution, figures: RunFigures) -> dict[str, Any]:
    identity = {"id": execution.id, "kind": str(execution.kind), "resource": execution.resource}
    return identity | asdict(figures) | {"message": execution.message, "error": execution.error}


def _step_data(step: Step | None) -> dict[str, Any] | None:
    if step is None:
        return None
    return {"name": step.name, "about": step.about, "state": step.state, "seconds": step.seconds}
