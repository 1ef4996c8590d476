"""What models were asked in a run, and what that has cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.units import count_text


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One answer of a model."""

    id: str
    model: str
    """Provider and model: `openai gpt-6-luna`."""
    asked_at: datetime | None = None
    ended_at: datetime | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    """Of the input."""
    output_tokens: int = 0
    cost: float | None = None
    """US dollars; None if the price is not known."""
    context_window: int = 0
    """Tokens that the model takes at most; 0 if not known."""


@dataclass(frozen=True, slots=True)
class Usage:
    calls: tuple[ModelCall, ...] = ()

    def with_calls(self, calls: Iterable[ModelCall]) -> Usage:
        """Each in place of the one with its id, or new at the end."""
        known = {call.id: call for call in self.calls}
        known.update({call.id: call for call in calls})
        return Usage(tuple(known.values()))

    @property
    def input_tokens(self) -> int:
        return sum(call.input_tokens for call in self.calls)

    @property
    def cached_tokens(self) -> int:
        return sum(call.cached_tokens for call in self.calls)

    @property
    def output_tokens(self) -> int:
        return sum(call.output_tokens for call in self.calls)

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price of any call that used tokens is not known."""
        counted = [call.cost for call in self.calls if call.input_tokens or call.output_tokens]
        known = [cost for cost in counted if cost is not None]
        return sum(known) if known and len(known) == len(counted) else None

    @property
    def context_share(self) -> float | None:
        """How much of its context window the latest answer has filled, up to 1; None if not known."""
        for call in reversed(self.calls):
            if call.context_window and call.input_tokens:
                return min(1.0, (call.input_tokens + call.output_tokens) / call.context_window)
        return None

    @property
    def is_counted(self) -> bool:
        """Whether a provider has counted any tokens; of a script there are none."""
        return any(call.input_tokens or call.output_tokens for call in self.calls)


NO_USAGE = Usage()


def usage_of_all(usages: Iterable[Usage]) -> Usage:
    """Of several executions together."""
    return Usage(tuple(call for usage in usages for call in usage.calls))


def usage_words(usage: Usage) -> Iterator[str]:
    """`4.2 k tokens`, `$0.0123`, `ctx 41 %`: as far as it is known."""
    if not usage.is_counted:
        return
    yield f"{count_text(usage.input_tokens + usage.output_tokens)} tokens"
    if usage.cost is not None:
        yield cost_text(usage.cost)
    if usage.context_share is not None:
        yield f"ctx {round(100 * usage.context_share)} %"


def usage_sentence(usage: Usage) -> str:
    """`4.2 k in (1.1 k cached), 340 out, $0.0123`; empty where nothing was counted."""
    if not usage.is_counted:
        return ""
    cached = f" ({count_text(usage.cached_tokens)} cached)" if usage.cached_tokens else ""
    cost = f", {cost_text(usage.cost)}" if usage.cost is not None else ""
    return f"{count_text(usage.input_tokens)} in{cached}, {count_text(usage.output_tokens)} out{cost}"


def cost_text(dollars: float) -> str:
    """`$0.0123`, `$1.20`; a little is never nothing."""
    if 0 < dollars < 0.0001:
        return "<$0.0001"
    return f"${dollars:.4f}" if dollars < 1 else f"${dollars:.2f}"
