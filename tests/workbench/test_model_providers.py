"""The providers as the app asks for them: by the program's own commands, in processes of their own."""

from __future__ import annotations

import os
from contextlib import aclosing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_providers import PROVIDERS
from stigmer_tui.workbench.model_providers import ProviderCommands, PullStep
from tests.cli.model_server import ModelServer, model_server


@pytest.mark.e2e
async def test_providers_are_listed_chosen_and_tested(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "STIGMER_HOME": str(tmp_path / "home"),
        "OLLAMA_BASE_URL": "http://127.0.0.1:9",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    commands = ProviderCommands(environment)
    assert [view.name for view in await commands.list()] == [provider.name for provider in PROVIDERS]
    assert (await commands.use("anthropic")).startswith("✓ Agents use anthropic")
    (used,) = [view for view in await commands.list() if view.is_used]
    assert (used.name, used.needs_key) == ("anthropic", True)
    with pytest.raises(StigmerError, match="No key for anthropic"):
        await commands.test("anthropic")
    with pytest.raises(StigmerError, match="so ANTHROPIC_API_KEY was not stored") as caught:
        await commands.store_key("anthropic", "sk-0123456789abcdef")
    assert "With --file" in caught.value.advice


STEPS: list[dict[str, Any]] = [
    {"status": "pulling manifest"},
    {"status": "pulling aa", "digest": "sha256:aa", "total": 3_000_000, "completed": 1_500_000},
    {"status": "pulling bb", "digest": "sha256:bb", "total": 1_000_000, "completed": 1_000_000},
]


@pytest.mark.e2e
@pytest.mark.parametrize("last", [{"status": "success"}, {"error": "no such model"}])
async def test_a_model_is_fetched_step_by_step(tmp_path: Path, last: dict[str, Any]) -> None:
    steps: list[PullStep] = []
    with model_server(ModelServer(steps=[*STEPS, last])) as server:
        environment = {
            "PATH": os.environ["PATH"],
            "STIGMER_HOME": str(tmp_path / "home"),
            "OLLAMA_BASE_URL": server.url,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        refused = pytest.raises(StigmerError, match="could not get tiny: no such model")
        with refused if "error" in last else nullcontext():
            async with aclosing(ProviderCommands(environment).pull("tiny")) as pulled:
                async for step in pulled:
                    steps.append(step)  # noqa: PERF401 - those before an error count
    assert steps[:3] == [
        PullStep("pulling manifest", 0, 0),
        PullStep("pulling aa", 1_500_000, 3_000_000),
        PullStep("pulling bb", 2_500_000, 4_000_000),
    ]
