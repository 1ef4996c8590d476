"""What a person writes below the transcript of an agent, and what the session is asked for."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from stigmer_tui.definition.attached_files import files_in
from stigmer_tui.definition.extensions import FILES
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.message_input import MessageInput
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, PutMessage, Role
from stigmer_tui.workbench.state import RunInput, ShownRun, WorkbenchState
from tests.tui import states
from tests.tui.hands import press, press_at_once, settle
from tests.tui.stage import StagedApp
from tests.tui.workbench import screen_text


def turn(number: int, code: str = "1", session: str = "ses_1", state: RunState = RunState.COMPLETED) -> Execution:
    made = Execution(
        ResourceKind.AGENT, f"agx_{number}", "helper", f"question {number}", state, session=session, code=code
    )
    for index, (role, text) in enumerate(((Role.HUMAN, f"question {number}"), (Role.AGENT, f"answer {number}"))):
        made.apply(PutMessage(index, Message(role, text), made.root_key))
    return made


def conversation(*turns: Execution) -> WorkbenchState:
    *earlier, last = turns
    return replace(
        states.LISTED, shown=ShownRun(last, states.HELPER, RunInput(last.message), 1, earlier=tuple(earlier))
    )


@asynccontextmanager
async def reading(*turns: Execution) -> AsyncIterator[tuple[StagedApp, Pilot[int]]]:
    """A person looks at the transcript of a conversation."""
    app = StagedApp(conversation(*turns))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "2")
        yield app, pilot


async def show(app: StagedApp, pilot: Pilot[int], state: WorkbenchState) -> None:
    """At once: the app itself waits for the next frame."""
    app.main.show(state)
    await settle(pilot)


def written(app: StagedApp) -> str:
    return app.main.query_one(MessageInput).text


def is_writing(app: StagedApp) -> bool:
    return isinstance(app.focused, MessageInput)


@pytest.mark.parametrize("key", ["i", "enter"])
async def test_a_message_is_written_at_the_end_and_sent(key: str) -> None:
    async with reading(turn(1)) as (app, pilot):
        await press(pilot, key)
        assert is_writing(app)
        await press(pilot, *"hi?q", "ctrl+j", *"there")
        assert app.main.query_one(MessageInput).size.height == 2
        await press(pilot, "enter")
        assert app.asked == ["send hi?q\nthere"]
        assert is_writing(app) and not written(app)
        await press(pilot, "enter")
        assert len(app.asked) == 1
        await press(pilot, "escape")
        assert isinstance(app.focused, EntryList)


async def test_what_is_typed_before_the_line_has_the_focus_is_written_there() -> None:
    async with reading(turn(1)) as (app, pilot):
        await press_at_once(pilot, "i", *"quit? 2", "enter", *"no")
        assert app.asked == ["send quit? 2"]
        assert written(app) == "no"


async def test_enter_folds_what_is_not_the_last_entry() -> None:
    first = turn(1)
    first.apply(PutMessage(1, Message(Role.AGENT, "line\n\nline"), first.root_key))
    async with reading(first, turn(2)) as (app, pilot):
        await press(pilot, "g", "j", "enter")
        assert not is_writing(app)
        assert "line  3 lines" in screen_text(app)


async def test_earlier_messages_come_by_the_arrows_and_the_draft_comes_back() -> None:
    async with reading(turn(1), turn(2)) as (app, pilot):
        await press(pilot, "i", *"dra", "ctrl+j", *"ft", "up", "up")
        assert written(app) == "question 2"
        await press(pilot, "up", "up")
        assert written(app) == "question 1"
        await press(pilot, "down", "down")
        assert written(app) == "dra\nft"


async def test_a_message_of_ones_own_is_edited_and_sent_again_in_a_fork() -> None:
    async with reading(turn(1), turn(2)) as (app, pilot):
        await press(pilot, "g", "e")
        assert is_writing(app)
        assert written(app) == "question 1"
        assert "it is sent in a fork of the conversation" in screen_text(app)
        await press(pilot, "escape")
        assert not written(app)
        await press(pilot, "g", "e", "!", "enter")
        assert app.asked == ["resend agx_1 question 1!"]


async def test_e_on_anything_else_edits_the_input_of_the_run() -> None:
    async with reading(turn(1)) as (app, pilot):
        await press(pilot, "G", "e")
        assert type(app.screen).__name__ == "RunForm"


async def test_the_next_turn_is_shown_in_the_same_transcript_and_says_that_the_code_is_new() -> None:
    async with reading(turn(1)) as (app, pilot):
        first = app.stage.state.shown
        assert first is not None
        following = turn(2, code="2", state=RunState.RUNNING)
        shown = replace(first, execution=following, earlier=(first.execution,))
        await show(app, pilot, replace(app.stage.state, shown=shown))
        text = screen_text(app)
        assert text.index("answer 1") < text.index("from here on the new code answers") < text.rindex("question 2")
        assert "turn 2" in text
        await press(pilot, "i", "x", "enter")
        assert app.asked == ["send x"]


async def test_what_is_written_to_one_conversation_waits_while_another_is_shown() -> None:
    async with reading(turn(1)) as (app, pilot):
        await press(pilot, "i", *"draft")
        await show(app, pilot, conversation(turn(7, session="ses_7")))
        assert written(app) == ""
        await show(app, pilot, conversation(turn(1)))
        assert written(app) == "draft"


async def test_files_that_are_mentioned_go_with_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text("Tea")
    (tmp_path / "notes.bin").write_bytes(b"\0")
    async with reading(turn(1)) as (app, pilot):
        await press(pilot, "i", *"see @n", "tab")
        assert written(app) == "see @notes."
        assert "notes.bin  notes.md" in screen_text(app)
        await press(pilot, "m", "tab")
        assert written(app) == "see @notes.md"
        assert "with notes.md (3 B)" in screen_text(app)
        await press(pilot, "enter")
        assert app.asked == ["send see @notes.md"]
        assert [file.name for file in files_in({FILES: str(app.stage.files[0])})] == ["notes.md"]
        await press(pilot, *"and @notes.bin", "enter")
        assert "notes.bin is of a type that no model takes" in screen_text(app)
        assert (written(app), len(app.asked)) == ("and @notes.bin", 1)


async def test_a_message_is_written_and_sent_though_the_working_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    async with reading(turn(1)) as (app, pilot):
        await press(pilot, "i", *"see @no", "enter")
        assert app.asked == ["send see @no"]


async def test_tab_leaves_a_message_that_mentions_nothing() -> None:
    async with reading(turn(1)) as (app, pilot):
        await press(pilot, "i", *"hello", "tab")
        assert not is_writing(app)


async def test_nobody_writes_to_a_workflow() -> None:
    app = StagedApp(states.running_workflow())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "2", "i")
        assert not app.main.query(MessageInput)
        assert isinstance(app.focused, EntryList)


async def test_without_an_editor_the_text_stays_and_a_notice_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    async with reading(turn(1)) as (app, pilot):
        await press(pilot, "i", *"text", "ctrl+g")
        assert written(app) == "text"
        assert app.stage.state.notices[-1].text == "No editor: set EDITOR to one, such as vi or nano"


async def test_an_editor_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable}-missing -w")
    async with reading(turn(1)) as (app, pilot):
        await press(pilot, "i", *"text", "ctrl+g")
        assert written(app) == "text"
        assert app.stage.state.notices[-1].text.startswith(
            f"There is no editor {sys.executable}-missing -w: set EDITOR"
        )
