"""The window over a sheet: what it shows, when it follows, what it does with keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.widgets.viewport import Viewport
from stigmer_tui.workbench.conversation import Conversation
from stigmer_tui.workbench.entries import GroupEntry, MessageEntry, NodeEntry
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, Node, NodeKind, Role
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript
from tests.tui.host import FixedClock
from tests.tui.rows import window_text
from tests.workbench.trees import change, graft, put, put_message, task, tool_call


def conversation(count: int, text: str = "text {}") -> Execution:
    """Messages of one row each, but for the first with its heading."""
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.COMPLETED)
    for index in range(count):
        put_message(execution, index, Message(Role.AGENT, text.format(index)))
    return execution


def calls(count: int) -> Execution:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.COMPLETED)
    for index in range(count):
        put(execution, tool_call(f"c{index}", f"call{index}", {"n": index}, RunState.COMPLETED, "one\ntwo\nthree"))
    return execution


def add_call(execution: Execution) -> None:
    index = execution.count(NodeKind.TOOL_CALL).total()
    put(execution, tool_call(f"c{index}", f"call{index}", {"n": index}, RunState.COMPLETED, "x"))


def window_over(outline: Outline, height: int = 5, width: int = 40) -> Viewport:
    window = Viewport(outline, FixedClock(), UNICODE)
    window.resize(width, height)
    window.update()
    return window


def names(window: Viewport) -> list[str]:
    return [entry.node.name for line in window.lines if isinstance(entry := line.view.entry, NodeEntry)]


def follows(window: Viewport) -> bool:
    return window.is_following


def selected_name(window: Viewport) -> str:
    entry = window.selected_entry
    return entry.node.name if isinstance(entry, NodeEntry) else ""


class TestFollowing:
    def test_it_shows_the_end_and_stays_there(self) -> None:
        execution = calls(20)
        window = window_over(Transcript(execution))
        assert names(window)[-1] == "call19"
        add_call(execution)
        window.update()
        assert names(window) == ["call16", "call17", "call18", "call19", "call20"]

    def test_scrolling_up_stops_it_and_scrolling_to_the_end_starts_it_again(self) -> None:
        execution = calls(20)
        window = window_over(Transcript(execution))
        window.scroll(-2)
        add_call(execution)
        window.update()
        assert not follows(window)
        assert names(window)[-1] == "call17"
        window.scroll(100)
        assert follows(window)
        assert names(window)[-1] == "call20"

    def test_scrolling_where_everything_is_in_sight_does_not_stop_it(self) -> None:
        window = window_over(Transcript(calls(3)))
        window.scroll(-1)
        assert follows(window)
        assert names(window) == ["call0", "call1", "call2"]

    def test_the_selection_goes_along_at_the_end(self) -> None:
        execution = calls(5)
        window = window_over(Transcript(execution))
        window.select_last()
        add_call(execution)
        window.update()
        assert selected_name(window) == "call5"

    def test_another_selection_stops_it(self) -> None:
        execution = calls(20)
        window = window_over(Transcript(execution))
        window.select_at(2)
        add_call(execution)
        window.update()
        assert names(window)[-1] == "call19"
        assert selected_name(window) == "call17"


class TestNothingMoves:
    def test_when_something_is_added_above(self) -> None:
        """A conversation below an earlier task grows while a later one is looked at."""
        execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.RUNNING)
        for name in "abcdefgh":
            put(execution, task(f"/{name}", name, "agent", RunState.RUNNING))
        child = graft(execution, "/a", conversation(1))
        window = window_over(Transcript(execution), height=4)
        window.scroll(-1)
        before = window_text(window)
        for index in range(1, 4):
            put_message(execution, index, Message(Role.AGENT, "more\n\nand more"), child)
        window.update()
        assert window_text(window) == before

    def test_when_something_above_turns_out_higher_than_it_was_thought(self) -> None:
        execution = calls(3)
        for index in range(20):
            put_message(execution, index, Message(Role.HUMAN, "- a\n- b\n- c\n- d"))
        window = window_over(Transcript(execution), height=6)
        seen = []
        for _ in range(15):
            window.scroll(-1)
            seen.append(window_text(window).split("\n"))
        for earlier, later in pairwise(seen):
            assert earlier[:-1] == later[1:]

    def test_when_what_is_looked_at_grows(self) -> None:
        execution = conversation(1, "\n\n".join(f"paragraph {number}" for number in range(40)))
        change(execution, state=RunState.RUNNING)
        window = window_over(Transcript(execution))
        window.scroll(-20)
        before = window_text(window)
        last = execution.messages()[-1]
        put_message(execution, 0, replace(last, text=last.text + "\n\nmore"))
        window.update()
        assert window_text(window) == before


class TestMoving:
    def test_next_and_previous_select_and_scroll_no_further_than_needed(self) -> None:
        window = window_over(Transcript(calls(10)))
        window.select_previous()
        assert selected_name(window) == "call9"
        for _ in range(5):
            window.select_previous()
        assert selected_name(window) == "call4"
        assert names(window)[0] == "call4"
        window.select_next()
        assert names(window)[0] == "call4"

    def test_first_and_last(self) -> None:
        window = window_over(Transcript(calls(10)))
        window.select_first()
        assert (selected_name(window), names(window)[0], window.is_following) == ("call0", "call0", False)
        window.select_previous()
        assert selected_name(window) == "call0"
        window.select_last()
        assert (selected_name(window), window.is_following) == ("call9", True)
        window.select_next()
        assert selected_name(window) == "call9"

    def test_within_an_entry_that_is_higher_than_the_window_it_scrolls(self) -> None:
        text = "\n\n".join(f"row {number}" for number in range(10))
        window = window_over(Transcript(conversation(2, text)))
        window.select_first()
        first = window.selected
        for _ in range(5):
            window.select_next()
            assert window.selected == first
        window.select_next()
        window.select_next()
        assert window.selected != first

    def test_a_selection_that_was_scrolled_away_is_not_run_after(self) -> None:
        window = window_over(Transcript(calls(30)))
        window.select_last()
        window.scroll(-15)
        window.select_next()
        assert selected_name(window) == names(window)[0]

    def test_scrolling_to_a_share_of_the_whole(self) -> None:
        window = window_over(Transcript(calls(105)))
        window.scroll_to(0.5)
        assert names(window)[0] == "call50"
        window.scroll_to(0)
        assert names(window)[0] == "call0"
        window.scroll_to(1)
        assert follows(window)


class TestThumb:
    def test_there_is_none_when_everything_is_in_sight(self) -> None:
        assert window_over(Transcript(calls(5))).thumb() is None

    @pytest.mark.parametrize("height", [3, 10])
    def test_it_touches_the_ends_only_there(self, height: int) -> None:
        window = window_over(Transcript(calls(100)), height)
        first, size = window.thumb() or (0, 0)
        assert first + size == height
        window.scroll(-1)
        first, size = window.thumb() or (0, 0)
        assert 0 < first < height - size
        window.scroll_to_start()
        assert window.thumb() == (0, size)


class TestFolding:
    def test_it_shows_what_there_is_and_hides_it_again(self) -> None:
        window = window_over(Transcript(calls(3)), 12)
        window.select_at(1)
        folded = window_text(window)
        window.toggle()
        assert window_text(window).split("\n")[1:] == [
            "✓ call1         1  3 lines",
            "┃ arguments",
            '┃ {"n": 1}',
            "┃",
            "┃ result",
            "┃ one",
            "┃ two",
            "┃ three",
            "✓ call2         2  3 lines",
        ]
        window.toggle()
        assert window_text(window) == folded

    def test_the_entry_stays_in_sight_when_it_unfolds_below_the_end(self) -> None:
        window = window_over(Transcript(calls(20)), 9)
        window.select_last()
        window.toggle()
        rows = window_text(window).split("\n")
        assert rows[1] == "✓ call19        19  3 lines"
        assert rows[-1] == "┃ three"

    def test_a_text_folds_to_its_first_line(self) -> None:
        window = window_over(Transcript(conversation(1, "one\n\ntwo")), 9)
        window.select_last()
        window.toggle()
        assert window_text(window) == "Agent\n┃ one  3 lines"

    def test_a_group_hides_what_is_in_it_and_is_stepped_over(self) -> None:
        execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.RUNNING)
        put(execution, task("/each", "each", "for", RunState.COMPLETED))
        for number in range(3):
            put(execution, task(f"/each/{number}/a", "a", "set", RunState.COMPLETED, "/each"))
        window = window_over(TaskTree(execution), 12)
        window.select_at(1)
        assert isinstance(window.selected_entry, GroupEntry)
        window.toggle()
        assert window_text(window).split("\n")[1:4] == ["  ✓ 0", "  ✓ 1", "    ✓ a         set"]
        window.select_next()
        assert isinstance(entry := window.selected_entry, GroupEntry)
        assert entry.name == "1"
        window.select_previous()
        put(execution, task("/each/0/b", "b", "set", RunState.COMPLETED, "/each"))
        window.update()
        assert window_text(window).split("\n")[1:3] == ["  ✓ 0", "  ✓ 1"]
        window.toggle()
        assert window_text(window).split("\n")[1:4] == ["  ✓ 0", "    ✓ a         set", "    ✓ b         set"]

    def test_what_has_nothing_more_to_show_does_not_unfold(self) -> None:
        window = window_over(Transcript(conversation(1, "one line")))
        window.select_last()
        assert not window.is_foldable
        window.toggle()
        assert window_text(window) == "Agent\n┃ one line"


def test_a_growing_text_is_drawn_to_its_end_with_a_cursor() -> None:
    execution = conversation(1, "Hello")
    change(execution, state=RunState.RUNNING)
    window = window_over(Transcript(execution))
    assert window_text(window) == "Agent\n┃ Hello▌"
    put_message(execution, 0, Message(Role.AGENT, "Hello **wor"))
    window.update()
    assert window_text(window) == "Agent\n┃ Hello wor▌"
    put_message(execution, 0, Message(Role.AGENT, "Something else"))
    window.update()
    assert window_text(window) == "Agent\n┃ Something else▌"
    change(execution, state=RunState.COMPLETED)
    window.update()
    assert window_text(window) == "Agent\n┃ Something else"


def test_what_is_not_in_sight_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    execution = conversation(500)
    outline = Transcript(execution)
    entry_of = outline.entry

    def watched(key: bytes) -> object:
        drawn.append(key)
        return entry_of(key)

    monkeypatch.setattr(outline, "entry", watched)
    window = window_over(outline)
    window.scroll(-3)
    assert len(set(drawn)) < 15


def test_another_width_wraps_what_is_in_sight_anew() -> None:
    window = window_over(Transcript(conversation(1, "one two three four five")), width=20)
    assert window_text(window) == "Agent\n┃ one two three four\n┃ five"
    window.resize(40, 5)
    assert window_text(window) == "Agent\n┃ one two three four five"


def test_an_empty_outline_can_be_moved_in_without_harm() -> None:
    window = window_over(Transcript(conversation(0)))
    for move in (window.select_next, window.select_previous, window.select_first, window.select_last, window.toggle):
        move()
    window.scroll(3)
    window.scroll(-3)
    window.scroll_to(0.5)
    assert window.lines == []
    assert window.thumb() is None


def test_a_window_without_rows_can_be_moved_in_without_harm() -> None:
    window = window_over(Transcript(calls(3)), height=0)
    for move in (window.select_next, window.select_previous, window.select_first, window.select_last, window.toggle):
        move()
    window.scroll(3)
    assert window.lines == []


def test_a_text_that_shows_nothing_is_no_end_that_cannot_be_reached() -> None:
    execution = conversation(3)
    put_message(execution, 3, Message(Role.AGENT, "[ref]: http://example.org"))
    window = window_over(Transcript(execution), height=2)
    window.scroll(-1)
    window.scroll(1)
    assert follows(window)
    assert isinstance(window.lines[-1].view.entry, MessageEntry)


def of_one(execution: Execution) -> Conversation:
    conversation = Conversation()
    conversation.extend([execution])
    return conversation


@pytest.mark.parametrize("outline", [Transcript, of_one])
def test_what_happens_in_one_sub_agent_hides_no_other(outline: Callable[[Execution], Outline]) -> None:
    """Within one frame, the next one is called and the first one does something: entries come before it."""
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)

    def sub_agent(name: str, index: int) -> None:
        put_message(execution, index, Message(Role.TOOL, "", calls=(name,)))
        put(execution, Node(name, NodeKind.SUB_AGENT, name, state=RunState.RUNNING, input="Look"))

    sub_agent("first", 0)
    inner = Execution(ResourceKind.AGENT, "agx_2", "first", state=RunState.RUNNING)
    run = graft(execution, "first", inner)
    window = window_over(outline(execution), height=10)
    sub_agent("second", 1)
    put(execution, tool_call("c1", "ls"), tool_call("c2", "grep"), scope=run)
    window.update()
    assert names(window) == ["first", "second"]
    window.select_first()
    window.toggle()
    assert list(dict.fromkeys(names(window))) == ["first", "ls", "grep", "second"]
