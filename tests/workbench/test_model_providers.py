"""The providers as the app asks for them: by the program's own commands, in processes of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_providers import PROVIDERS
from stigmer_tui.workbench.model_providers import ProviderCommands


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
