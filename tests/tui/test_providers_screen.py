"""`s`: a person chooses a provider of models, enters its key, and tests it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from stigmer_tui.tui.screens.providers import ProvidersScreen
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp, StagedProviders

KEY = "sk-secret-42"


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[StagedApp, Pilot[int], StagedProviders]]:
    app = StagedApp(states.LISTED)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await done(app, pilot, "s")
        assert isinstance(app.screen, ProvidersScreen)
        yield app, pilot, app.stage.daemon.providers


async def done(app: StagedApp, pilot: Pilot[int], *keys: str) -> None:
    await press(pilot, *keys)
    await app.workers.wait_for_complete()
    await settle(pilot)


def rows(app: StagedApp) -> list[str]:
    listed = app.screen.query_one(OptionList)
    return [str(listed.get_option_at_index(index).prompt) for index in range(listed.option_count)]


def said(app: StagedApp) -> str:
    return str(app.screen.query_one("#providers-result", Static).render())


async def test_the_providers_are_listed_and_the_used_one_is_selected() -> None:
    async with opened() as (app, _, _):
        anthropic, ollama = rows(app)
        assert anthropic.split() == ["anthropic", "claude-sonnet-5-5", "no", "key", "e", "enters", "it"]
        assert ollama.startswith("● ollama llama3.2")
        assert app.screen.query_one(OptionList).highlighted == 1


async def test_another_provider_is_used() -> None:
    async with opened() as (app, pilot, providers):
        await done(app, pilot, "k", "enter")
        assert providers.asked == ["use anthropic"]
        assert said(app) == "Agents use anthropic"
        assert rows(app)[0].startswith("● anthropic")


async def test_a_key_is_entered_hidden_and_not_kept() -> None:
    async with opened() as (app, pilot, providers):
        await press(pilot, "k", "e", *KEY)
        field = app.screen.query_one(Input)
        assert (field.value, field.password) == (KEY, True)
        assert KEY not in str(field.render_line(0).text)
        await done(app, pilot, "enter")
        assert providers.asked == [f"store anthropic {KEY}"]
        assert (field.value, field.display) == ("", False)
        assert said(app) == "The key of anthropic is in the keyring"


async def test_escape_leaves_the_form_first_and_stores_nothing() -> None:
    async with opened() as (app, pilot, providers):
        await press(pilot, "k", "e", *KEY, "escape")
        assert isinstance(app.screen, ProvidersScreen)
        assert (app.screen.query_one(Input).value, providers.asked) == ("", [])
        await press(pilot, "escape")
        assert app.screen_stack == [app.main]


async def test_a_provider_without_a_key_has_no_form() -> None:
    async with opened() as (app, pilot, _):
        await press(pilot, "e")
        assert not app.screen.query_one(Input).display
        assert said(app) == "ollama needs no key"


async def test_a_test_call_says_what_is_wrong() -> None:
    async with opened() as (app, pilot, providers):
        await done(app, pilot, "t")
        assert (providers.asked, said(app)) == (["test ollama"], "ollama answers")
        providers.problem = "ollama has no model tiny [red]"
        await done(app, pilot, "t")
        assert said(app) == "ollama has no model tiny [red]"


async def test_a_model_that_is_missing_is_fetched_with_a_bar() -> None:
    async with opened() as (app, pilot, providers):
        await done(app, pilot, "p")
        assert (said(app), providers.asked) == ("ollama lacks no model", [])
        providers.views[1] = replace(providers.views[1], state="model is missing", detail="get it")
        await done(app, pilot, "t")
        assert "model is missing  p gets it" in rows(app)[1]
        await press(pilot, "p")
        await providers.steps.get()
        await settle(pilot)
        assert said(app) == f"{'█' * 22}{'░' * 8}  75%  3.0 MB of 4.0 MB"
        await press(pilot, "p")
        assert providers.asked == ["test ollama", "pull llama3.2"], "one thing at a time"
        providers.go_on.set()
        await app.workers.wait_for_complete()
        await settle(pilot)
        assert said(app) == "ollama has llama3.2"
        assert "ready" in rows(app)[1]


async def test_what_does_not_fit_into_a_row_stands_below() -> None:
    async with opened() as (app, pilot, _):
        assert str(app.screen.query_one("#providers-detail", Static).render()) == "models: llama3.2"
        await press(pilot, "k")
        assert str(app.screen.query_one("#providers-detail", Static).render()) == ""
