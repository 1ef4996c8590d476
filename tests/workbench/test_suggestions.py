"""Where the values of a run's variables come from, and which one wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.workbench.model import Resource, ResourceKind
from stigmer_tui.workbench.run_defaults import read_dotenv, run_defaults
from stigmer_tui.workbench.state import RunInput, Value
from stigmer_tui.workbench.suggestions import Suggestion, ValueSource, input_from, suggest

REGION = RunVariable("REGION")
TOKEN = RunVariable("TOKEN", is_secret=True)


def resource(*variables: RunVariable) -> Resource:
    return Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally", variables=variables)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".env").write_text("REGION=from-env\nTOKEN='t ok'\nEMPTY=\nRAW=${HOME}\n", encoding="utf-8")
    return tmp_path


def test_dotenv_is_read_as_it_stands_without_empty_values(folder: Path) -> None:
    assert read_dotenv([folder / ".env"]) == {"REGION": "from-env", "TOKEN": "t ok", "RAW": "${HOME}"}


def test_without_a_file_there_are_no_values(tmp_path: Path) -> None:
    assert read_dotenv([tmp_path / ".env"]) == {}
    (tmp_path / ".env").mkdir()
    assert read_dotenv([tmp_path / ".env"]) == {}


def test_the_last_run_wins_over_dotenv(folder: Path) -> None:
    last = RunInput("go", {"REGION": Value("from-last-run")})
    suggestions = suggest(resource(REGION, TOKEN), last, run_defaults(folder))
    assert suggestions == [
        Suggestion(REGION, "from-last-run", ValueSource.LAST_RUN),
        Suggestion(TOKEN, "t ok", ValueSource.DOTENV),
    ]
    assert input_from(last, suggestions) == RunInput(
        "go", {"REGION": Value("from-last-run"), "TOKEN": Value("t ok", is_secret=True)}
    )


def test_dotenv_wins_over_a_default(folder: Path) -> None:
    variable = RunVariable("REGION", default="eu", has_value=True)
    assert suggest(resource(variable), RunInput(), run_defaults(folder)) == [
        Suggestion(variable, "from-env", ValueSource.DOTENV)
    ]


def test_a_project_fills_what_nobody_says(folder: Path) -> None:
    (folder / "local.env").write_text("ZONE=local\nSTRAY=1\n", encoding="utf-8")
    (folder / "Stigmer.yaml").write_text(
        "name: shop\nruntime: python\nmessage: Settle\nenvironment: {REGION: us, ZONE: b, MODE: fast}\n"
        "env_files: [.env, local.env]\n"
    )
    defaults = run_defaults(folder)
    zone = RunVariable("ZONE")
    completed = defaults.complete(resource(TOKEN, zone), RunInput("", {"MODE": Value("slow")}))
    assert completed.message == "Settle"
    assert completed.environment == {
        "REGION": Value("us"),
        "ZONE": Value("local"),
        "MODE": Value("slow"),
        "TOKEN": Value("t ok", is_secret=True),
    }
    assert defaults.complete(resource(), RunInput("Sell")).message == "Sell"
    (found,) = suggest(resource(RunVariable("MODE")), RunInput(), defaults)
    assert (found.text, found.source) == ("fast", ValueSource.PROJECT)


def test_defaults_and_missing_values_are_left_to_the_server(tmp_path: Path) -> None:
    default = RunVariable("REGION", default="eu", has_value=True)
    used, unused = RunVariable("TOKEN", used_by=("fetch",)), RunVariable("OTHER")
    last = RunInput("", {"EXTRA": Value("typed")})
    suggestions = suggest(resource(default, used, unused), last, run_defaults(tmp_path))
    assert [(it.text, it.source) for it in suggestions] == [
        ("", ValueSource.DEFAULT),
        ("", ValueSource.NOWHERE),
        ("", ValueSource.NOWHERE),
    ]
    assert [it.is_missing for it in suggestions] == [False, True, False]
    assert input_from(last, suggestions) == last


def test_a_resource_without_variables_needs_nothing(folder: Path) -> None:
    assert suggest(resource(), RunInput(), run_defaults(folder)) == []
