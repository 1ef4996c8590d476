"""Execution phases: two enums of the wire with the same numbers, and one of our own for code that serves both."""

from __future__ import annotations

from enum import IntEnum

from stigmer_tui.api.agent_execution_pb2 import ExecutionPhase as AgentPhase
from stigmer_tui.api.workflow_execution_pb2 import ExecutionPhase as WorkflowPhase


class Phase(IntEnum):
    UNSPECIFIED = 0
    PENDING = 1
    IN_PROGRESS = 2
    COMPLETED = 3
    FAILED = 4
    CANCELLED = 5

    @property
    def is_final(self) -> bool:
        return self in (Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED)

    @property
    def for_agent(self) -> AgentPhase.ValueType:
        return AgentPhase.ValueType(self)

    @property
    def for_workflow(self) -> WorkflowPhase.ValueType:
        return WorkflowPhase.ValueType(self)
