"""Where a tool call says that it waits for a person's approval, and what the person has decided."""

from __future__ import annotations

from enum import StrEnum

from stigmer_tui.api.agent_execution_pb2 import ComponentMetadata, ToolCall, ToolCallStatus
from stigmer_tui.api.structs import to_struct

APPROVAL = "approval"
"""In the metadata of a call's component: an ApprovalState."""


class ApprovalState(StrEnum):
    WAITING = "waiting"
    ALLOWED = "allowed"
    CHANGED = "changed"
    """Allowed with other arguments than those of the model."""
    DENIED = "denied"


def approval_metadata(state: ApprovalState) -> ComponentMetadata:
    return ComponentMetadata(metadata=to_struct({APPROVAL: state.value}))


def is_waiting(call: ToolCall) -> bool:
    """Whether the call waits for an approval."""
    state = call.component_metadata.metadata.fields
    return (
        call.status == ToolCallStatus.TOOL_CALL_PENDING
        and APPROVAL in state
        and state[APPROVAL].string_value == ApprovalState.WAITING
    )
