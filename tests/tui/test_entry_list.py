"""The list of entries in an app: keys, mouse, copying, and how little it paints."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events
from textual.geometry import Region

from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, NodeKind, Role
from stigmer_tui.workbench.outline import Nothing
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript
from tests.tui.hands import press
from tests.tui.host import Host
from tests.tui.samples import at
from tests.workbench.trees import node, put, put_message, tool_call

SIZE = (60, 10)


def calls(count: int, state: RunState = RunState.COMPLETED) -> Execution:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)
    for _ in range(count):
        add_call(execution, state)
    return execution


def add_call(execution: Execution, state: RunState = RunState.COMPLETED) -> None:
    index = execution.count(NodeKind.TOOL_CALL).total()
    result = "one\ntwo" if state is RunState.COMPLETED else ""
    put(execution, tool_call(f"c{index}", f"call{index}", {"n": index}, state, result, started_at=at(0)))


def rows(app: Host) -> list[str]:
    entries = app.entries
    strips = entries.render_lines(Region(0, 0, *entries.size))
    return [strip.text.rstrip() for strip in strips]


def ticks(app: Host) -> bool:
    return app.entries._ticker is not None


def selected(app: Host) -> str:
    """The name in the row with the bar."""
    return next((row.split()[2] for row in rows(app) if row.startswith("▌")), "")


async def test_keys_move_the_selection() -> None:
    app = Host(Transcript(calls(30)))
    async with app.run_test(size=SIZE) as pilot:
        for keys, name in (
            ("k", "call29"),
            ("up", "call28"),
            ("j", "call29"),
            ("g", "call0"),
            ("down", "call1"),
            ("home", "call0"),
            ("G", "call29"),
            ("end", "call29"),
        ):
            await press(pilot, keys)
            assert selected(app) == name


async def test_keys_scroll() -> None:
    app = Host(Transcript(calls(30)))
    async with app.run_test(size=SIZE) as pilot:
        for key, name in (
            ("ctrl+u", "call16"),
            ("ctrl+u", "call12"),
            ("ctrl+d", "call16"),
            ("pageup", "call7"),
            ("pagedown", "call16"),
        ):
            await press(pilot, key)
            assert rows(app)[0].split()[1] == name


async def test_f_follows_and_stops_following() -> None:
    execution = calls(30)
    outline = Transcript(execution)
    app = Host(outline)
    async with app.run_test(size=SIZE) as pilot:
        assert app.entries.is_following
        await press(pilot, "f")
        add_call(execution)
        app.entries.update(outline)
        assert rows(app)[-1].split()[1] == "call29"
        await press(pilot, "f")
        assert rows(app)[-1].split()[1] == "call30"


@pytest.mark.parametrize("key", ["x", "enter"])
async def test_x_and_enter_fold_and_unfold(key: str) -> None:
    app = Host(Transcript(calls(2)))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "k", key)
        assert "▌ ┃ one" in rows(app)
        await press(pilot, key)
        assert not any("┃" in row for row in rows(app))


async def test_y_asks_for_a_copy_of_the_whole_entry() -> None:
    app = Host(Transcript(calls(2)))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "y")
        assert app.copied == []
        await press(pilot, "k", "y")
        assert app.copied == ['call1 {\n  "n": 1\n}\n\none\ntwo']


async def test_only_what_can_be_done_is_offered() -> None:
    execution = calls(1, RunState.PENDING)
    put(execution, replace(node(execution, "c0"), input={}))
    app = Host(Transcript(execution))
    async with app.run_test(size=SIZE) as pilot:

        def offered() -> set[str]:
            bindings = app.screen.active_bindings.values()
            return {active.binding.id or "" for active in bindings if active.enabled and active.node is app.entries}

        assert not {"entries.fold", "entries.copy"} & offered()
        await press(pilot, "k")
        assert {"entries.fold", "entries.copy"} & offered() == {"entries.copy"}
        put(execution, replace(node(execution, "c0"), output="text"))
        app.entries.update(app.outline)
        assert {"entries.fold", "entries.copy"} <= offered()


def test_every_binding_has_an_id_and_says_what_it_does() -> None:
    bindings = [binding for binding in EntryList.BINDINGS if not isinstance(binding, tuple)]
    assert len({binding.id for binding in bindings}) == len(bindings)
    assert all(binding.id and binding.description for binding in bindings)


async def test_a_click_selects_and_a_second_one_unfolds() -> None:
    app = Host(Transcript(calls(3)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(app.entries, offset=(10, 1))
        assert selected(app) == "call1"
        assert len([row for row in rows(app) if row]) == 3
        await pilot.click(app.entries, offset=(10, 1))
        assert "▌ ┃ two" in rows(app)
        await pilot.click(app.entries, offset=(10, 9))
        assert selected(app) == "call1"


async def test_the_wheel_scrolls() -> None:
    app = Host(Transcript(calls(30)))
    async with app.run_test(size=SIZE) as pilot:
        wheel = events.MouseScrollUp(app.entries, 5, 5, 0, 0, 0, False, False, False)
        app.entries.post_message(wheel)
        await pilot.pause()
        assert rows(app)[0].split()[1] == "call17"


async def test_the_scroll_bar_can_be_dragged() -> None:
    app = Host(Transcript(calls(100)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.mouse_down(app.entries, offset=(59, 9))
        await pilot.hover(app.entries, offset=(59, 0))
        assert rows(app)[0].split()[1] == "call0"
        await pilot.mouse_up(app.entries, offset=(59, 0))
        await pilot.hover(app.entries, offset=(59, 5))
        assert rows(app)[0].split()[1] == "call0"


async def test_text_selected_with_the_mouse_is_copied_without_the_signs_around_it() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.COMPLETED)
    put_message(execution, 0, Message(Role.AGENT, "- first item\n- second item"))
    app = Host(Transcript(execution))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.mouse_down(app.entries, offset=(6, 1))
        await pilot.hover(app.entries, offset=(11, 2))
        await pilot.mouse_up(app.entries, offset=(11, 2))
        await pilot.pause()
        assert app.screen.get_selected_text() == "first item\n• second"
        assert selected(app) == ""
        await press(pilot, "k", "x")
        await pilot.pause()
        assert app.screen.get_selected_text() is None


async def test_only_rows_that_changed_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    execution = calls(3)
    put_message(execution, 0, Message(Role.AGENT, "Hello"))
    outline = Transcript(execution)
    app = Host(outline)
    async with app.run_test(size=SIZE) as pilot:
        painted: list[Region] = []
        refresh = app.entries.refresh

        def watched(*regions: Region, **options: bool) -> EntryList:
            painted.extend(regions)
            return refresh(*regions, **options)

        monkeypatch.setattr(app.entries, "refresh", watched)
        app.entries.update(outline)
        assert painted == []
        put(execution, replace(node(execution, "c1"), state=RunState.FAILED, output=""))
        put(execution, replace(node(execution, "c2"), output="one\ntwo\nthree"))
        app.entries.update(outline)
        await pilot.pause()
        row = next(y for y, text in enumerate(rows(app)) if "call1" in text)
        assert [(region.y, region.height) for region in painted] == [(row, 4)]


async def test_elapsed_times_tick_only_while_something_runs_in_sight() -> None:
    execution = calls(1, RunState.RUNNING)
    outline = Transcript(execution)
    app = Host(outline)
    async with app.run_test(size=SIZE) as pilot:
        entries = app.entries
        assert rows(app)[0].endswith("4 s …")
        assert ticks(app)
        app.clock.time = at(7)
        entries._tick()
        assert rows(app)[0].endswith("7 s …")
        assert ticks(app)
        put(execution, replace(node(execution, "c0"), state=RunState.COMPLETED, completed_at=at(7)))
        entries.update(outline)
        entries._tick()
        assert rows(app)[0].endswith("7.0 s")
        assert not ticks(app)
        entries.display = False
        await pilot.pause()
        put(execution, replace(node(execution, "c0"), state=RunState.RUNNING))
        entries.update(outline)
        entries._tick()
        assert not ticks(app)


async def test_an_empty_list_says_what_will_be_there() -> None:
    app = Host(Nothing())
    async with app.run_test(size=SIZE) as pilot:
        assert rows(app)[1].strip() == "Nothing has happened yet: enter runs tally."
        app.entries.update(Nothing(), empty="Waiting for the daemon.")
        assert rows(app)[1].strip() == "Waiting for the daemon."
        await press(pilot, "j", "k", "G", "x", "y", "f", "pagedown")


async def test_another_outline_is_shown_from_its_end() -> None:
    app = Host(Transcript(calls(30)))
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "g")
        app.entries.update(Transcript(calls(20)))
        assert rows(app)[-1].split()[1] == "call19"
        assert selected(app) == ""
        app.entries.update(Nothing())
        assert rows(app)[1].startswith("  Nothing")


async def test_of_two_outlines_each_is_found_again_as_it_was_left() -> None:
    execution = calls(30)
    app = Host(Transcript(execution))
    other = TaskTree(execution)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", "x")
        before = rows(app)
        app.entries.update(other)
        assert rows(app)[-1].split()[1] == "call29"
        add_call(execution)
        app.theme = "textual-light"
        await pilot.pause()
        app.entries.update(app.outline)
        assert rows(app) == before
        await press(pilot, "G")
        assert selected(app) == "call30"


async def test_an_outline_that_was_forgotten_is_shown_whole_again() -> None:
    app = Host(Transcript(calls(30)))
    async with app.run_test(size=SIZE):
        for _ in range(3):
            app.entries.update(Transcript(calls(2)))
        app.entries.update(app.outline)
        assert rows(app)[-1].split()[1] == "call29"


async def test_another_theme_and_another_size_are_taken_up() -> None:
    app = Host(Transcript(calls(30)))
    async with app.run_test(size=SIZE) as pilot:
        before = app.entries.render_lines(Region(0, 0, 60, 1))[0]
        app.theme = "textual-light"
        await pilot.pause()
        after = app.entries.render_lines(Region(0, 0, 60, 1))[0]
        assert (before.text, before == after) == (after.text, False)
        await pilot.resize_terminal(40, 20)
        await pilot.pause()
        assert len(rows(app)) == 20
        assert rows(app)[-1].split()[1] == "call29"


async def test_there_is_one_widget_whatever_there_is_to_show() -> None:
    app = Host(Transcript(calls(1_000)))
    async with app.run_test(size=SIZE):
        assert len(app.screen.walk_children()) == 1 + len(app.screen.query("ToastRack, Tooltip"))
