"""A workflow that runs a workflow that calls an agent with sub-agents that use tools: by a recorded stream, as a person
sees it in the pane and in lines, and as programs do."""

from __future__ import annotations

import io
import json
from textwrap import dedent
from typing import Any

import pytest

from stigmer_tui.api.execution_pb2 import FollowResponse, WorkflowExecutionDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowExecutionStatus, WorkflowTask
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.headless.conversation_lines import LineWriter
from stigmer_tui.headless.json_output import JsonOutput
from stigmer_tui.headless.run_lines import RunLines
from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.widgets.viewport import Viewport
from stigmer_tui.workbench.events import RunChanged
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import NodeKind, Origin, OriginKind
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript
from tests.tui.host import FixedClock
from tests.tui.rows import window_text
from tests.workbench.outlines import Reader
from tests.workbench.replay import recording, replay

RECORDING = recording("workflow_in_workflow")

EARLIER, OUTER, INNER = (f"wfx_01k9aaaaaaaaaaaaaaaaaaaaa{number}" for number in (0, 1, 2))
CLERK, RESEARCHER = (f"agx_01k9aaaaaaaaaaaaaaaaaaaaa{number}" for number in (3, 4))

CLERK_PATH = ("/settle", INNER, "/each", "/each/0/ask", CLERK)


def drawn(outline: Outline, is_open: bool = False) -> str:
    """With sub-agents folded, or open."""
    window = Viewport(outline, FixedClock(), UNICODE)
    window.resize(80, 60)
    window.update()
    for key in sorted(outline.closed) if is_open else ():
        window.selected = key
        window.toggle()
    return window_text(window)


async def test_every_execution_that_a_node_stands_for_is_followed_into_the_tree() -> None:
    execution, followed = await replay(RECORDING)
    assert followed == [OUTER, INNER, CLERK, RESEARCHER]
    tool = (OUTER, "/settle", INNER, "/each/0/ask", CLERK, "s1", RESEARCHER, "k1")
    around = [execution.node(key).kind for key in execution.ancestors(tool)]
    assert around == [
        NodeKind.RUN,
        NodeKind.SUB_AGENT,
        NodeKind.TOOL_CALL,
        NodeKind.RUN,
        NodeKind.TASK,
        NodeKind.TASK,
        NodeKind.RUN,
        NodeKind.TASK,
        NodeKind.RUN,
    ]
    assert {node.state for _, node in execution.nodes()} == {RunState.COMPLETED}
    assert execution.node((OUTER, "/done")).origin == Origin(OriginKind.REUSED, EARLIER)


async def test_an_execution_is_followed_once_whichever_nodes_say_that_they_stand_for_it() -> None:
    """An execution may even say it of itself."""
    tasks = [
        WorkflowTask(task_id=f"/{name}", metadata=to_struct({"child": child}))
        for name, child in (("a", OUTER), ("b", INNER))
    ]
    running = WorkflowExecutionStatus(phase=Phase.IN_PROGRESS.for_workflow, tasks=tasks)
    ended = FollowResponse(workflow_delta=WorkflowExecutionDelta(phase=Phase.COMPLETED.for_workflow))
    snapshot = FollowResponse(workflow_snapshot=WorkflowExecution(status=running))
    execution, followed = await replay([(OUTER, snapshot), (INNER, snapshot), (INNER, ended), (OUTER, ended)])
    assert followed == [OUTER, INNER]
    assert [key for key, node in execution.nodes() if node.kind is NodeKind.RUN] == [(OUTER,), (OUTER, "/b", INNER)]


async def test_in_the_pane() -> None:
    execution, _ = await replay(RECORDING)
    assert drawn(Transcript(execution)) == dedent("""\
        ✓ read            set                                                       1 ms
        ✓ settle          run    settle-order                                      83 ms
          ✓ each          for    1 of 1                                            77 ms
            ✓ 0/ask       agent  clerk                                             75 ms
              ┃ I ask the researcher.
              ✓ delegate  researcher  It costs 3.50.                               31 ms
                ✓ resea…  agent  What does the item cost?                          29 ms
              ✓ delegate  checker  yes                                              5 ms
                ✓ check…  agent  Is that so?                                        3 ms
              ┃ Order 7 is settled.
        ✓ done            set      reused                                           1 ms

        Output
        ┃ {"settled": 7}""")


async def test_a_sub_agent_unfolds_to_what_it_said_and_did() -> None:
    execution, _ = await replay(RECORDING)
    lines = [line.split("   ")[0] for line in map(str.strip, drawn(Transcript(execution), is_open=True).splitlines())]
    first = lines.index("✓ resea…  agent  What does the item cost?")
    assert lines[first + 1 : first + 5] == [
        "┃ input",
        "┃ What does the item cost?",
        "✓ rea…  /prices.csv  3.50",
        "┃ It costs 3.50.",
    ]


async def test_in_the_tree() -> None:
    execution, _ = await replay(RECORDING)
    assert drawn(TaskTree(execution)) == dedent("""\
        ✓ read            set                                                       1 ms
        ✓ settle          run    settle-order                                      83 ms
          ✓ each          for    1 of 1                                            77 ms
            ✓ 0                                                                    75 ms
              ✓ ask       agent  clerk                                             75 ms
                ✓ deleg…  researcher  It costs 3.50.                               31 ms
                  ✓ res…  agent  What does the item cost?                          29 ms
                ✓ deleg…  checker  yes                                              5 ms
                  ✓ che…  agent  Is that so?                                        3 ms
        ✓ done            set      reused                                           1 ms""")


async def test_whoever_looks_after_each_response_sees_the_same_as_at_the_end() -> None:
    readers: list[Reader] = []

    def look(execution: Execution) -> None:
        if not readers:
            readers.extend(Reader(view(execution)) for view in (Transcript, TaskTree))
        for reader in readers:
            reader.read()

    execution, _ = await replay(RECORDING, look)
    assert [entry.key for entry in readers[1].outline] == [entry.key for entry in read(TaskTree(execution))]


def read(outline: Outline) -> Outline:
    outline.refresh()
    return outline


async def lines_of(is_live: bool) -> str:
    out = io.StringIO()
    printed: list[RunLines] = []

    def look(execution: Execution) -> None:
        if not printed:
            printed.append(RunLines(execution, LineWriter(out.write)))
        if is_live or execution.state.is_final:
            printed[0].update()

    await replay(RECORDING, look)
    return out.getvalue()


@pytest.mark.parametrize("is_live", [True, False], ids=["as it happens", "all at once"])
async def test_in_lines(is_live: bool) -> None:
    assert await lines_of(is_live) == dedent("""\
        ▶️  Execution started
        ⚙️ Task: read [Running]
        ✓ Task: read [Completed]
        ⚙️ Task: settle [Running]
           ⚙️ Task: each [Running]
           ⚙️ Task: each/0/ask [Running]
              💬 You: Settle order 7
              🤖 Agent: I ask the researcher.
              🔧 Tool: delegate [Running]
                 🤖 Sub-agent: researcher [Running]
                    💬 You: What does the item cost?
                    🔧 Tool: read_file [Running]
                    ✓ Tool: read_file [Completed]
                    🤖 Agent: It costs 3.50.
                 ✓ Sub-agent: researcher [Completed]
              ✓ Tool: delegate [Completed]
              🔧 Tool: delegate [Running]
                 🤖 Sub-agent: checker [Running]
                    🔧 Tool: grep [Running]
                    ✓ Tool: grep [Completed]
                 ✓ Sub-agent: checker [Completed]
              ✓ Tool: delegate [Completed]
              🤖 Agent: Order 7 is settled.
           ✓ Task: each/0/ask [Completed]
           ✓ Task: each [Completed]
        ✓ Task: settle [Completed]
        ⚙️ Task: done [Running]
        ✓ Task: done [Completed]
        """)


async def test_in_events() -> None:
    out = io.StringIO()
    output = JsonOutput(out, io.StringIO(), Redactor([]), FixedClock())
    await replay(RECORDING, lambda execution: output.take(RunChanged(execution)))
    events: list[dict[str, Any]] = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {event["id"]: event["path"] for event in events if event["event"] == "tool_call"} == {
        "c1": [*CLERK_PATH],
        "k1": [*CLERK_PATH, "c1", "s1", RESEARCHER],
        "c2": [*CLERK_PATH],
        "k2": [*CLERK_PATH, "c2", "s2"],
    }
    assert [event for event in events if event.get("execution_id") == RESEARCHER and event["state"] == "completed"] == [
        {
            "event": "sub_agent",
            "time": "2026-11-21T10:00:04.200Z",
            "id": "s1",
            "name": "researcher",
            "state": "completed",
            "input": "What does the item cost?",
            "output": "It costs 3.50.",
            "error": "",
            "execution_id": RESEARCHER,
            "path": [*CLERK_PATH, "c1"],
            "task": "/each/0/ask",
        }
    ]
    said = [(event["path"][-1], event["text"]) for event in events if event["event"] == "message"]
    assert said == [
        (CLERK, "Settle order 7"),
        (CLERK, "I ask the researcher."),
        (RESEARCHER, "What does the item cost?"),
        (RESEARCHER, "It costs 3.50."),
        (CLERK, "Order 7 is settled."),
    ]
    grown = [event["keep"] for event in events if event["event"] == "text" and event["path"][-1] == CLERK]
    assert grown == [0, 0, 5, 0]
    (reused,) = (event for event in events if "origin" in event)
    assert (reused["id"], reused["origin"], reused["origin_execution_id"]) == ("/done", "reused", EARLIER)
    assert {event["id"] for event in events if event["event"] == "task" and "path" not in event} == {
        "/read",
        "/settle",
        "/done",
    }
