"""The output of a tool call that runs, as its result so far."""

from __future__ import annotations

from stigmer_tui.api.agent_execution_pb2 import ToolCall
from stigmer_tui.api.execution_pb2 import CallOutput
from stigmer_tui.core.output_tail import OutputTail

LEFT_OUT = "left_out"
"""In the metadata of a call: characters of its output before those in its result."""


def output_of(call: ToolCall) -> OutputTail:
    fields = call.component_metadata.metadata.fields
    return OutputTail(int(fields[LEFT_OUT].number_value) if LEFT_OUT in fields else 0, call.result)


def grow_output(call: ToolCall, output: CallOutput) -> None:
    """Puts new output into the result of the call."""
    tail = output_of(call).grown(output.before, output.text)
    call.result = tail.text
    if tail.before:
        call.component_metadata.metadata[LEFT_OUT] = tail.before
