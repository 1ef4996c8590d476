"""Point 36: no text of a run reaches the terminal, or a pipe, as a command."""

from __future__ import annotations

import io
import json
from typing import Any

from stigmer_tui.core.redaction import Redactor
from stigmer_tui.headless.json_output import JsonOutput
from stigmer_tui.headless.output import Output
from stigmer_tui.headless.text_output import TextOutput
from stigmer_tui.workbench.events import Deployed, ProjectLoaded, RunChanged, RunEnded, RunStarted
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, Role
from stigmer_tui.workbench.state import ApplySummary, Deployment, ShownRun
from tests.tui.host import FixedClock
from tests.tui.samples import at
from tests.workbench.trees import change, put, put_message, tool_call

HOSTILE = "a\x1b[2Jb\x1b]0;owned\x07c\x9b31md\x00e\x07f\u202eg\x08h\x7f"

SECRET = "hush-4711-hush"


def test_a_run() -> None:
    out, err = io.StringIO(), io.StringIO()
    show(TextOutput(out, err, Redactor([SECRET])))
    printed = out.getvalue()
    assert "abc\ufffd31md␀e␇fg␈h␡" in printed
    assert not {"\x1b", "\x07", "\x00", "\x9b", "\u202e", "\x08", "\x7f", "\r"} & set(printed)
    # Nor does a control character hide a secret.
    assert SECRET not in printed


def test_a_run_for_programs() -> None:
    out, err = io.StringIO(), io.StringIO()
    show(JsonOutput(out, err, Redactor([SECRET]), FixedClock()))
    assert not {"\x1b", "\x07", "\x00", "\x9b", "\u202e", "\x08", "\x7f", "\r"} & set(out.getvalue())
    events: list[dict[str, Any]] = [json.loads(line) for line in out.getvalue().splitlines()]
    assert any(event.get("text") == HOSTILE for event in events)


def show(output: Output) -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", HOSTILE, state=RunState.RUNNING)
    output.take(ProjectLoaded(HOSTILE))
    output.take(Deployed(Deployment(ApplySummary(at(0)), (), frozenset(), warnings=(HOSTILE,))))
    output.take(RunStarted(ShownRun(execution, Resource(ResourceKind.AGENT, "ag_1", HOSTILE, HOSTILE))))
    put_message(execution, 0, Message(Role.AGENT, HOSTILE))
    output.take(RunChanged(execution))
    put_message(execution, 1, Message(Role.AGENT, SECRET.replace("4711", "47\x1b[31m11")))
    put_message(execution, 2, Message(Role.TOOL, "", calls=("c1",)))
    put(execution, tool_call("c1", HOSTILE, {"a": HOSTILE}, RunState.FAILED, HOSTILE, HOSTILE))
    change(execution, state=RunState.FAILED, error=HOSTILE)
    output.take(RunEnded(execution))
