"""Secrets of runs in the keyring."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.workbench.model import Resource, ResourceKind
from stigmer_tui.workbench.run_defaults import RunDefaults
from stigmer_tui.workbench.run_secrets import RunSecrets
from stigmer_tui.workbench.session_cache import SessionCache
from stigmer_tui.workbench.state import RunInput, Value
from stigmer_tui.workbench.suggestions import Suggestion, ValueSource, suggest
from tests.core.memory_keyring import MemoryKeyring

TOKEN = RunVariable("TOKEN", is_secret=True)
SHOP = Resource(ResourceKind.WORKFLOW, "wf_1", "shop", "shop", variables=(TOKEN,))


def secrets(tmp_path: Path, ring: MemoryKeyring, folder: str = "shop") -> RunSecrets:
    return RunSecrets(Path(folder), SessionCache(tmp_path, folder), ring)


def texts_below(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.rglob("*") if path.is_file()]


async def test_the_next_session_has_them_and_other_folders_do_not(tmp_path: Path) -> None:
    ring = MemoryKeyring()
    await secrets(tmp_path, ring).remember("TOKEN", "s3cret")
    later, elsewhere = secrets(tmp_path, ring), secrets(tmp_path, ring, "other")
    await later.load()
    await elsewhere.load()
    assert (later.values, elsewhere.values) == ({"TOKEN": "s3cret"}, {})


async def test_nothing_of_the_value_is_on_the_disk(tmp_path: Path) -> None:
    await secrets(tmp_path, MemoryKeyring()).remember("TOKEN", "s3cret")
    texts = texts_below(tmp_path)
    assert any("TOKEN" in text for text in texts)
    assert not any("s3cret" in text for text in texts)


async def test_what_is_forgotten_is_nowhere(tmp_path: Path) -> None:
    ring = MemoryKeyring()
    own = secrets(tmp_path, ring)
    await own.remember("TOKEN", "s3cret")
    await own.forget("TOKEN")
    assert (own.values, ring.values) == ({}, {})
    assert SessionCache(tmp_path, "shop").remembered_secrets() == ()


async def test_folders_without_a_project_keep_their_own(tmp_path: Path) -> None:
    ring, cache = MemoryKeyring(), SessionCache(tmp_path, "")
    await RunSecrets(Path("/here"), cache, ring).remember("TOKEN", "s3cret")
    elsewhere, later = RunSecrets(Path("/elsewhere"), cache, ring), RunSecrets(Path("/here"), cache, ring)
    await elsewhere.load()
    await later.load()
    assert (elsewhere.values, later.values) == ({}, {"TOKEN": "s3cret"})


async def test_only_what_is_wanted_is_read(tmp_path: Path) -> None:
    ring = MemoryKeyring()
    await secrets(tmp_path, ring).remember("TOKEN", "s3cret")
    ring.problem = "it stays locked"
    own = secrets(tmp_path, ring)
    await own.load({"REGION"})
    assert (own.values, own.names) == ({}, ("TOKEN",))


async def test_a_keyring_is_asked_only_where_something_was_remembered(tmp_path: Path) -> None:
    locked = MemoryKeyring(problem="it stays locked")
    await secrets(tmp_path, locked).load()
    with pytest.raises(StigmerError, match="it stays locked"):
        await secrets(tmp_path, locked).remember("TOKEN", "s3cret")


def test_the_value_of_the_last_run_comes_first_then_the_keyring_then_files() -> None:
    files = RunDefaults(dotenv={"TOKEN": "of a file"})
    both = replace(files, remembered={"TOKEN": "of the ring"})
    last = RunInput("", {"TOKEN": Value("of the run", is_secret=True)})
    assert suggest(SHOP, last, both) == [Suggestion(TOKEN, "of the run", ValueSource.LAST_RUN, True)]
    assert suggest(SHOP, RunInput(), both) == [Suggestion(TOKEN, "of the ring", ValueSource.KEYRING, True)]
    assert suggest(SHOP, RunInput(), files) == [Suggestion(TOKEN, "of a file", ValueSource.DOTENV)]


def test_a_run_of_nobody_s_saying_takes_the_keyring_s_before_files() -> None:
    defaults = RunDefaults(environment={"TOKEN": "x", "REGION": "eu"}, dotenv={"TOKEN": "y"}, remembered={"TOKEN": "z"})
    complete = defaults.complete(SHOP, RunInput())
    assert complete.environment == {"TOKEN": Value("z", is_secret=True), "REGION": Value("eu")}
    given = RunInput("", {"TOKEN": Value("given", is_secret=True)})
    assert defaults.complete(SHOP, given).environment["TOKEN"].text == "given"
