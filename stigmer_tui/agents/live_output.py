"""Output of a command while it runs: handed on as it comes, without secrets, and no faster than a person can follow."""

from __future__ import annotations

import asyncio
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from stigmer_tui.agents.texts import well_formed
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.units import size_text

AT_ONCE = 16_000
"""Bytes that are handed on together, of those that have come since the last time the last ones."""

RATE = 64_000
"""Bytes a second at most: after so many, the next ones wait for so long."""

Receive = Callable[[bytes], None]


def _ignore(data: bytes) -> None:
    """Nobody looks at the output before its end."""


_receiver: ContextVar[Receive] = ContextVar("receiver", default=_ignore)


def output_receiver() -> Receive:
    """What takes the output of the call that is being made."""
    return _receiver.get()


@contextmanager
def received_output(redactor: Redactor, show: Callable[[str], None]) -> Iterator[None]:
    """Commands that are run in the block show their output as it comes."""
    output = LiveOutput(redactor, show)
    token = _receiver.set(output.add)
    try:
        yield
    finally:
        _receiver.reset(token)
        output.close()


class LiveOutput:
    """Of one call."""

    def __init__(self, redactor: Redactor, show: Callable[[str], None]) -> None:
        self._redactor = redactor
        self._show = show
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._new = bytearray()
        self._left_out = 0
        """Bytes before the new ones that are not shown."""
        self._kept_back = ""
        """The end of what was shown so far, which may be the beginning of a secret."""
        self._loop = asyncio.get_running_loop()
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, data: bytes) -> None:
        """Takes output, to be shown as soon as its rate allows it."""
        self._new += data
        if len(self._new) > 2 * AT_ONCE:
            self._leave_out()
        if data and self._timer is None:
            self._timer = self._loop.call_at(max(self._next_at, self._loop.time()), self._hand_on)

    def close(self) -> None:
        """Shows the rest."""
        if self._timer is not None:
            self._timer.cancel()
        self._hand_on(is_last=True)

    def _hand_on(self, is_last: bool = False) -> None:
        self._timer = None
        self._leave_out()
        self._next_at = self._loop.time() + len(self._new) / RATE
        gap = f"\n… {size_text(self._left_out)} left out …\n" if self._left_out else ""
        text = self._kept_back + gap + self._decoder.decode(bytes(self._new), is_last)
        self._new.clear()
        self._left_out = 0
        end = len(text) if is_last else self._redactor.settled(text)
        self._kept_back = text[end:]
        # What was left out may have cut a secret.
        if shown := well_formed(self._redactor.cut_text(text[:end])):
            self._show(shown)

    def _leave_out(self) -> None:
        surplus = max(0, len(self._new) - AT_ONCE)
        del self._new[:surplus]
        self._left_out += surplus
