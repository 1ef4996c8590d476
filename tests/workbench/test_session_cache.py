"""What one session leaves to the next: lists, projects, inputs without secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.paths import Home
from stigmer_tui.workbench.events import Deployed, ListsChanged, WatchSwitched
from stigmer_tui.workbench.model import Resource, ResourceKey, ResourceKind, Run, RunState
from stigmer_tui.workbench.session_cache import MAX_PROJECTS, MAX_RUNS, SessionCache
from stigmer_tui.workbench.state import ApplySummary, Deployment, DeploymentItem, RunInput, Value

SECRET = "sk-4711-4711"
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def cache(folder: Path, project: str = "/home/ada/demo", server: str = "") -> SessionCache:
    return SessionCache(folder, project, server)


def contents(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file())


def test_the_input_of_a_run_is_kept_without_its_secrets(tmp_path: Path) -> None:
    environment = {"REGION": Value("eu-west-1"), "API_KEY": Value(SECRET, is_secret=True), "NAME": Value("größe")}
    cache(tmp_path).note_inputs({"tally": RunInput("go on", environment)})
    assert cache(tmp_path).inputs() == {
        "tally": RunInput("go on", {"REGION": Value("eu-west-1"), "NAME": Value("größe")})
    }
    assert SECRET not in contents(tmp_path)


def test_only_the_owner_can_read_what_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    cache(folder).note_project()
    cache(folder).note_inputs({})
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_recent_projects_are_the_newest_first_and_each_once(tmp_path: Path) -> None:
    assert cache(tmp_path).recent_projects() == ()
    for project in ("/a", "/b", "/c", "/a"):
        cache(tmp_path, project).note_project()
    assert cache(tmp_path, "/b").recent_projects() == ("/a", "/c", "/b")


def test_recent_projects_are_limited(tmp_path: Path) -> None:
    for number in range(MAX_PROJECTS + 2):
        cache(tmp_path, f"/{number}").note_project()
    recent = cache(tmp_path).recent_projects()
    assert (len(recent), recent[0], recent[-1]) == (MAX_PROJECTS, f"/{MAX_PROJECTS + 1}", "/2")


def test_a_session_outside_a_project_is_not_a_recent_project(tmp_path: Path) -> None:
    cache(tmp_path, "").note_project()
    assert cache(tmp_path).recent_projects() == ()


def test_lists_are_as_the_last_session_saw_them(tmp_path: Path) -> None:
    resources = (
        Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "Tally", "acme", "counts", project="demo", input_schema="{}"),
        Resource(ResourceKind.AGENT, "agt_1", "reviewer", "Reviewer", "local", "reads"),
    )
    runs = (
        Run(ResourceKind.WORKFLOW, "wfx_1", "wf_1", "tally", RunState.COMPLETED, created_at=NOON),
        Run(ResourceKind.AGENT, "agx_1", "agt_1", "reviewer", RunState.FAILED),
    )
    cache(tmp_path).note_lists(resources, runs)
    assert cache(tmp_path).lists() == (resources, runs)


def test_a_run_that_went_on_may_have_ended_by_now(tmp_path: Path) -> None:
    cache(tmp_path).note_lists(
        (), (Run(ResourceKind.WORKFLOW, "wfx_1", "wf_1", "tally", RunState.RUNNING, created_at=NOON),)
    )
    assert [run.state for run in cache(tmp_path).lists()[1]] == [RunState.PENDING]


def test_runs_are_limited(tmp_path: Path) -> None:
    runs = [Run(ResourceKind.AGENT, f"agx_{n}", "agt_1", "a", RunState.FAILED) for n in range(MAX_RUNS + 5)]
    cache(tmp_path).note_lists((), runs)
    assert [run.id for run in cache(tmp_path).lists()[1]] == [f"agx_{number}" for number in range(MAX_RUNS)]


def deployment(*warnings: str, slugs: tuple[str, ...] = ()) -> Deployment:
    items = tuple(DeploymentItem(ResourceKind.WORKFLOW, slug, slug, "created") for slug in slugs)
    return Deployment(ApplySummary(NOON), items, frozenset(), warnings)


def test_facts_are_kept_side_by_side(tmp_path: Path) -> None:
    kept = cache(tmp_path)
    assert kept.defines() is None
    assert (kept.warnings(), kept.inputs(), kept.lists()) == (frozenset(), {}, ((), ()))
    run = Run(ResourceKind.AGENT, "agx_1", "agt_1", "reviewer", RunState.FAILED)
    kept.take(Deployed(deployment("one", "two", slugs=("tally", "other"))))
    kept.take(ListsChanged((), (run,)))
    kept.take(WatchSwitched(True))
    kept.note_inputs({"tally": RunInput("go")})
    assert kept.defines() == frozenset(ResourceKey(ResourceKind.WORKFLOW, slug) for slug in ("tally", "other"))
    assert kept.warnings() == {"one", "two"}
    assert kept.inputs() == {"tally": RunInput("go")}
    assert kept.lists() == ((), (run,))
    kept.take(Deployed(deployment()))
    assert (kept.defines(), kept.warnings()) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    "other",
    [
        ("/home/ada/other", ""),
        ("/home/ada/demo", "server:1"),
        ("", ""),
        ("", "server:1"),
        ("/home/ada/demo", "server:2"),
    ],
)
def test_each_project_and_server_has_its_own(tmp_path: Path, other: tuple[str, str]) -> None:
    cache(tmp_path).note_deployment(deployment("of the demo"))
    another = cache(tmp_path, *other)
    assert another.warnings() == frozenset()
    another.note_deployment(deployment("of another"))
    assert cache(tmp_path, *other).warnings() == {"of another"}
    assert cache(tmp_path).warnings() == {"of the demo"}


@pytest.mark.parametrize("is_project", [True, False])
def test_a_session_on_a_folder_has_the_cache_of_its_project_and_server(tmp_path: Path, is_project: bool) -> None:
    folder, home = tmp_path / "demo", Home(tmp_path / "home")
    folder.mkdir()
    if is_project:
        (folder / "Stigmer.yaml").touch()
    SessionCache.of(Configuration(home, context=Context("", "server:1")), folder).note_deployment(deployment("known"))
    project = str(folder) if is_project else ""
    assert SessionCache(home.cache, project, "server:1").warnings() == {"known"}
    assert SessionCache(home.cache, project).warnings() == frozenset()


@pytest.mark.parametrize("projects", [{}, "text", None, 1])
def test_projects_that_somebody_garbled_are_none(tmp_path: Path, projects: object) -> None:
    (tmp_path / "session.json").write_text(json.dumps({"projects": projects}), encoding="utf-8")
    assert cache(tmp_path).recent_projects() == ()
