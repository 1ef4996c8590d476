"""Tests that ask real models: which ones, how often, and what an instance needs for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """Those that are configured in a home."""
    model = configuration.model
    settings = {
        "provider": model.provider,
        "model": model.model,
        "base_url": model.base_url,
        "script": str(model.script or ""),
    }
    data: dict[str, Any] = {}
    if given := {name: value for name, value in settings.items() if value}:
        data["backend"] = {"local": {"llm": given}}
    if file.document is not None and (prices := file.document.value.get(SECTION)):
        data[SECTION] = prices
    return LiveModels(to_yaml(data) if data else "", keys)
