"""Garbage collections that are too short to be seen.

A full collection looks at every object that there is, and a long run has millions of them. What one of them looked at
for too long is kept out of all that follow: it is still freed when nothing refers to it any more, and only garbage
that refers to itself stays, of which a run has none.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

from stigmer_tui.core.clock import Clock

MAX_PAUSE = 0.005
"""Seconds of a full collection that do not delay a frame."""

FULL = 2
"""The generation of a collection that looks at everything."""


class GcTuner:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = 0.0

    def begin(self) -> None:
        """What was loaded until now stays for good. Until then nothing need have been collected."""
        gc.collect()
        gc.freeze()
        gc.enable()
        gc.callbacks.append(self._collecting)

    def end(self) -> None:
        if self._collecting in gc.callbacks:
            gc.callbacks.remove(self._collecting)

    def _collecting(self, phase: str, about: Mapping[str, Any]) -> None:
        if about["generation"] != FULL:
            return
        if phase == "start":
            self._started = self._clock.monotonic()
        elif self._clock.monotonic() - self._started > MAX_PAUSE:
            gc.freeze()
