"""What the failures of a model mean, and what to do about each, in a line for people."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    OutputTokenLimitExceeded,
)

from stigmer_tui.agents.models.choice import KEY_VARIABLES, ModelChoice, Provider
from stigmer_tui.core.redaction import Redactor

LONGEST_DETAIL = 300


def in_words(error: AgentRunError, choice: ModelChoice, redactor: Redactor) -> str:
    """Provider and model, what happened, and what to do; without the key and the secrets of the run."""
    # What the provider said is redacted before it is cut, which may leave half a secret.
    hide = Redactor([choice.key]).text
    detail = redactor.text(hide(_detail(error)))
    detail = f" ({detail[:LONGEST_DETAIL]})" if detail else ""
    return redactor.text(hide(f"{choice} {_what_happened(error, choice, detail)}"))


def _what_happened(error: AgentRunError, choice: ModelChoice, detail: str) -> str:
    match error:
        case ModelAuthenticationError():
            variable = choice.key_variable or KEY_VARIABLES.get(choice.provider, "the key")
            return f"was refused: the provider does not accept the key; check {variable}{detail}"
        case ModelNotFoundError() if choice.provider is Provider.OLLAMA:
            return f"is not there{_address(choice)}; get it with: ollama pull {choice.model}{detail}"
        case ModelNotFoundError():
            return f"does not exist{_address(choice)}; choose another model{detail}"
        case ModelTimeoutError():
            return f"did not answer in time{_address(choice)}; run it again{detail}"
        case ModelConnectionError() if error.phase in ("read", "write"):
            return f"was cut off in the middle of an answer{_address(choice)}; run it again{detail}"
        case ModelConnectionError() if choice.provider is Provider.OLLAMA:
            return f"cannot be reached{_address(choice)}; start it with: ollama serve{detail}"
        case ModelConnectionError():
            return f"cannot be reached{_address(choice)}; check the network and the base URL{detail}"
        case ModelRateLimitError():
            wait = f"in {error.retry_after:.0f} s" if error.retry_after else "in a while"
            return f"is refused for now, because of a rate limit; run it again {wait}{detail}"
        case ModelQuotaExceededError():
            return f"is refused: the credit of the account is used up{detail}"
        case ModelUnavailableError() | ModelServerError():
            return f"failed, through no fault of the request; run it again in a while{detail}"
        case ModelContextWindowExceededError():
            return f"cannot take a conversation of this length; start a new session{detail}"
        case ModelAPIError():
            return f"rejected the request{detail}"
        case OutputTokenLimitExceeded():
            return "reached the limit of its output before it had said anything usable"
        case ContentFilterError():
            return "gave no answer: a content filter of the provider held it back"
        case _:
            return f"gave no usable answer, also when asked again ({error})"


def _address(choice: ModelChoice) -> str:
    return f" at {choice.base_url}" if choice.base_url else ""


def _detail(error: AgentRunError) -> str:
    """What the provider itself said, where it said something."""
    if not isinstance(error, ModelHTTPError):
        return ""
    text = _message(error.body) or str(error.body or "")
    return f"{error.status_code}: {' '.join(text.split())}"


def _message(body: object) -> str:
    """The message in the shapes in which providers send it: `{"error": {"message": …}}` and its parts."""
    match body:
        case {"error": Mapping() | str() as inner}:
            return _message(inner)
        case {"message": str() as message}:
            return message
        case str():
            return body
        case _:
            return ""
