"""What a run has spent on models so far, and the limits that end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stigmer_tui.agents.journal import AgentJournal
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.api.model_call_pb2 import ModelCall
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_prices import Prices, price_of
from stigmer_tui.core.run_limits import MAX_STEPS, RunLimits
from stigmer_tui.core.units import count_text, plural

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse


class LimitReachedError(StigmerError):
    """The run ends here, with what was done so far."""

    @classmethod
    def of(cls, agent: str, limit: str, name: str, spent: str = "") -> LimitReachedError:
        return cls(
            f"{agent} has reached its limit of {limit}{spent}; what it did so far stays. "
            f"A higher one: --limit {name}=…, or `limits` in Stigmer.yaml"
        )


class Spending:
    """Of one execution, its sub-agents included, also those that have ended before a restart of the runner."""

    def __init__(self, limits: RunLimits, prices: Prices, record: AgentJournal) -> None:
        self.limits = limits
        self._prices = prices
        self._record = record
        self._spent = dict(record.spending())

    def note(self, execution_id: str, call: ModelCall) -> None:
        """A model has answered, or an answer was read again from the journal."""
        calls = self._spent.setdefault(execution_id, {})
        calls[call.id] = (call.input_tokens + call.output_tokens, call.cost)

    async def keep(self, execution_id: str) -> None:
        """Keeps what a sub-agent has spent that ends. Returns when that is durable."""
        if calls := self._spent.get(execution_id):
            await self._record.end_spending(execution_id, calls)

    def call(
        self, call_id: str, choice: ModelChoice, response: ModelResponse, asked_at: str, ended_at: str
    ) -> ModelCall:
        """The record of a response. Nothing is counted for a script."""
        call = ModelCall(id=call_id, model=str(choice), asked_at=asked_at, ended_at=ended_at)
        if choice.is_scripted:
            return call
        usage, price = response.usage, price_of(choice.model, self._prices)
        call.input_tokens = usage.input_tokens
        call.cached_tokens = usage.cache_read_tokens
        call.output_tokens = usage.output_tokens
        call.context_window = price.context
        cost = price.cost(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
        if cost is not None and usage.has_values():
            call.cost = cost
        return call

    def context_window(self, choice: ModelChoice) -> int:
        """Tokens that a model takes at most; 0 if that is not known."""
        return price_of(choice.model, self._prices).context

    def check(self, agent: str, steps: int) -> None:
        """Before a model is asked, after so many steps. Raises LimitReachedError."""
        limits = self.limits
        calls = [call for calls in self._spent.values() for call in calls.values()]
        tokens, cost = sum(tokens for tokens, _ in calls), sum(cost for _, cost in calls)
        if steps >= (limits.steps or MAX_STEPS):
            raise LimitReachedError.of(agent, plural(limits.steps or MAX_STEPS, "step"), "steps")
        if limits.tokens and tokens >= limits.tokens:
            raise LimitReachedError.of(
                agent, f"{count_text(limits.tokens)} tokens", "tokens", f": it has used {count_text(tokens)}"
            )
        if limits.cost and cost >= limits.cost:
            raise LimitReachedError.of(agent, f"${limits.cost:g}", "cost", f": it has cost ${cost:.4f}")
