"""Point 21: which keys of model providers a daemon takes from a person."""

from __future__ import annotations

import pytest

from stigmer_tui.core.model_providers import missing_keys, provider_keys


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, {}),
        ({"OPENAI_API_KEY": " ", "OPENAI_BASE_URL": "http://gateway"}, {}),
        ({"OPENAI_API_KEY": "k", "HOME": "/root"}, {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": ""}),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://gateway", "STIGMER_LLM_API_KEY": "s"},
            {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://gateway", "STIGMER_LLM_API_KEY": "s"},
        ),
    ],
)
def test_a_key_goes_with_its_address_and_with_nothing_else(environment: dict[str, str], found: dict[str, str]) -> None:
    assert provider_keys(environment) == found


def test_what_is_there_is_not_replaced() -> None:
    offered = {
        "OPENAI_API_KEY": "theirs",
        "OPENAI_BASE_URL": "http://theirs",
        "ANTHROPIC_API_KEY": "a",
        "PATH": "/evil",
    }
    assert missing_keys({"OPENAI_API_KEY": "own"}, offered) == {"ANTHROPIC_API_KEY": "a", "ANTHROPIC_BASE_URL": ""}
