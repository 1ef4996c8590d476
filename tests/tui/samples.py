"""Executions for the tests of the screen: small ones of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, Role
from tests.workbench.trees import change, graft, put, put_message, task, tool_call

START = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)

ANSWER = """\
## What the notes say

There are **two** things to do, and `notes.md` names them:

1. Buy *an item*, the third of three
2. Sell it
   - not before noon

```python
def price(item: Item) -> float:
    '''In euros.'''
    return item.price * 1.19  # with tax
```

| item | price |
|---|---:|
| first | 1.50 |
| third | 12.00 |

> Quoted from [the notes](notes.md).

That is"""


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def agent_execution(state: RunState = RunState.RUNNING) -> Execution:
    """Somebody asks for the notes; the agent reads them, fails to list a folder, and answers in Markdown."""
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=state, started_at=START)
    calls = [
        tool_call(
            "c1",
            "read_file",
            {"path": "/notes.md", "limit": 50},
            RunState.COMPLETED,
            result="# Notes\n\nBuy an item.\nSell it.\n",
            started_at=at(1),
            completed_at=at(1.003),
        ),
        tool_call(
            "c2",
            "execute",
            {"command": "ls /srv"},
            RunState.FAILED,
            error="ls: cannot access '/srv': No such file or directory\nexit code 2",
            started_at=at(1.1),
            completed_at=at(1.118),
        ),
        tool_call("c3", "grep", {"pattern": "item", "path": "/"}, RunState.RUNNING, started_at=at(1.2)),
    ]
    for call in calls[: 3 if state is RunState.RUNNING else 2]:
        put(execution, call)
    for message in (
        Message(Role.HUMAN, "What do my notes say?", START),
        Message(Role.AGENT, "I will read them first.", at(0.5), model="scripted"),
        Message(Role.TOOL, "", at(1), calls=("c1",)),
        Message(Role.TOOL, "", at(1.1), calls=("c2",)),
        Message(Role.AGENT, ANSWER, at(1.2), model="scripted"),
    ):
        put_message(execution, len(execution.messages()), message)
    if state.is_final:
        error = "The model refused to go on: quota exceeded" if state is RunState.FAILED else ""
        change(execution, completed_at=at(3), error=error)
    return execution


def child_execution() -> Execution:
    child = Execution(ResourceKind.AGENT, "agx_2", "helper", state=RunState.RUNNING, started_at=at(0.02))
    put(
        child, tool_call("k1", "read_file", {"path": "/prices.csv"}, RunState.COMPLETED, "3.50", "", at(0.3), at(0.302))
    )
    put_message(child, 0, Message(Role.HUMAN, "Say something kind about an item", at(0.02)))
    put_message(child, 1, Message(Role.TOOL, "", at(0.3), calls=("k1",)))
    text = "The item is called “an item”, it is the third of three, and its price has not changed since"
    put_message(child, 2, Message(Role.AGENT, text, at(0.5), model="scripted"))
    return child


def workflow_execution(state: RunState = RunState.RUNNING, execution_id: str = "wfx_1") -> Execution:
    """The workflow of the design: a greeting, a request, an agent, a loop, a failure, a result."""
    execution = Execution(ResourceKind.WORKFLOW, execution_id, "tally", state=state, started_at=START)
    tasks = [
        task(
            "/greet",
            "greet",
            "set",
            RunState.COMPLETED,
            output={"hello": "world"},
            started_at=START,
            completed_at=at(0.001),
        ),
        task(
            "/fetch",
            "fetch",
            "http",
            RunState.COMPLETED,
            detail="GET 127.0.0.1:18080/item.json  200  1.3 kB",
            output={"id": 3, "title": "an item", "tags": ["new", "third"], "stock": {"here": 4, "there": [1, 2]}},
            started_at=at(0.001),
            completed_at=at(0.013),
        ),
        task("/answer", "answer", "agent", RunState.RUNNING, detail="helper", child="agx_2", started_at=at(0.02)),
        task("/each", "each", "for", RunState.RUNNING, detail="3 of 40", started_at=at(0.03)),
    ]
    for number in range(2):
        failed = number == 1
        tasks += [
            task(
                f"/each/{number}/charge",
                "charge",
                "http",
                RunState.FAILED if failed else RunState.COMPLETED,
                parent="/each",
                detail="POST 127.0.0.1:18080/charge  500",
                error="HTTP 500 from POST 127.0.0.1:18080/charge: out of stock" if failed else "",
                input={"method": "POST", "order": number},
                attempt=5 if failed else 1,
                started_at=at(0.04 + number),
                completed_at=at(0.5 + number),
            ),
        ]
    tasks.append(task("/each/2/charge", "charge", "http", RunState.RUNNING, parent="/each", started_at=at(2)))
    tasks.append(task("/result", "result", "set", RunState.PENDING))
    put(execution, *tasks)
    graft(execution, "/answer", child_execution())
    return execution
