"""The JSON schema of Stigmer.yaml says what the reader says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_file import FILE_NAME, load_project
from stigmer_tui.project.project_schema import project_schema
from stigmer_tui.project.scaffold import TEMPLATES

BEGIN = "name: shop\nruntime: python\n"


def problems(text: str) -> list[str]:
    data: Any = yaml.safe_load(text)
    return [error.message for error in jsonschema.Draft7Validator(project_schema()).iter_errors(data)]


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(project_schema())


@pytest.mark.parametrize(
    "text",
    [
        *((template.folder / FILE_NAME).read_text() for template in TEMPLATES),
        BEGIN,
        BEGIN + "version: 1.2\norganization: acme\n",
        BEGIN + "approve: all\n",
        BEGIN + "approve: [execute, write_file]\nlimits: {steps: 20, time: 5m, tokens: 200k, cost: 0.50}\n",
        BEGIN + "message: Go\nenvironment: {REGION: eu, COUNT: 3}\nengine: embedded\ntests: checks\n",
        BEGIN + "watch: {when: never, queueing: ignore}\n",
        "name: shop\nruntime: yaml\nmain: manifests\n",
    ],
)
def test_what_it_takes_is_read(text: str, tmp_path: Path) -> None:
    assert problems(text) == []
    (tmp_path / FILE_NAME).write_text(text)
    assert load_project(tmp_path).warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "name: shop\n",
        "runtime: go\n",
        "name: shop\nruntime: ruby\n",
        BEGIN + "limits: {turns: 5}\n",
        BEGIN + "limits: {steps: 0}\n",
        BEGIN + "limits: 5\n",
        BEGIN + "version: [1]\n",
        BEGIN + "environment: {region: eu}\n",
        BEGIN + "environment: {REGION: [eu]}\n",
        BEGIN + "env_files: [1]\n",
        BEGIN + "watch: {when: often}\n",
        BEGIN + "watch: {which: all}\n",
        BEGIN + "engine: temporal\n",
    ],
)
def test_what_is_refused_does_not_fit(text: str, tmp_path: Path) -> None:
    assert problems(text)
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(StigmerError):
        load_project(tmp_path)


def test_unknown_keys_are_warned_about_with_the_nearest_known_one(tmp_path: Path) -> None:
    text = BEGIN + "limit: {steps: 5}\ncolour: red\n"
    assert len(problems(text)) == 1
    (tmp_path / FILE_NAME).write_text(text)
    assert load_project(tmp_path).warnings == (
        "Stigmer.yaml:3:1 there is no key limit; did you mean limits?",
        "Stigmer.yaml:4:1 there is no key colour",
    )
