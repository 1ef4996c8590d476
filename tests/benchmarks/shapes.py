"""What is measured: streams of events as a run makes them, and Markdown of every shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, Node, NodeKind, PutMessage, PutNode, Role

START = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
SAYING = "the item is called an item and its price has not changed since the third of **three** was `sold` at noon"
WORDS = SAYING.split()


def new_execution() -> Execution:
    return Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING, started_at=START)


def run_events(execution: Execution) -> Iterator[None]:
    """Endless; each step is one event: an agent says some fifteen words, one at a time, then uses a tool."""
    number, run = 0, execution.root_key
    while True:
        index = len(execution.messages())
        text = ""
        for word in range(15):
            text += WORDS[(number + word) % len(WORDS)] + " "
            execution.apply(PutMessage(index, Message(Role.AGENT, text, START), run))
            yield
        execution.apply(PutMessage(index + 1, Message(Role.TOOL, "", START, calls=(f"c{number}",)), run))
        yield
        call = Node(
            f"c{number}",
            NodeKind.TOOL_CALL,
            "read_file",
            state=RunState.RUNNING,
            input={"path": f"/notes-{number}.md"},
            started_at=START,
        )
        execution.apply(PutNode(call, run))
        yield
        end = START + timedelta(milliseconds=3)
        ended = replace(call, state=RunState.COMPLETED, output="one\ntwo\n", completed_at=end)
        execution.apply(PutNode(ended, run))
        yield
        number += 1


def line_events(execution: Execution) -> Iterator[None]:
    """Endless; each event is an entry of its own, as in a log."""
    number, run = 0, execution.root_key
    while True:
        text = f"line {number} of a long log, about sixty characters wide"
        execution.apply(PutMessage(number, Message(Role.AGENT, text, START), run))
        number += 1
        yield


def execution_of(events: int, source: Callable[[Execution], Iterator[None]] = run_events) -> Execution:
    execution = new_execution()
    steps = source(execution)
    for _ in range(events):
        next(steps)
    return execution


def _sentence(number: int) -> str:
    return (
        f"The item number {number} is called **an item**, it is `third` of three, "
        f"and its [price](http://example.org/{number}) has not changed. "
    )


def _function(number: int) -> str:
    return (
        f"def function_{number}(count: int) -> str:\n"
        f'    """Says it {number} times.\n\n    No more than that.\n    """\n'
        f'    for turn in range({number}):\n        print(f"{{turn}} of {number}", count)  # say it\n'
        "    return str(count)\n\n"
    )


def _mixed(number: int) -> str:
    return (
        f"## Heading {number}\n\n{_sentence(number) * 4}\n\n- one {number}\n- two **bold**\n- three `code`\n\n"
        f"```python\n{_function(number)}```\n\n| a | b |\n|---|---|\n| {number} | x |\n| y | `z` |\n\n"
    )


MARKDOWN: dict[str, tuple[str, Callable[[int], str]]] = {
    "mixed": ("", _mixed),
    "one fence": ("```python\n", _function),
    "one docstring in a fence": ('```python\n"""\n', lambda n: f"Some text of a very long docstring, line {n}.\n"),
    "one paragraph": ("", _sentence),
    "one list": ("", lambda n: f"- item {n} with **bold** words and `code` in it\n"),
    "one nested list": ("", lambda n: f"{'  ' * (n % 5)}- item {n} with **bold** words and `code`\n"),
    "one table": (
        "| name | number | note |\n|---|---:|---|\n",
        lambda n: f"| item {n} | {n} | a **note** on `{n}` |\n",
    ),
    "one quotation": ("", lambda n: f"> {_sentence(n)}\n"),
    "one line of CJK": (
        "",
        lambda n: f"第{n}項は「項目」と呼ばれ、**三つ**のうちの三番目です。価格は変わっていません。",
    ),
    "one line of JSON": ("```json\n", lambda n: f'{{"id": {n}, "name": "item {n}"}}, '),
}


def markdown(shape: str, size: int = 100_000) -> str:
    start, unit = MARKDOWN[shape]
    parts, length, number = [start], len(start), 0
    while length < size:
        parts.append(unit(number))
        length += len(parts[-1])
        number += 1
    return "".join(parts)[:size]
