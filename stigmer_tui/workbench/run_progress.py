"""One of several runs at the same time, as it stands: its state, and what it is at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from stigmer_tui.workbench.execution_tree import Execution, Part
from stigmer_tui.workbench.model import Resource, RunState
from stigmer_tui.workbench.nodes import NodeKind

MAX_LATEST = 3
NAMED = (NodeKind.TASK, NodeKind.TOOL_CALL, NodeKind.SUB_AGENT)


@dataclass(slots=True)
class RunProgress:
    resource: Resource
    execution: Execution | None = None
    """None until it is started."""
    refusal: str = ""
    """Why it could not be started, or not be followed to its end."""
    _seen: int = -1
    _latest: dict[Part, str] = field(default_factory=dict)

    @property
    def state(self) -> RunState:
        if self.refusal:
            return RunState.FAILED
        return self.execution.state if self.execution else RunState.PENDING

    @property
    def error(self) -> str:
        return self.refusal or (self.execution.error if self.execution else "")

    @property
    def latest(self) -> tuple[str, ...]:
        """The last things that have happened, a line each, the newest last."""
        return tuple(self._latest.values())

    @property
    def activity(self) -> str:
        """The newest of them."""
        return next(reversed(self._latest.values()), "")

    def took(self, now: datetime | None) -> float | None:
        """Seconds, until `now` where it goes on; None where that is not known."""
        execution = self.execution
        end = (execution.completed_at or now) if execution else None
        if execution is None or execution.started_at is None or end is None:
            return None
        return (end - execution.started_at).total_seconds()

    def update(self) -> None:
        """Notes what has happened since the last call."""
        if self.execution is None:
            return
        for part in self.execution.changed_since(self._seen):
            if text := _text_of(self.execution, part):
                self._latest.pop(part, None)
                self._latest[part] = text
        for part in list(self._latest)[:-MAX_LATEST]:
            del self._latest[part]
        self._seen = self.execution.revision


def _text_of(execution: Execution, part: Part) -> str:
    """Empty for what has no line."""
    if part.message >= 0:
        return next(reversed(execution.messages(part.key)[part.message].text.strip().splitlines()), "")
    node = execution.node(part.key)
    if node.kind not in NAMED:
        return ""
    return node.id.strip("/") if node.kind is NodeKind.TASK else node.name
