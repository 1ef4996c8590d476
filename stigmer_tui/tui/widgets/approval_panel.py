"""Below the entries: the tool call that waits for approval."""

from __future__ import annotations

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.render.approval import approval_rows
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.approvals import WaitingCall, waiting_calls
from stigmer_tui.workbench.execution_tree import Execution

GRACE = 0.3
"""Seconds for which a new question takes no answer: what is typed then was meant for something else."""


class ApprovalPanel(RowPanel):
    def __init__(self, *, clock: Clock, glyphs: Glyphs, id: str | None = None) -> None:  # noqa: A002
        super().__init__(glyphs=glyphs, id=id)
        self._clock = clock
        self._seen: tuple[str, int] = ("", -1)
        """The execution, and its revision."""
        self._waiting: list[WaitingCall] = []
        self._shown_at = 0.0

    @property
    def call(self) -> WaitingCall | None:
        """The call that a person can decide on now."""
        if not self._waiting or self._clock.monotonic() - self._shown_at < GRACE:
            return None
        return self._waiting[0]

    def update(self, execution: Execution | None) -> bool:
        """Shows what waits in an execution; once a frame is enough. Returns whether it is a new question."""
        is_new = False
        seen = (execution.id, execution.revision) if execution else ("", -1)
        if seen != self._seen:
            self._seen = seen
            before = self._waiting[0].key if self._waiting else None
            self._waiting = waiting_calls(execution) if execution else []
            if self._waiting and self._waiting[0].key != before:
                self._shown_at = self._clock.monotonic()
                is_new = True
        self.display = bool(self._waiting)
        self._draw()
        return is_new

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._waiting:
            self.show(approval_rows(self._waiting, self.size.width, self.glyphs))
