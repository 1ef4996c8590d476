"""A long run that ends while the person looks elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from textual import events

from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.local_notification import NotifyBy
from stigmer_tui.core.paths import Home
from stigmer_tui.tui.away_notice import LONG, end_notice, tell_of_end
from stigmer_tui.workbench.events import RunEnded
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from tests.tui import states
from tests.tui.hands import settle
from tests.tui.samples import START
from tests.tui.stage import NOWHERE, StagedApp
from tests.workbench.trees import change


def ended(
    seconds: float = LONG,
    state: RunState = RunState.COMPLETED,
    kind: ResourceKind = ResourceKind.AGENT,
    error: str = "",
) -> Execution:
    execution = Execution(kind, "agx_1", "helper", error=error, started_at=START)
    change(execution, state=state, completed_at=START + timedelta(seconds=seconds))
    return execution


def test_what_is_told() -> None:
    done = end_notice(ended(75))
    assert done and (done.title, done.body, done.is_urgent) == ("helper — COMPLETED", "after 1 m 15 s", False)
    failed = end_notice(ended(state=RunState.FAILED, error="no tea"))
    assert failed and (failed.body, failed.is_urgent) == ("after 10.0 s: no tea", True)
    assert end_notice(ended(LONG - 1)) is None
    assert end_notice(ended(state=RunState.CANCELLED)) is None


async def test_a_task_that_tells_the_desktop_itself_is_not_told_twice(tmp_path: Any) -> None:
    program = tmp_path / "notify-send"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    environment = {"PATH": str(tmp_path), "DISPLAY": ":0", "TERM": "foot"}
    written: list[str] = []
    await tell_of_end(ended(kind=ResourceKind.TASK), NotifyBy.AUTO, environment, written.append)
    assert written == []
    await tell_of_end(ended(kind=ResourceKind.TASK), NotifyBy.AUTO, {"TERM": "foot"}, written.append)
    assert written == ["\x1b]777;notify;helper — COMPLETED;after 10.0 s\a"]


@pytest.mark.parametrize("is_away", [True, False])
async def test_only_who_looks_elsewhere_is_told(is_away: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    app = StagedApp(states.LISTED)
    app.stage.configuration = Configuration(Home(NOWHERE), notify_by=NotifyBy.BELL)
    async with app.run_test() as pilot:
        await settle(pilot)
        written: list[str] = []
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        if is_away:
            app.post_message(events.AppBlur())
        await settle(pilot)
        app.stage.store.emit(RunEnded(ended()))
        await app.workers.wait_for_complete()
        assert ("\a" in written) is is_away
