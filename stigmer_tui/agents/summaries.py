"""Summaries of the older part of a conversation, as messages of a transcript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, MessageType
from stigmer_tui.api.structs import to_data
from stigmer_tui.core.units import plural

SUMMARY = "summary"
"""In the metadata of a system message: what it summarizes."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Of the older part of a conversation."""

    text: str
    until: str
    """Id of the newest execution that it is about."""
    executions: int
    """That it is about, from the first one of the conversation."""
    messages: int
    """That were said in them."""


def summary_text(summary: Summary) -> str:
    """The message that shows a summary; its first line says what it is."""
    return f"Summary of {plural(summary.messages, 'earlier message')}\n\n{summary.text}"


def summary_metadata(summary: Summary) -> dict[str, Any]:
    return {SUMMARY: {"until": summary.until, "executions": summary.executions, "messages": summary.messages}}


def run_summary_text(text: str, turns: int) -> str:
    """The message that shows a summary of the first turns of a run."""
    return f"Summary of {first_turns(turns)} of this run\n\n{text}"


def first_turns(number: int) -> str:
    return "the first turn" if number == 1 else f"the first {number} turns"


def run_summary_metadata(turns: int) -> dict[str, Any]:
    return {SUMMARY: {"turns": turns}}


def summary_in(execution: AgentExecution) -> Summary | None:
    """The summary that an execution began with, if it made one."""
    for message in execution.status.messages:
        if message.type == MessageType.MESSAGE_SYSTEM and SUMMARY in message.metadata:
            about = to_data(message.metadata)[SUMMARY]
            if "until" not in about:
                # Of the execution itself, which has all that it is about.
                continue
            text = message.content.partition("\n\n")[2]
            return Summary(text, about["until"], int(about["executions"]), int(about["messages"]))
    return None
