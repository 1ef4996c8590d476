"""Tests that ask real models: which ones, how often, and what an instance needs for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stigmer_tui.core import settings
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.model_prices import SECTION
from stigmer_tui.core.yaml_output import to_yaml


@dataclass(frozen=True, slots=True)
class LiveModels:
    """The models of the person who runs the tests, for an instance with a home of its own."""

    configuration: str
    """Its config.yaml."""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Keys of providers that are stored, by the variables that they stand for."""


@dataclass(frozen=True, slots=True)
class HowToRun:
    """How tests are run; by default once, on their recordings."""

    repeat: int = 1
    min_pass: float = 1.0
    """The part of the runs of a test that is to pass."""
    live: LiveModels | None = None
    """None for the recordings."""
    models: tuple[str, ...] = ("",)
    """Each test is run with each of them; an empty name stands for the model that the code asks for."""


ONCE_OFFLINE = HowToRun()


def live_models(configuration: Configuration, file: ConfigurationFile, keys: Mapping[str, str]) -> LiveModels:
    """Those that are configured in a home, whose file this is."""
    model, answers = configuration.model, configuration.answers
    named = {
        settings.PROVIDER: model.provider,
        settings.MODEL: model.model,
        settings.BASE_URL: model.base_url,
        settings.SCRIPT: str(model.script or ""),
        settings.TEMPERATURE: answers.temperature,
        settings.MAX_TOKENS: answers.max_tokens or None,
    }
    data: dict[str, Any] = {}
    for setting, value in named.items():
        if value not in ("", None):
            place = data
            for key in setting.keys[:-1]:
                place = place.setdefault(key, {})
            place[setting.keys[-1]] = value
    if file.document is not None and (prices := file.document.value.get(SECTION)):
        data[SECTION] = prices
    return LiveModels(to_yaml(data) if data else "", keys)
