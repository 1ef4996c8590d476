"""A key of Stigmer.yaml is one entry: what reads it, refuses it and documents it follows from the table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.watch_rules import Queueing, WatchRules, When
from stigmer_tui.project.project_file import FILE_NAME, load_project
from stigmer_tui.project.project_keys import KEYS, ProjectKey

LIMITS = "limits"
VALUES = {
    "name": "shop",
    "runtime": "python",
    "main": "start.py",
    "version": "1.2",
    "organization": "acme",
    "approve": "execute,write_file",
    "message": "Settle the orders",
    "tests": "checks",
}


def written(folder: Path, values: dict[str, str]) -> Path:
    lines = [f"{key}: '{value}'\n" for key, value in values.items()]
    (folder / FILE_NAME).write_text("".join(lines) + "limits: {steps: 20, time: 5m, cost: 0.5}\n")
    return folder


STRUCTURED = """\
environment: {REGION: eu, LIMIT: 3, IS_OPEN: true}
env_files: [.env, .env.local]
watch: {when: never, queueing: queue}
"""


def test_each_key_is_read(tmp_path: Path) -> None:
    not_kept = {"command", "description", "engine", "tasks"}
    assert {key.name for key in KEYS} == {*VALUES, LIMITS, "environment", "env_files", "watch"} | not_kept
    folder = written(tmp_path, VALUES)
    with (folder / FILE_NAME).open("a") as file:
        file.write(STRUCTURED + "engine: embedded\ndescription: Sells tea\n")
    project = load_project(folder)
    found = asdict(project)
    limits = {"steps": 20, "time": 300.0, "tokens": 0, "cost": 0.5}
    assert {name: found[name] for name in (*VALUES, LIMITS)} == VALUES | {
        "main": tmp_path / "start.py",
        "limits": limits,
    }
    assert project.environment == {"REGION": "eu", "LIMIT": "3", "IS_OPEN": "true"}
    assert project.env_files == (tmp_path / ".env", tmp_path / ".env.local")
    assert project.watch == WatchRules(When.NEVER, Queueing.QUEUE)


@pytest.mark.parametrize(
    ("line", "problem", "advice"),
    [
        (
            "environment: [1]",
            "3:1 environment must hold variables",
            "Such as: environment: {REGION: eu}",
        ),
        ("environment: {region: eu}", "3:15 'region' is not a valid", "Use capital letters, digits and underscores."),
        ("env_files: [.env, 3]", "3:19 env_files is a list of files", "Such as: env_files: [.env]"),
        ("watch: {when: often}", "3:9 when is 'often'", "There are always, changed and never."),
        ("watch: {queueing: drop}", "3:9 queueing is 'drop'", "There are restart, queue and ignore."),
        ("watch: {wen: never}", "3:9 watch has no wen; did you mean when?", "It holds when and queueing."),
        ("engine: temporal", "3:1 engine is 'temporal'", "There is embedded."),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(
    line: str, problem: str, advice: str, tmp_path: Path
) -> None:
    (tmp_path / FILE_NAME).write_text(f"name: shop\nruntime: python\n{line}\n")
    with pytest.raises(StigmerError) as refusal:
        load_project(tmp_path)
    assert refusal.value.message.startswith(f"Stigmer.yaml:{problem}")
    assert refusal.value.advice == advice


def test_files_of_variables_that_are_named_and_missing_are_warned_about(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("name: shop\nruntime: python\nenv_files:\n  - .env\n  - .env.local\n")
    (tmp_path / ".env").touch()
    assert load_project(tmp_path).warnings == ("Stigmer.yaml:5:5 there is no file .env.local",)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ("5", "Stigmer.yaml:3:1 limits must hold steps, time, tokens, cost"),
        ("{turns: 5}", "Stigmer.yaml:3:10 there is no limit turns"),
        ("{cost: much}", "Stigmer.yaml:3:10 the limit cost is 'much'"),
        ("{steps: 0}", "Stigmer.yaml:3:10 the limit steps is 0"),
    ],
)
def test_limits_that_are_none_are_refused(limits: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(f"name: shop\nruntime: python\nlimits: {limits}\n")
    with pytest.raises(StigmerError) as refusal:
        load_project(tmp_path)
    assert refusal.value.message == problem
    assert refusal.value.advice


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_one_that_is_left_out_has_a_default_or_an_example(key: ProjectKey, tmp_path: Path) -> None:
    folder = written(tmp_path, {name: value for name, value in VALUES.items() if name != key.name})
    if not key.example:
        load_project(folder)
        return
    with pytest.raises(StigmerError, match=f"{key.name} is missing") as refusal:
        load_project(folder)
    assert refusal.value.advice == f"Add a line such as: {key.name}: {key.example}"


def test_tools_that_wait_for_approval_may_be_a_list(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("name: shop\nruntime: python\napprove: [execute, write_file]\n")
    assert load_project(tmp_path).approve == "execute,write_file"
    (tmp_path / FILE_NAME).write_text("name: shop\nruntime: python\napprove: [all, execute]\n")
    with pytest.raises(StigmerError, match=r"Stigmer.yaml:3:1 approve is 'all,execute': all and none stand alone"):
        load_project(tmp_path)
