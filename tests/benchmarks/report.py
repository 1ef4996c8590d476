"""What a benchmark prints: measured, budget, verdict."""

from __future__ import annotations

import sys


def heading(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")


def line(what: str, measured: float, unit: str, budget: float | None = None, note: str = "") -> None:
    """One figure. A budget is an upper bound in the same unit."""
    verdict = "" if budget is None else f"  budget {budget:g} {unit}  {'ok' if measured <= budget else 'MISSED'}"
    sys.stdout.write(f"  {what:<58}{measured:>10.2f} {unit:<6}{verdict}{'  ' + note if note else ''}\n")
    sys.stdout.flush()


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
