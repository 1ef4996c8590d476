"""A trial call of a model, on the way that agents take: what is wrong, and how to mend it."""

from __future__ import annotations

import asyncio

from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ModelRequest

from stigmer_tui.agents.models.adapters import Adapters
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.models.failures import explained
from stigmer_tui.core.redaction import Redactor

QUESTION = "Answer with one word: are you there?"

TRIAL_LIMIT = 60.0
"""Seconds. A local model may have to be loaded first."""


async def try_model(choice: ModelChoice) -> str:
    """Asks one short question. Returns what is wrong, in words; empty where the model has answered."""
    model = await Adapters().model(choice)
    try:
        async with (
            asyncio.timeout(TRIAL_LIMIT),
            model_request_stream(model, [ModelRequest.user_text_prompt(QUESTION)]) as response,
        ):
            async for _ in response:
                pass
    except AgentRunError as error:
        return explained(error, choice, Redactor([]))
    except TimeoutError:
        return f"{choice} gave no answer within {TRIAL_LIMIT:.0f} s; try again"
    return ""
