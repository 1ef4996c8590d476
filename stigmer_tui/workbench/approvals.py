"""Tool calls that wait for a person, and what a person decides on one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Node, NodeKey, NodeKind


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A tool call that waits for approval."""

    key: NodeKey
    call: Node

    @property
    def execution_id(self) -> str:
        """Of the run that it is in."""
        return self.key[-2]


@dataclass(frozen=True, slots=True)
class Allow:
    arguments: Mapping[str, Any] | None = None
    """What the person has made of the arguments; None if they stay."""
    is_for_run: bool = False
    """Later calls of the same tool in this run do not wait."""


@dataclass(frozen=True, slots=True)
class Deny:
    reason: str = ""
    """For the model."""


Verdict = Allow | Deny


def is_waiting(execution: Execution) -> bool:
    """Whether any call in the execution, or in one below it, waits. Costs the same however much there is."""
    return bool(execution.count(NodeKind.TOOL_CALL)[RunState.WAITING]) and not execution.state.is_final


def waiting_calls(execution: Execution) -> list[WaitingCall]:
    """In the order in which they were reported."""
    if not is_waiting(execution):
        return []
    return [
        WaitingCall(key, node)
        for key, node in execution.nodes()
        if node.kind is NodeKind.TOOL_CALL and node.state is RunState.WAITING
    ]
