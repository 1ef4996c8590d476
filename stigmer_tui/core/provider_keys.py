"""Environment variables with the keys of model providers, and what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping

BASE_URLS = {
    "ANTHROPIC_API_KEY": "ANTHROPIC_BASE_URL",
    "OPENAI_API_KEY": "OPENAI_BASE_URL",
    "STIGMER_LLM_API_KEY": "",
}
"""By the variable of a key, that of the address which the key is for; empty where the configuration says it."""


def provider_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys that are there, each with the address that it is for: no key may go to another one."""
    found = {}
    for name, base_url in BASE_URLS.items():
        if key := environment.get(name, "").strip():
            found[name] = key
            if base_url:
                found[base_url] = environment.get(base_url, "").strip()
    return found


def lacking(environment: Mapping[str, str], offered: Mapping[str, str]) -> dict[str, str]:
    """Of the keys that somebody offers, those that an environment has not."""
    own = provider_keys(environment)
    return provider_keys({name: value for name, value in offered.items() if name not in own})
