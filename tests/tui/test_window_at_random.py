"""Whatever happens and whatever is pressed, the window shows consecutive rows of the outline, as many as it can."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.widgets.viewport import Viewport
from stigmer_tui.tui.widgets.virtual_rows import RowPosition
from stigmer_tui.workbench.model import Execution, Message, ResourceKind, Role, RunState, Task, ToolCall
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.task_tree import task_tree
from stigmer_tui.workbench.transcript import transcript
from tests.tui.host import FixedClock

HEIGHT = 6

TEXTS = ("one row", "- a\n- b\n- c", "```\ncode\n\n```\n\nand " + "words " * 40, "[ref]: nothing", "\n", "x" * 300)

happenings = st.sampled_from(["say", "grow", "replace", "call", "end call", "task", "end task", "child", "end"])
moves = st.sampled_from(
    [
        "next",
        "previous",
        "first",
        "last",
        "up",
        "down",
        "page up",
        "page down",
        "click",
        "fold",
        "follow",
        "drag",
        "size",
    ]
)
steps = st.lists(st.tuples(happenings | moves, st.integers(0, 9)), min_size=20, max_size=60)


def happen(execution: Execution, child: Execution, what: str, number: int) -> None:
    match what:
        case "say":
            for run in (execution, child):
                run.put_message(len(run.messages), Message(Role.AGENT, TEXTS[number % len(TEXTS)]))
        case "grow" if execution.messages:
            last = execution.messages[-1]
            execution.put_message(len(execution.messages) - 1, replace(last, text=last.text + "\n\nmore\n- and"))
        case "replace" if execution.messages:
            index = number % len(execution.messages)
            execution.put_message(index, Message(Role.AGENT, TEXTS[(number + index) % len(TEXTS)]))
        case "call":
            execution.put_call(ToolCall(f"c{len(execution.calls)}", "grep", {"n": number}, RunState.RUNNING))
        case "end call" if execution.calls:
            call = list(execution.calls.values())[number % len(execution.calls)]
            state = RunState.FAILED if number % 2 else RunState.COMPLETED
            execution.put_call(replace(call, state=state, result="one\ntwo\nthree", error="no\nway"))
        case "task":
            execution.put_task(Task("/each", "each", "for", RunState.RUNNING))
            execution.put_task(Task(f"/each/{number}/a", "a", "agent", RunState.RUNNING, "/each"))
        case "end task" if f"/each/{number}/a" in execution.tasks:
            task = execution.tasks[f"/each/{number}/a"]
            execution.put_task(replace(task, state=RunState.FAILED, error="it\nfailed", output={"a": [1, {"b": 2}]}))
        case "child" if f"/each/{number}/a" in execution.tasks and not execution.children:
            execution.put_child(f"/each/{number}/a", child)
        case "end":
            execution.state = RunState.FAILED
            execution.error = "it\nended"
            execution.touch()


def move(window: Viewport, what: str, number: int) -> None:
    match what:
        case "next":
            window.select_next()
        case "previous":
            window.select_previous()
        case "first":
            window.select_first()
        case "last":
            window.select_last()
        case "up":
            window.scroll(-1 - number)
        case "down":
            window.scroll(1 + number)
        case "page up":
            window.scroll(-HEIGHT)
        case "page down":
            window.scroll(HEIGHT)
        case "click":
            window.select_at(number)
        case "fold":
            window.toggle()
        case "follow":
            window.scroll_to_end()
        case "drag":
            window.scroll_to(number / 9)
        case "size":
            window.resize(20 + 5 * number, HEIGHT)


def check(window: Viewport) -> None:
    shown = [line.place for line in window.lines]
    every = [line.place for line in window._sheet.down(RowPosition())]
    assert len(shown) == min(HEIGHT, len(every))
    assert window._sheet.height == len(every), "all has been drawn, so all heights are known"
    if shown:
        start = every.index(shown[0])
        assert every[start : start + len(shown)] == shown
    if window.is_following:
        assert shown[-1:] == every[-1:]
    thumb = window.thumb()
    if thumb is not None:
        first, size = thumb
        assert 0 <= first <= first + size <= HEIGHT
    if window.selected is not None:
        assert window.outline.key(window.outline.index(window.selected)) == window.selected


@given(steps, st.sampled_from(["agent", "workflow", "tree"]))
@settings(max_examples=150, deadline=None)
def test_the_window_is_always_whole(taken: list[tuple[str, int]], kind: str) -> None:
    child = Execution(ResourceKind.AGENT, "agx_2", "helper", state=RunState.RUNNING)
    of = ResourceKind.AGENT if kind == "agent" else ResourceKind.WORKFLOW
    execution = Execution(of, "x_1", "tally", state=RunState.RUNNING)
    outline: Outline = task_tree(execution) if kind == "tree" else transcript(execution)
    window = Viewport(outline, FixedClock(), UNICODE)
    window.resize(40, HEIGHT)
    for what, number in taken:
        happen(execution, child, what, number)
        window.update()
        move(window, what, number)
        if number % 5 == 0:
            # Not each time: it draws everything, and what was never drawn must not matter.
            check(window)
    check(window)
