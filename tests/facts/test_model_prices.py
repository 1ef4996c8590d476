"""The table of prices is right by what the agent framework knows, and config.yaml wins over it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from genai_prices import calc_price
from genai_prices.types import Usage

from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_prices import ModelPrice, Rates, price_of, shipped_prices
from stigmer_tui.core.model_providers import PROVIDERS, find_provider

PRICED = sorted(shipped_prices())
AS_OF = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.mark.parametrize("model", PRICED)
@pytest.mark.parametrize(("tokens", "cached"), [(1_000, 400), (300_000, 100_000)])
def test_a_request_costs_what_the_framework_says(model: str, tokens: int, cached: int) -> None:
    provider = next(provider for provider in PROVIDERS if provider.serves(model))
    usage = Usage(input_tokens=tokens, cache_read_tokens=cached, output_tokens=2_000)
    expected = calc_price(usage, model, provider_id=provider.name, genai_request_timestamp=AS_OF)
    assert price_of(model, {}).cost(tokens, 2_000, cached) == pytest.approx(float(expected.total_price))


def test_the_default_models_with_keys_have_a_price_and_a_context() -> None:
    for name in ("anthropic", "openai"):
        provider = find_provider(name)
        assert provider is not None
        price = price_of(provider.default_model, {})
        assert price.rates is not None
        assert price.context


def test_a_dated_version_costs_what_its_family_does_and_another_model_nothing_that_is_known() -> None:
    assert price_of("claude-sonnet-4-5-20250929", {}) == price_of("claude-sonnet-4-5", {})
    assert price_of("gpt-4o-2024-08-06", {}) == price_of("gpt-4o", {})
    assert price_of("qwen2.5-coder:7b", {}) == ModelPrice()
    assert price_of("qwen2.5-coder:7b", {}).cost(10, 10) is None


def test_the_configuration_wins(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "prices:\n  mine: {input: 1, output: 3, context: 8192}\n  gpt-4o: {context: 9}\n"
    )
    own = load_configuration({"STIGMER_HOME": str(tmp_path)}).prices
    assert price_of("mine", own) == ModelPrice(Rates(1, 3, 1, 1), 8192)
    assert price_of("mine", own).cost(1_000_000, 1_000_000) == 4
    assert price_of("gpt-4o", own) == ModelPrice(None, 9)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("5", "config.yaml:1 prices must hold models"),
        ("{mine: 5}", "config.yaml:1 the price of mine must hold keys"),
        ("{mine: {inptu: 5}}", "config.yaml:1 the price of mine has 'inptu'"),
        ("{mine: {input: 5}}", "config.yaml:1 the price of mine needs both input and output"),
        ("{mine: {input: 5, output: free}}", "config.yaml:1 the price of mine has output: 'free'"),
    ],
)
def test_a_price_that_is_none_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"prices: {text}\n")
    with pytest.raises(StigmerError) as refusal:
        load_configuration({"STIGMER_HOME": str(tmp_path)})
    assert refusal.value.message.startswith(problem)
