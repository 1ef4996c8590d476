"""The log screen, on files as the processes write them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from textual.pilot import Pilot

from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.paths import Home
from stigmer_tui.tui.screens.logs import LogScreen
from stigmer_tui.workbench.daemon_logs import LogLine
from stigmer_tui.workbench.state import WorkbenchState
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp
from tests.tui.workbench import screen_text

AGENT_RUN, WORKFLOW_RUN = states.RUNS[1].id, states.RUNS[0].id

LINES = (
    LogLine("2026-11-28T12:00:01.000000Z", "info", "server", "listening at 127.0.0.1:50051"),
    LogLine("2026-11-28T12:00:02.000000Z", "info", "workflow-runner", "began a task", execution=WORKFLOW_RUN),
    LogLine(
        "2026-11-28T12:00:03.000000Z",
        "error",
        "workflow-runner",
        "the task failed",
        "Traceback\n  tea.py",
        WORKFLOW_RUN,
    ),
    LogLine("2026-11-28T12:00:04.000000Z", "warning", "server", "nobody looks"),
)


def write(home: Home, *lines: LogLine) -> None:
    home.prepare()
    for line in lines:
        with home.log(line.component).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")


async def shows(app: StagedApp, *texts: str, without: str = "") -> str:
    """The screen, once it shows all of these; log files have no other way to say that they were read."""
    async with asyncio.timeout(60):
        while not all(text in (shown := screen_text(app)) for text in texts) or (without and without in shown):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return shown


@asynccontextmanager
async def logs(
    folder: Path, keys: str = "l", state: Callable[[], WorkbenchState] = states.running_workflow
) -> AsyncIterator[tuple[StagedApp, Pilot[int]]]:
    home = Home(folder)
    write(home, *LINES)
    app = StagedApp(state())
    app.stage.configuration = Configuration(home)
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await press(pilot, *keys)
        assert isinstance(app.screen, LogScreen)
        yield app, pilot


async def test_all_lines_of_all_processes_in_the_order_of_time(tmp_path: Path) -> None:
    async with logs(tmp_path) as (app, _):
        shown = await shows(app, "nobody looks")
        order = [shown.index(line.message) for line in LINES]
        assert order == sorted(order)
        assert "4 lines · following" in shown
        assert "the task failed  +2 lines" in shown


async def test_new_lines_come_to_the_end(tmp_path: Path) -> None:
    async with logs(tmp_path) as (app, pilot):
        await shows(app, "nobody looks")
        write(Home(tmp_path), LogLine("2026-11-28T12:00:05.000000Z", "info", "agent-runner", "somebody came"))
        await shows(app, "somebody came", "5 lines · following")
        await press(pilot, "k")
        assert "not following" in screen_text(app)
        await press(pilot, "f")
        assert "not following" not in screen_text(app)


async def test_the_selected_line_is_shown_whole(tmp_path: Path) -> None:
    async with logs(tmp_path) as (app, pilot):
        await shows(app, "nobody looks")
        await press(pilot, "k")
        shown = screen_text(app)
        assert "Traceback" in shown and "  tea.py" in shown and WORKFLOW_RUN in shown


async def test_lines_are_chosen_by_process_level_and_text(tmp_path: Path) -> None:
    async with logs(tmp_path) as (app, pilot):
        await shows(app, "nobody looks")
        await press(pilot, "c")
        assert "server · all levels" in screen_text(app)
        assert "began a task" not in screen_text(app)
        await press(pilot, "l", "l")
        shown = screen_text(app)
        assert "server · warning and above" in shown and "listening" not in shown and "nobody looks" in shown
        await press(pilot, "/", *"TEA")
        assert "No line matches" in screen_text(app)
        await press(pilot, "escape", "/", *"nobody", "enter")
        assert "1 of 4 lines" in screen_text(app)


async def test_from_a_run_to_its_lines_and_back(tmp_path: Path) -> None:
    async with logs(tmp_path, "2l") as (app, pilot):
        shown = await shows(app, "the task failed", WORKFLOW_RUN)
        assert "listening" not in shown
        app.stage.found = {WORKFLOW_RUN: states.RUNS[0]}
        await press(pilot, "enter")
        await settle(pilot)
        assert app.screen is app.main
        assert app.asked == [f"find {WORKFLOW_RUN}", f"open {WORKFLOW_RUN}"]


async def test_from_a_line_to_all_lines_of_its_run_and_back(tmp_path: Path) -> None:
    async with logs(tmp_path) as (app, pilot):
        await shows(app, "nobody looks")
        await press(pilot, "x")
        assert "4 lines" in screen_text(app), "this line is about no run"
        await press(pilot, "k", "x")
        await shows(app, "2 lines", without="nobody looks")
        await press(pilot, "x")
        await shows(app, "nobody looks")
        await press(pilot, "escape")
        assert app.screen is app.main


async def test_a_run_without_lines_says_so(tmp_path: Path) -> None:
    async with logs(tmp_path, "2l", states.failed_agent) as (app, pilot):
        await shows(app, "0 lines", "No line about this run")
        await press(pilot, "x")
        await shows(app, "nobody looks", without="No line about")


async def test_there_may_be_no_log_yet(tmp_path: Path) -> None:
    app = StagedApp(states.LISTED)
    app.stage.configuration = Configuration(Home(tmp_path / "new"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "l")
        await shows(app, "0 lines", "No line yet: the daemon writes the first one when it starts")
        await press(pilot, "j", "k", "g", "G", "enter", "x", "c", "l", "q")
        assert app.screen is app.main
