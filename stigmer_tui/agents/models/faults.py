"""What can be wrong with an answer that the provider does not tell itself, in words that follow the model's name.

They are errors of the transport for the providers' software, which wraps them; `fault_in` finds them again.
"""

from __future__ import annotations

import httpx2

from stigmer_tui.runners.outgoing import SettingUnusableError

MAX_EXCERPT = 10_000
"""Characters of what came. It is cut to a line's length only after secrets were taken out."""


class CutShortError(httpx2.RemoteProtocolError):
    """The answer ended without an end."""

    def __init__(self) -> None:
        super().__init__("was cut off in the middle of an answer")


class StalledError(httpx2.ReadTimeout):
    """Nothing came for so long that nothing is expected any more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"timed out: it sent nothing for {seconds:.0f} s")


class NotAnAnswerError(httpx2.RemoteProtocolError):
    """Something came that is no answer of a model, and asking again brings the same."""


Fault = CutShortError | StalledError | NotAnAnswerError | SettingUnusableError


def fault_in(error: BaseException | None) -> Fault | None:
    """The fault that led to an error, if one did."""
    while error is not None:
        if isinstance(error, Fault):
            return error
        error = error.__cause__ or error.__context__
    return None
