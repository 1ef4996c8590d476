"""The form of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.definition.extensions import FILES
from stigmer_tui.tui.screens.main import MainScreen
from stigmer_tui.tui.screens.run_form import RunForm
from stigmer_tui.workbench.state import RunInput, Value
from tests.tui import states
from tests.tui.hands import press
from tests.tui.workbench import running, screen_text


class TestForm:
    async def test_what_is_missing_is_asked_for_before_anything_runs(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "enter")
            assert isinstance(app.screen, RunForm)
            await press(pilot, "enter")
            assert "API_TOKEN has no value" in screen_text(app)
            await press(pilot, *"s3cret")
            text = screen_text(app)
            assert "s3cret" not in text
            assert "••••••" in text
            await press(pilot, "ctrl+e")
            assert "s3cret" in screen_text(app)
            await press(pilot, "enter")
            assert app.asked == ["start settle-orders"]
            assert app.stage.started == [RunInput("", {"API_TOKEN": Value("s3cret", is_secret=True)})]

    async def test_a_secret_is_remembered_when_the_person_says_so(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "enter", *"s3cret", "ctrl+r")
            assert "typed · goes to the keyring" in screen_text(app)
            await press(pilot, "enter")
            assert app.stage.kept == [{"API_TOKEN": "s3cret"}]

    async def test_what_is_remembered_is_filled_in_and_forgotten_on_request(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            app.stage.inputs.remembered = {"API_TOKEN": "s3cret"}
            await press(pilot, "j", "e", "tab")
            assert "keyring" in screen_text(app)
            await press(pilot, "enter")
            assert app.stage.kept == []
            assert app.stage.started == [RunInput("", {"API_TOKEN": Value("s3cret", is_secret=True)})]
            await press(pilot, "1", "e", "tab", "ctrl+r")
            assert "keyring · leaves the keyring" in screen_text(app)
            await press(pilot, "enter")
            assert app.stage.kept == [{"API_TOKEN": ""}]

    async def test_without_a_value_all_the_same(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "enter", "ctrl+s")
            assert app.stage.started == [RunInput()]

    async def test_message_variables_and_others(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "e", *"one", "ctrl+j", *"two", "tab", *"A=1", "enter")
            assert app.stage.started == [RunInput("one\ntwo", {"A": Value("1")})]

    async def test_what_cannot_be_read_is_said(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "e", "tab", *"nonsense", "enter")
            assert "nonsense is not of the form KEY=VALUE" in screen_text(app)
            assert app.asked == []

    async def test_what_was_typed_is_there_again(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "e", *"kept", "escape")
            assert isinstance(app.screen, MainScreen)
            await press(pilot, "e")
            assert "kept" in screen_text(app)

    async def test_a_value_of_the_last_run_that_is_taken_away_is_missing(self) -> None:
        inputs = {"settle-orders": RunInput("", {"API_TOKEN": Value("old", is_secret=True)})}
        async with running(states.LISTED, inputs=inputs) as (app, pilot):
            await press(pilot, "j", "e", "tab")
            assert "last run" in screen_text(app)
            await press(pilot, "ctrl+u", "enter")
            assert "API_TOKEN has no value" in screen_text(app)
            assert app.asked == []

    async def test_all_that_was_typed_is_there_again(self) -> None:
        """Point 23: fields, and lines that are not of the form KEY=VALUE yet."""
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "e", *"s3cret", "tab", *"us", "tab", "tab", *"A=1", "ctrl+j", *"B", "escape")
            await press(pilot, "e", "tab", "ctrl+e")
            for text in ("s3cret", "us", "A=1", "B"):
                assert text in screen_text(app)
            await press(pilot, "enter")
            assert "B is not of the form KEY=VALUE" in screen_text(app)

    async def test_a_secret_among_the_other_variables_is_masked(self) -> None:
        """Point 23: while it is typed, in a draft, and with the input of the last run."""
        inputs = {"tally": RunInput("", {"OLD": Value("0ld-secret", is_secret=True), "PLAIN": Value("seen")})}
        async with running(states.LISTED, inputs=inputs) as (app, pilot):
            await press(pilot, "e", "tab")
            assert "secret:OLD=••••••••••" in screen_text(app)
            await press(pilot, "down", "end", "ctrl+j", *"secret:TOKEN=hunter2 秘密")
            text = screen_text(app)
            assert "secret:TOKEN=••••••••••••" in text
            assert "PLAIN=seen" in text
            assert "hunter2" not in text
            assert "0ld-secret" not in text
            await press(pilot, "escape", "e")
            assert "hunter2" not in screen_text(app)
            await press(pilot, "enter")
            assert app.stage.started[0].environment == {
                "OLD": Value("0ld-secret", is_secret=True),
                "PLAIN": Value("seen"),
                "TOKEN": Value("hunter2 秘密", is_secret=True),
            }

    async def test_a_message_of_an_error_shows_no_secret(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "e", "tab", *"secret:=hunter2", "enter")
            assert "secret:… is not of the form KEY=VALUE" in screen_text(app)
            assert "hunter2" not in screen_text(app)

    async def test_an_empty_default_is_a_value(self) -> None:
        """Point 23: nothing is missing, and nothing is asked for."""
        variables = (RunVariable("SUFFIX", has_value=True, used_by=("greet",)),)
        resources = (replace(states.TALLY, variables=variables),)
        async with running(replace(states.LISTED, resources=resources)) as (app, pilot):
            await press(pilot, "e")
            assert "default" in screen_text(app)
            assert "empty" in screen_text(app)
            await press(pilot, "escape", "enter")
            assert app.asked == ["start tally"]

    @pytest.mark.parametrize("size", [(60, 15), (40, 12), (80, 24)])
    async def test_every_field_is_seen_when_it_has_the_keys(self, size: tuple[int, int]) -> None:
        """Point 23: with its name above it, and with the keys and the note below."""
        async with running(states.LISTED, size) as (app, pilot):
            await press(pilot, "j", "e")
            body = app.screen.query_one("#form-body").region
            for name in ("API_TOKEN", "REGION", "DRY_RUN", "Other variables", "message"):
                focused = app.focused
                assert focused is not None
                await pilot.pause()
                assert focused.region.height >= min(3, focused.outer_size.height)
                assert body.contains_region(focused.region)
                assert name in screen_text(app), name
                assert "enter run" in screen_text(app)
                await press(pilot, "tab")
            await press(pilot, "enter")
            assert "API_TOKEN has no value" in screen_text(app)
            assert "enter run" in screen_text(app)

    async def test_an_agent_is_always_asked_for_a_message(self) -> None:
        """Point 23: with the last one selected, so that typing replaces it and enter sends it again."""
        inputs = {"helper": RunInput("What is new?")}
        for keys, message in (((), "What is new?"), (tuple("Hi"), "Hi")):
            async with running(states.LISTED, inputs=inputs) as (app, pilot):
                await press(pilot, "j", "j", "j", "enter")
                assert "What is new?" in screen_text(app)
                await press(pilot, *keys, "enter")
                assert app.stage.started == [RunInput(message)]

    async def test_files_that_a_message_mentions_go_with_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "plan.md").write_text("Tea")
        (tmp_path / "tool").write_bytes(b"\0")
        async with running(states.LISTED) as (app, pilot):
            app.open_form(states.HELPER)
            await press(pilot, *"@tool", "enter")
            assert "tool is of a type that no model takes" in screen_text(app)
            await press(pilot, *["backspace"] * 4, "p", "tab")
            assert "with plan.md (3 B)" in screen_text(app)
            await press(pilot, "enter")
            assert app.stage.started[0].message == "@plan.md"
            assert "plan.md" in app.stage.started[0].annotations[FILES]

    async def test_an_agent_is_told_something_first(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "j", "j", "enter")
            assert isinstance(app.screen, RunForm)
            await press(pilot, *"hello", "enter")
            assert app.stage.started == [RunInput("hello")]


ORDER = json.dumps(
    {
        "type": "object",
        "properties": {
            "item": {"type": "string", "description": "What is ordered"},
            "size": {"enum": ["Small", "Large"], "default": "Small"},
            "count": {"type": "integer"},
            "to": {"type": "object", "required": ["street"]},
        },
        "required": ["item"],
    }
)
LISTED_ORDER = replace(states.LISTED, resources=(replace(states.TALLY, input_schema=ORDER), *states.RESOURCES[1:]))


class TestInput:
    """Of a workflow that declares it."""

    async def test_fields_are_asked_for_and_become_the_message(self) -> None:
        async with running(LISTED_ORDER) as (app, pilot):
            await press(pilot, "enter")
            assert isinstance(app.screen, RunForm)
            text = screen_text(app)
            assert "item  string · What is ordered" in text
            assert "size  Small or Large · may be left out" in text
            assert "Trigger message" not in text
            await press(pilot, "enter")
            assert "item is required" in screen_text(app)
            await press(pilot, *"tea", "tab", "tab", *"two", "enter")
            assert "count is an integer, and 'two' is none" in screen_text(app)
            await press(pilot, *["backspace"] * 3, "2", "tab", *"{}", "enter")
            assert "to.street is required" in screen_text(app)
            assert app.asked == []
            await press(pilot, *["backspace"] * 2, "enter")
            assert [json.loads(given.message) for given in app.stage.started] == [
                {"item": "tea", "size": "Small", "count": 2}
            ]

    async def test_a_choice_that_is_begun_is_completed(self) -> None:
        async with running(LISTED_ORDER) as (app, pilot):
            await press(pilot, "enter", *"tea", "tab", "L")
            await press(pilot, "right", "enter")
            assert json.loads(app.stage.started[0].message) == {"item": "tea", "size": "Large"}

    async def test_what_was_typed_and_what_was_run_is_there_again(self) -> None:
        inputs = {"tally": RunInput('{"item": "milk", "count": 3}')}
        async with running(LISTED_ORDER, inputs=inputs) as (app, pilot):
            await press(pilot, "e", *"y", "escape", "e")
            assert "milky" in screen_text(app)
            await press(pilot, "enter")
            assert json.loads(app.stage.started[0].message) == {"item": "milky", "size": "Small", "count": 3}

    async def test_what_is_complete_runs_at_once(self) -> None:
        inputs = {"tally": RunInput('{"item": "milk"}')}
        async with running(LISTED_ORDER, inputs=inputs) as (app, pilot):
            await press(pilot, "enter")
            assert app.asked == ["start tally"]
