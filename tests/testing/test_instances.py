"""What an instance for tests has of the person's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.core.configuration import configuration_of
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.paths import Home
from stigmer_tui.testing.instance import own_environment
from stigmer_tui.testing.live import live_models


def test_settings_of_the_person_do_not_reach_it_but_keys_do() -> None:
    inherited = {
        "PATH": "/bin",
        "STIGMER_LISTEN": "0.0.0.0:7443",
        "SANDBOX_ROOT_DIR": "/home/ada",
        "STIGMER_NEW": "1",
        "OPENAI_API_KEY": "sk-1",
        "STIGMER_LLM_API_KEY": "sk-2",
    }
    assert own_environment(inherited) == {
        "PATH": "/bin",
        "OPENAI_API_KEY": "sk-1",
        "STIGMER_LLM_API_KEY": "sk-2",
    }


@pytest.mark.parametrize(
    ("environment", "provider", "base_url"),
    [({}, "ollama", "http://there:1"), ({"STIGMER_LLM_PROVIDER": "openai"}, "openai", "")],
    ids=["file", "environment"],
)
def test_a_live_one_asks_the_models_of_the_person(
    tmp_path: Path, environment: dict[str, str], provider: str, base_url: str
) -> None:
    """Of another provider than that of the file it does not take the address."""
    home = Home(tmp_path)
    filed = "provider: ollama, base_url: 'http://there:1', script: a.yaml, temperature: 0.5"
    text = f"organization: acme\nbackend: {{local: {{llm: {{{filed}}}}}}}\nprices: {{m: {{input: 1, output: 2}}}}\n"
    file = ConfigurationFile.parse(home.configuration, text)
    live = live_models(configuration_of(home, environment, file), file, {})
    other = Home(tmp_path / "other")
    read = configuration_of(other, {}, ConfigurationFile.parse(other.configuration, live.configuration))
    assert (read.model.provider, read.model.base_url, read.model.script) == (provider, base_url, tmp_path / "a.yaml")
    assert read.answers.temperature == 0.5
    assert read.prices.keys() == {"m"}
    assert read.organization == "local"
