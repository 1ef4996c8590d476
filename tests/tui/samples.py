"""Executions for the tests of the screen: small ones of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stigmer_tui.workbench.model import Execution, Message, ResourceKind, Role, RunState, Task, ToolCall

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
        ToolCall(
            "c1",
            "read_file",
            {"path": "/notes.md", "limit": 50},
            RunState.COMPLETED,
            result="# Notes\n\nBuy an item.\nSell it.\n",
            started_at=at(1),
            completed_at=at(1.003),
        ),
        ToolCall(
            "c2",
            "execute",
            {"command": "ls /srv"},
            RunState.FAILED,
            error="ls: cannot access '/srv': No such file or directory\nexit code 2",
            started_at=at(1.1),
            completed_at=at(1.118),
        ),
        ToolCall("c3", "grep", {"pattern": "item", "path": "/"}, RunState.RUNNING, started_at=at(1.2)),
    ]
    for call in calls[: 3 if state is RunState.RUNNING else 2]:
        execution.put_call(call)
    for message in (
        Message(Role.HUMAN, "What do my notes say?", START),
        Message(Role.AGENT, "I will read them first.", at(0.5), model="scripted"),
        Message(Role.TOOL, "", at(1), calls=("c1",)),
        Message(Role.TOOL, "", at(1.1), calls=("c2",)),
        Message(Role.AGENT, ANSWER, at(1.2), model="scripted"),
    ):
        execution.put_message(len(execution.messages), message)
    if state.is_final:
        execution.completed_at = at(3)
        execution.error = "The model refused to go on: quota exceeded" if state is RunState.FAILED else ""
    execution.touch()
    return execution


def child_execution() -> Execution:
    child = Execution(ResourceKind.AGENT, "agx_2", "helper", state=RunState.RUNNING, started_at=at(0.02))
    child.put_call(
        ToolCall("k1", "read_file", {"path": "/prices.csv"}, RunState.COMPLETED, "3.50", "", at(0.3), at(0.302))
    )
    child.put_message(0, Message(Role.HUMAN, "Say something kind about an item", at(0.02)))
    child.put_message(1, Message(Role.TOOL, "", at(0.3), calls=("k1",)))
    text = "The item is called “an item”, it is the third of three, and its price has not changed since"
    child.put_message(2, Message(Role.AGENT, text, at(0.5), model="scripted"))
    return child


def workflow_execution(state: RunState = RunState.RUNNING) -> Execution:
    """The workflow of the design: a greeting, a request, an agent, a loop, a failure, a result."""
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=state, started_at=START)
    tasks = [
        Task(
            "/greet",
            "greet",
            "set",
            RunState.COMPLETED,
            output={"hello": "world"},
            started_at=START,
            completed_at=at(0.001),
        ),
        Task(
            "/fetch",
            "fetch",
            "http",
            RunState.COMPLETED,
            detail="GET 127.0.0.1:18080/item.json  200  1.3 kB",
            output={"id": 3, "title": "an item", "tags": ["new", "third"], "stock": {"here": 4, "there": [1, 2]}},
            started_at=at(0.001),
            completed_at=at(0.013),
        ),
        Task("/answer", "answer", "agent", RunState.RUNNING, detail="helper", child="agx_2", started_at=at(0.02)),
        Task("/each", "each", "for", RunState.RUNNING, detail="3 of 40", started_at=at(0.03)),
    ]
    for number in range(2):
        failed = number == 1
        tasks += [
            Task(
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
    tasks.append(Task("/each/2/charge", "charge", "http", RunState.RUNNING, parent="/each", started_at=at(2)))
    tasks.append(Task("/result", "result", "set", RunState.PENDING))
    for task in tasks:
        execution.put_task(task)
    execution.put_child("/answer", child_execution())
    return execution
