"""What models cost, and how many tokens they take: the table beside this file, and what config.yaml says instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError

TABLE = Path(__file__).with_name("model_prices.toml")
SECTION = "prices"
"""Its key in config.yaml."""

_MILLION = 1_000_000
_DATED = re.compile(r"-(?:\d{8}|\d{4}-\d\d-\d\d|latest)\Z")


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars for a million tokens."""

    input: float
    output: float
    cached: float
    """For input that the provider had kept from an earlier request."""
    cache_write: float
    """For input that it keeps from this one."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """What one model costs and takes. Either may be unknown."""

    rates: Rates | None = None
    context: int = 0
    """Tokens that it takes at most; 0 if unknown."""
    long_over: int = 0
    """Input tokens above which a request costs the `long_rates`; 0 if there are none."""
    long_rates: Rates | None = None

    def cost(self, input_tokens: int, output_tokens: int, cached: int = 0, cache_write: int = 0) -> float | None:
        """US dollars of a request; None if unknown. `cached` and `cache_write` are parts of the input tokens."""
        is_long = self.long_rates is not None and input_tokens > self.long_over
        rates = self.long_rates if is_long else self.rates
        if rates is None:
            return None
        plain = max(0, input_tokens - cached - cache_write)
        dollars = plain * rates.input + cached * rates.cached + cache_write * rates.cache_write
        return (dollars + output_tokens * rates.output) / _MILLION


UNKNOWN = ModelPrice()

Prices = Mapping[str, ModelPrice]


def price_of(model: str, own: Prices) -> ModelPrice:
    """The price of a model, or of a dated version of it; `own` are those of the configuration."""
    family = _DATED.sub("", model)
    for prices in (own, shipped_prices()):
        for name in (model, family):
            if name in prices:
                return prices[name]
    return UNKNOWN


@cache
def shipped_prices() -> Prices:
    """Those of the table that comes with the program."""
    # Imported lazily: only the agent runner needs the table.
    import tomllib

    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: _price(values) for name, values in table.items()}


def configured_prices(file: ConfigurationFile) -> Prices:
    """Those of config.yaml. Raises StigmerError, with file and line, for one that is not valid."""
    document = file.document
    section = document.value.get(SECTION) if document and isinstance(document.value, dict) else None
    if section is None or document is None:
        return {}
    if not isinstance(section, dict):
        raise StigmerError(f"{file.where((SECTION,))} prices must hold models such as claude-sonnet-5-5: {{input: 2}}")
    for name, values in section.items():
        if problem := _problem(values):
            raise StigmerError(
                f"{file.where((SECTION, name))} the price of {name} {problem}",
                "US dollars for a million tokens, such as: {input: 2, output: 10, cached: 0.1, context: 200000}",
            )
    return {str(name): _price(values) for name, values in section.items()}


_KEYS = ("input", "output", "cached", "cache_write", "context")


def _problem(values: Any) -> str:
    if not isinstance(values, dict):
        return "must hold keys such as input and output"
    if unknown := [key for key in values if key not in _KEYS]:
        return f"has {unknown[0]!r}, which is none of {', '.join(_KEYS)}"
    if wrong := [key for key, value in values.items() if not _is_amount(value)]:
        return f"has {wrong[0]}: {values[wrong[0]]!r}, which is not a number"
    if ("input" in values) != ("output" in values):
        return "needs both input and output"
    return ""


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _price(values: Mapping[str, Any]) -> ModelPrice:
    long = values.get("long")
    return ModelPrice(
        _rates(values) if "input" in values else None,
        int(values.get("context", 0)),
        int(long["over"]) if long else 0,
        _rates({**values, **long}) if long else None,
    )


def _rates(values: Mapping[str, Any]) -> Rates:
    full = float(values["input"])
    return Rates(
        full, float(values["output"]), float(values.get("cached", full)), float(values.get("cache_write", full))
    )
