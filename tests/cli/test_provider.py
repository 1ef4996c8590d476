"""`provider`: which are there, which is used, whether it answers; and models that Ollama gets."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stigmer_tui.cli.commands import program
from stigmer_tui.cli.pull_bar import PullBar
from stigmer_tui.core.errors import StigmerError
from tests.cli.keyring_fixture import ring as ring
from tests.cli.model_server import ModelServer, model_server

KEY = "sk-0123456789abcdef"

pytestmark = pytest.mark.usefixtures("ring")


def stigmer(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(program, arguments, input=typed, standalone_mode=False)


def done(*arguments: str, typed: str = "") -> str:
    result = stigmer(*arguments, typed=typed)
    assert (result.exception, result.return_value) == (None, 0), result.exception
    return result.output


def refused(*arguments: str) -> StigmerError:
    error = stigmer(*arguments).exception
    assert isinstance(error, StigmerError), error
    return error


def states() -> dict[str, dict[str, Any]]:
    found = map(json.loads, done("provider", "list", "--output", "json").splitlines())
    return {state["provider"]: state for state in found}


@pytest.fixture
def no_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_BASE_URL", "http://127.0.0.1:9")


@pytest.mark.usefixtures("no_ollama")
def test_the_list_says_which_is_used_and_what_each_lacks() -> None:
    found = states()
    assert [name for name, state in found.items() if state["used"]] == ["scripted"]
    assert (found["openai"]["state"], found["openai"]["detail"]) == ("no key", "stigmer-tui secrets set openai")
    assert found["ollama"]["state"] == "does not answer"
    assert "ollama serve" in found["ollama"]["detail"]
    done("secrets", "set", "openai", typed=KEY)
    state = states()["openai"]
    assert (state["used"], state["state"], state["detail"]) == (True, "ready", "key in the keyring")
    assert KEY not in done("provider", "list")


def test_the_models_of_ollama_are_listed_and_a_missing_one_has_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    with model_server(ModelServer(["llama3.2:latest"])) as server:
        monkeypatch.setenv("OLLAMA_BASE_URL", server.url)
        state = states()["ollama"]
        assert state["state"] == "model is missing"
        assert state["detail"] == f"stigmer-tui provider pull {state['model']}"
        done("provider", "use", "ollama", "--model", "llama3.2")
        state = states()["ollama"]
        assert (state["state"], state["detail"]) == ("ready", "models: llama3.2:latest")


def test_another_provider_gets_neither_model_nor_address_of_the_former(tmp_path: Path) -> None:
    path = tmp_path / "home" / "config.yaml"
    path.parent.mkdir()
    path.write_text("# mine\nbackend:\n  local:\n    llm: {provider: ollama, model: tiny, base_url: 'http://box:1'}\n")
    said = done("provider", "use", "anthropic")
    assert said.startswith("✓ Agents use anthropic claude-sonnet-5-5\n")
    assert "It has no key yet: stigmer-tui secrets set anthropic" in said
    text = path.read_text()
    assert "# mine" in text and "anthropic" in text
    assert "tiny" not in text and "box" not in text
    assert path.stat().st_mode & 0o077 == 0


def test_what_wins_over_the_file_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIGMER_LLM_PROVIDER", "scripted")
    assert "STIGMER_LLM_PROVIDER in the environment wins" in done("provider", "use", "openai", "--base-url", "http://a")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("clod",), "There is no provider clod"),
        (("openai", "--base-url", "no"), "is not a URL: no"),
        (("scripted", "--base-url", "http://a"), "scripted has no address"),
    ],
)
def test_what_cannot_be_used_is_not_written(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    assert message in refused("provider", "use", *arguments).message
    assert not (tmp_path / "home" / "config.yaml").exists()


def test_a_test_call_takes_the_way_of_agents() -> None:
    with model_server(ModelServer(accepted_key=KEY)) as server:
        done("provider", "use", "openai-compatible", "--base-url", f"{server.url}/v1", "--model", "tiny")
        problem = refused("provider", "test").message
        assert "wants a key; store the right one: stigmer-tui secrets set openai" in problem
        done("secrets", "set", "openai", typed=KEY)
        assert done("provider", "test") == "✓ openai tiny answers\n"
        done("secrets", "set", "openai", typed="sk-another-0123456789")
        problem = refused("provider", "test").message
        assert "does not accept the stored key" in problem
        assert "sk-another" not in problem
    path, body = server.requests[-1]
    assert (path, body["model"]) == ("/v1/chat/completions", "tiny")


def test_the_key_of_one_address_goes_to_no_other() -> None:
    done("secrets", "set", "openai", typed=KEY)
    with model_server(ModelServer()) as server:
        done("provider", "use", "openai", "--base-url", f"{server.url}/v1", "--model", "tiny")
        assert done("provider", "test") == "✓ openai tiny answers\n"
    assert KEY not in server.keys


def test_a_test_says_what_is_wrong_also_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    with model_server(ModelServer(status=404)) as server:
        monkeypatch.setenv("OLLAMA_BASE_URL", server.url)
        result = stigmer("provider", "test", "ollama", "--output", "json")
        assert result.return_value == 1
        told = json.loads(result.output)
        assert (told["model"], told["works"]) == ("ollama qwen2.5-coder:7b", False)
        assert "stigmer-tui provider pull qwen2.5-coder:7b" in told["problem"]
    assert "No key for anthropic" in refused("provider", "test", "anthropic").message
    assert done("provider", "test") == "✓ scripted (demo) plays scripts, and asks no model\n"


STEPS: list[dict[str, Any] | str] = [
    {"status": "pulling manifest"},
    {"status": "pulling aa", "digest": "sha256:aa", "total": 3_000_000},
    {"status": "pulling aa", "digest": "sha256:aa", "total": 3_000_000, "completed": 1_500_000},
    {"status": "pulling aa", "digest": "sha256:aa", "total": 3_000_000, "completed": 3_000_000},
    {"status": "pulling bb", "digest": "sha256:bb", "total": 1_000_000, "completed": 1_000_000},
    {"status": "verifying sha256 digest"},
    {"status": "success"},
]


def test_ollama_gets_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    with model_server(ModelServer(steps=STEPS)) as server:
        monkeypatch.setenv("OLLAMA_BASE_URL", server.url)
        said = done("provider", "pull", "tiny")
    assert server.requests == [("/api/pull", {"model": "tiny", "stream": True})]
    assert [line for line in said.splitlines() if line.startswith("pulling")] == [
        "pulling manifest",
        "pulling aa (3.0 MB)",
        "pulling bb (1.0 MB)",
    ]
    assert "✓ Ollama has tiny" in said


@pytest.mark.parametrize(
    ("steps", "status", "reason"),
    [
        (STEPS[:4], 200, "broke off"),
        ([{"error": "pull model manifest: file does not exist"}], 200, "file does not exist"),
        ([{"error": "invalid model name"}], 400, "invalid model name"),
        (["<html>"], 200, "it answers with '<html>'"),
        (["no"], 500, "status 500"),
        ([], 200, "broke off"),
    ],
)
def test_a_model_that_ollama_cannot_get_has_its_reason(
    monkeypatch: pytest.MonkeyPatch, steps: list[dict[str, Any] | str], status: int, reason: str
) -> None:
    with model_server(ModelServer(steps=steps, pull_status=status)) as server:
        monkeypatch.setenv("OLLAMA_BASE_URL", server.url)
        error = refused("provider", "pull", "tiny")
    assert error.message.startswith("Ollama could not get tiny: ") and reason in error.message


@pytest.mark.usefixtures("no_ollama")
def test_without_ollama_the_pull_says_how_to_start_it() -> None:
    assert "ollama serve" in refused("provider", "pull", "tiny").advice


def test_what_ollama_says_cannot_move_the_cursor() -> None:
    output = io.StringIO()
    PullBar(output, is_terminal=True).show("\x1b[2Jgone\nand more", "", 0, 0)
    assert output.getvalue() == "\rgone and more\x1b[K"


def test_the_bar_grows_over_all_parts() -> None:
    output = io.StringIO()
    bar = PullBar(output, is_terminal=True)
    for step in STEPS:
        assert isinstance(step, dict)
        bar.show(step["status"], step.get("digest", ""), step.get("completed", 0), step.get("total", 0))
    bar.close()
    shown = [line.removesuffix("\x1b[K") for line in output.getvalue().rstrip("\n").split("\r")[1:]]
    assert [line.split()[1:3] for line in shown[1:5]] == [["0%", "0"], ["50%", "1.5"], ["100%", "3.0"], ["100%", "4.0"]]
    assert shown[-1] == "success"
    assert output.getvalue().endswith("\n")
