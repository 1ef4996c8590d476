"""Keeps garbage collections too short to be noticed.

A full collection visits every object, and a long run has millions of them. After a slow collection all objects are
frozen, which excludes them from later ones: reference counting still frees them, except cycles, of which a run has
none.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

from stigmer_tui.core.clock import Clock

MAX_PAUSE = 0.005
"""Seconds that a full collection may take without delaying a frame."""

FULL = 2
"""The generation of a full collection."""


class GcTuner:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = 0.0

    def begin(self) -> None:
        """Freezes everything loaded so far, and enables garbage collection."""
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
