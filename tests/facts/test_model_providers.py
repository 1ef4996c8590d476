"""A model provider is one entry, and agrees with what the agent framework knows of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic_ai.models import known_model_names, parse_model_id
from pydantic_ai.providers import infer_provider_class

from stigmer_tui.agents.models.adapters import Adapters
from stigmer_tui.agents.models.choice import ModelChooser
from stigmer_tui.agents.models.direct_calls import DirectCalls
from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.core.model_providers import ANTHROPIC, KEY_VARIABLES, PROVIDERS, ModelProvider, provider_keys
from tests.facts.sources import files_with

ASKED = [provider for provider in PROVIDERS if provider.framework]
KEYED = [provider for provider in PROVIDERS if provider.key_variable]
NAMED = [provider for provider in PROVIDERS if provider.pattern]


def name_of(provider: ModelProvider) -> str:
    return provider.name


def known_models(provider: ModelProvider) -> list[str]:
    """Names of this provider's models that the framework knows."""
    found = (parse_model_id(name) for name in known_model_names())
    return [model for framework, model in found if framework == provider.framework]


@pytest.mark.parametrize("provider", ASKED, ids=name_of)
async def test_the_framework_builds_its_model(provider: ModelProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*KEY_VARIABLES, provider.base_url_variable):
        monkeypatch.delenv(variable, raising=False)
    chooser = ModelChooser(ModelSettings(provider.name), {provider.key_variable: "key"}, Path("config.yaml"))
    model = await Adapters().model(chooser.choose())
    assert model.model_name == provider.default_model
    assert isinstance(model._provider, infer_provider_class(provider.framework))
    assert "profile" in vars(model)
    assert model.base_url is not None and model.base_url.startswith(provider.address)
    client = model._provider.client
    calls = client.beta.messages if provider is ANTHROPIC else client.chat.completions
    assert isinstance(calls, DirectCalls)
    assert str(calls.url).startswith(provider.address)


@pytest.mark.parametrize("provider", NAMED, ids=name_of)
def test_its_models_are_known_by_their_names_and_are_nobody_elses(provider: ModelProvider) -> None:
    assert provider.default_model in known_models(provider)
    for model in known_models(provider):
        assert [other.name for other in PROVIDERS if other.serves(model)] == [provider.name], model


@pytest.mark.parametrize("provider", KEYED, ids=name_of)
def test_its_key_is_handed_to_the_daemon_with_its_address(provider: ModelProvider) -> None:
    environment = {provider.key_variable: "key", provider.base_url_variable: "http://here"}
    assert provider_keys(environment) == environment


@pytest.mark.parametrize("provider", ASKED, ids=name_of)
def test_its_variables_and_its_model_are_named_in_one_file(provider: ModelProvider) -> None:
    for fact in filter(None, (provider.key_variable, provider.base_url_variable, provider.default_model)):
        assert files_with(f"""["']{re.escape(fact)}["']""") == ["stigmer_tui/core/model_providers.py"], fact
