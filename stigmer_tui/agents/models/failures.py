"""What the failures of a model mean, in words, and which of them are worth a retry."""

from __future__ import annotations

import os

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

from stigmer_tui.agents.models.checked_stream import describe_page
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.models.faults import CutShortError, InvalidResponseError, StalledError, fault_in, message_in
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import without_credentials
from stigmer_tui.core.proxies import proxy_for
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.runners.outgoing import SettingUnusableError

MAX_DETAIL_LENGTH = 300

_RETRIED = ("", ", retried once", ", retried twice")


def explained(error: AgentRunError, choice: ModelChoice, redactor: Redactor, retries: int = 0) -> str:
    """Provider and model, what happened, and what to do, without the key and the secrets of the run."""
    hide_key = Redactor([choice.key]).text

    def hidden(text: str) -> str:
        return redactor.text(hide_key(text))

    # Redacted before it is cut, because a cut may leave a part of a secret.
    detail = hidden(_detail(error))[:MAX_DETAIL_LENGTH]
    happened = _what_happened(error, choice, f" ({detail})" if detail else "", _RETRIED[retries])
    if isinstance(fault := fault_in(error), InvalidResponseError):
        happened = f" {hidden(str(fault))[:MAX_DETAIL_LENGTH]}{_address(choice)}{_base_url_hint(choice)}"
    return hidden(f"{choice}{happened}")


def unusable(choice: ModelChoice, problem: str) -> str:
    """The explanation where a model was asked again, and had no usable answer then either."""
    return f"{choice} gave no usable answer, also when asked again: {problem}; ask for something else, or another model"


def retry_reason(error: ModelAPIError) -> str:
    """The reason of a retry, in a few words."""
    match fault_in(error) or error:
        case CutShortError():
            return "the answer broke off"
        case ModelHTTPError(status_code=429):
            return "rate limited (429)"
        case ModelHTTPError(status_code=status):
            return f"provider error {status}"
        case ModelRateLimitError():
            return "rate limited"
        case ModelConnectionError():
            return "no connection"
        case _:
            return "provider error"


def _what_happened(error: AgentRunError, choice: ModelChoice, detail: str, retried: str) -> str:
    """The explanation that follows the name of the model."""
    match fault_in(error):
        case SettingUnusableError() as fault:
            return f" cannot be reached{_address(choice)}: {fault}"
        case CutShortError() | StalledError() as fault:
            return f" {fault}{_address(choice)}{retried}; run it again"
    match error:
        case ModelAuthenticationError() if choice.stored or not choice.key:
            refused = "does not accept the stored key" if choice.stored else "wants a key"
            return (
                f" was refused: the provider{_address(choice)} {refused}; store the right one:"
                f" stigmer-tui secrets set {choice.provider.name}{detail}"
            )
        case ModelAuthenticationError():
            variable = choice.key_variable or choice.provider.key_variable or "the key"
            return (
                f" was refused: the provider does not accept the key; check {variable}, and let the daemon start again"
                f" with it: stigmer-tui server restart{detail}"
            )
        case ModelNotFoundError() if advice := choice.provider.when_missing:
            return f" is not there{_address(choice)}; {advice.format(model=choice.model)}{detail}"
        case ModelNotFoundError():
            return f" does not exist{_address(choice)}{_base_url_hint(choice) or '; choose another model'}{detail}"
        case ModelTimeoutError():
            return f" timed out: it did not answer{_address(choice)}{retried}; run it again{detail}"
        case ModelConnectionError() if error.phase in ("read", "write"):
            return f" was cut off in the middle of an answer{_address(choice)}{retried}; run it again{detail}"
        case ModelConnectionError():
            advice = choice.provider.when_unreachable or "check the network and the base URL"
            return f" cannot be reached{_way(choice)}{retried}; {advice}{detail}"
        case ModelRateLimitError():
            wait = f", retry in {error.retry_after:.0f} s" if error.retry_after else ""
            return f": {retry_reason(error)}{retried}{wait}{detail}"
        case ModelQuotaExceededError():
            return f" is refused: the credit of the account is used up; add some, or choose another model{detail}"
        case ModelUnavailableError() | ModelServerError():
            return f": {retry_reason(error)}{retried}{detail}"
        case ModelContextWindowExceededError():
            return f" cannot take a conversation of this length; start a new session{detail}"
        case ModelHTTPError():
            return f" rejected the request{detail}{_base_url_hint(choice)}"
        case ModelAPIError():
            hint = _base_url_hint(choice) if "endpoint" in error.message else ""
            return f" answered with an error{hint}{detail}"
        case OutputTokenLimitExceeded():
            return " reached the limit of its output before it had said anything usable; ask for less at a time"
        case ContentFilterError():
            return " gave no answer: a content filter of the provider held it back; say it differently"
        case _:
            return f" gave no usable answer ({error})"


def _address(choice: ModelChoice) -> str:
    return f" at {without_credentials(choice.base_url)}" if choice.base_url else ""


def _way(choice: ModelChoice) -> str:
    """The address, and the proxy on the way to it."""
    try:
        proxy = proxy_for(choice.base_url or choice.provider.address, os.environ)
    except StigmerError:
        return _address(choice)
    return _address(choice) + (f", through the proxy that {proxy.variable} names" if proxy else "")


def _base_url_hint(choice: ModelChoice) -> str:
    """A hint where the address may not be that of a model server."""
    if not choice.base_url:
        return ""
    if not choice.provider.is_gateway or choice.base_url.rstrip("/").endswith("/v1"):
        return "; check the base URL"
    return f"; check the base URL: most servers want it to end in /v1, {without_credentials(choice.base_url)}/v1"


def _detail(error: AgentRunError) -> str:
    """The provider's own message; empty if there is none."""
    if not isinstance(error, ModelAPIError):
        return ""
    status = f"{error.status_code}: " if isinstance(error, ModelHTTPError) else ""
    if not status and not error.body:
        return ""
    text = message_in(error.body) or str(error.body or error.message)
    if text.lstrip().startswith("<"):
        text = describe_page(text)
    return f"{status}{' '.join(text.split())}"


PAUSES = (1.0, 2.0)
"""Seconds before each retry, unless the provider asks for more."""
MAX_PAUSE = 60.0
"""Seconds. There is no retry if the provider asks for a longer pause."""

_TRANSIENT = (ModelRateLimitError, ModelServerError, ModelUnavailableError, ModelConnectionError)


def pause_after(error: ModelAPIError, retries: int) -> float | None:
    """Seconds before the next retry, after so many retries; None if there is none."""
    wanted = error.headers.get("x-should-retry") if isinstance(error, ModelHTTPError) and error.headers else None
    if retries >= len(PAUSES) or wanted == "false":
        return None
    if wanted != "true" and not _is_transient(error):
        return None
    pause = max(PAUSES[retries], error.retry_after or 0.0)
    return pause if pause <= MAX_PAUSE else None


_REFUSED = (ModelAuthenticationError, ModelNotFoundError, ModelContextWindowExceededError)


def is_unavailable(error: ModelAPIError) -> bool:
    """Whether the model is overloaded or cannot be reached, so that another may do; never for a refused request."""
    if isinstance(error, _REFUSED):
        return False
    return isinstance(fault_in(error), StalledError) or isinstance(error, ModelTimeoutError) or _is_transient(error)


def _is_transient(error: ModelAPIError) -> bool:
    if fault := fault_in(error):
        return isinstance(fault, CutShortError)
    if isinstance(error, ModelTimeoutError):
        # A timeout while waiting for a response has taken long already.
        return error.phase == "connect"
    if isinstance(error, ModelHTTPError) and error.status_code in (408, 409):
        return True
    return isinstance(error, _TRANSIENT)
