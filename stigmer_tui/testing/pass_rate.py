"""How often a test passes, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z = 1.96
"""Standard deviations that 95 % of a normal distribution lie within."""


@dataclass(frozen=True, slots=True)
class PassRate:
    passes: int
    runs: int

    @property
    def rate(self) -> float:
        return self.passes / self.runs if self.runs else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval: where the true rate lies with a confidence of 95 %."""
        if not self.runs:
            return 0.0, 1.0
        spread = Z * Z / self.runs
        middle = (self.rate + spread / 2) / (1 + spread)
        margin = Z / (1 + spread) * sqrt(self.rate * (1 - self.rate) / self.runs + spread / (4 * self.runs))
        return max(0.0, middle - margin), min(1.0, middle + margin)

    def __str__(self) -> str:
        """`7/10 (40–89 %)`"""
        low, high = self.interval
        return f"{self.passes}/{self.runs} ({low * 100:.0f}–{high * 100:.0f} %)"
