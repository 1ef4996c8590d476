"""A key of Stigmer.yaml is one entry: what reads it, refuses it and documents it follows from the table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_file import FILE_NAME, KEYS, ProjectKey, load_project

LIMITS = "limits"
VALUES = {
    "name": "shop",
    "runtime": "python",
    "main": "start.py",
    "version": "1.2",
    "organization": "acme",
    "approve": "execute,write_file",
}


def written(folder: Path, values: dict[str, str]) -> Path:
    lines = [f"{key}: '{value}'\n" for key, value in values.items()]
    (folder / FILE_NAME).write_text("".join(lines) + "limits: {steps: 20, time: 5m, cost: 0.5}\n")
    return folder


def test_each_key_is_read(tmp_path: Path) -> None:
    assert {key.name for key in KEYS} == {*VALUES, LIMITS, "command"}
    found = asdict(load_project(written(tmp_path, VALUES)))
    limits = {"steps": 20, "time": 300.0, "tokens": 0, "cost": 0.5}
    assert {name: found[name] for name in (*VALUES, LIMITS)} == VALUES | {
        "main": tmp_path / "start.py",
        "limits": limits,
    }


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ("5", "Stigmer.yaml:3 limits must hold steps, time, tokens, cost"),
        ("{turns: 5}", "Stigmer.yaml:3 there is no limit turns"),
        ("{cost: much}", "Stigmer.yaml:3 the limit cost is 'much'"),
        ("{steps: 0}", "Stigmer.yaml:3 the limit steps is 0"),
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
    with pytest.raises(StigmerError, match=r"Stigmer.yaml:3 approve is 'all,execute': all and none stand alone"):
        load_project(tmp_path)
