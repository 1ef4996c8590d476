"""Whatever happens and whatever is pressed, the window shows consecutive rows of the outline, as many as it can."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.widgets.viewport import Viewport
from stigmer_tui.tui.widgets.virtual_rows import RowPosition
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, NodeKind, Role
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript
from tests.tui.host import FixedClock
from tests.workbench.trees import change, graft, put, put_message, task, tool_call

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


def happen(execution: Execution, what: str, number: int) -> None:
    nodes = list(execution.nodes())
    calls = [each for _, each in nodes if each.kind is NodeKind.TOOL_CALL]
    runs = [key for key, each in nodes if each.kind is NodeKind.RUN]
    iteration = execution.find((execution.id, f"/each/{number}/a"))
    match what:
        case "say":
            for run in runs:
                put_message(
                    execution, len(execution.messages(run)), Message(Role.AGENT, TEXTS[number % len(TEXTS)]), run
                )
        case "grow" if execution.messages():
            last = execution.messages()[-1]
            put_message(execution, len(execution.messages()) - 1, replace(last, text=last.text + "\n\nmore\n- and"))
        case "replace" if execution.messages():
            index = number % len(execution.messages())
            put_message(execution, index, Message(Role.AGENT, TEXTS[(number + index) % len(TEXTS)]))
        case "call":
            put(execution, tool_call(f"c{len(calls)}", "grep", {"n": number}, RunState.RUNNING))
        case "end call" if calls:
            state = RunState.FAILED if number % 2 else RunState.COMPLETED
            call = calls[number % len(calls)]
            put(execution, replace(call, state=state, output="one\ntwo\nthree", error="no\nway"))
        case "task":
            put(execution, task("/each", "each", "for", RunState.RUNNING))
            put(execution, task(f"/each/{number}/a", "a", "agent", RunState.RUNNING, "/each"))
        case "end task" if iteration:
            put(execution, replace(iteration, state=RunState.FAILED, error="it\nfailed", output={"a": [1, {"b": 2}]}))
        case "child" if iteration and not iteration.child:
            child = Execution(ResourceKind.AGENT, f"agx_{number}", "helper", state=RunState.RUNNING)
            graft(execution, iteration.id, child)
        case "end":
            change(execution, state=RunState.FAILED, error="it\nended")


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
    of = ResourceKind.AGENT if kind == "agent" else ResourceKind.WORKFLOW
    execution = Execution(of, "x_1", "tally", state=RunState.RUNNING)
    outline: Outline = TaskTree(execution) if kind == "tree" else Transcript(execution)
    window = Viewport(outline, FixedClock(), UNICODE)
    window.resize(40, HEIGHT)
    for what, number in taken:
        happen(execution, what, number)
        window.update()
        move(window, what, number)
        if number % 5 == 0:
            # Not each time: it draws everything, and what was never drawn must not matter.
            check(window)
    check(window)
