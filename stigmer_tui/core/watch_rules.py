"""What a save does while a project is watched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class When(StrEnum):
    """Which saves run again what is on the screen."""

    ALWAYS = "always"
    CHANGED = "changed"
    """Those that change it, or something that it depends on."""
    NEVER = "never"


class Queueing(StrEnum):
    """What a save does while a run goes on."""

    RESTART = "restart"
    """The run ends, and starts anew."""
    QUEUE = "queue"
    """The new run starts when the other one has ended."""
    IGNORE = "ignore"
    """It is deployed; nothing runs because of it."""


@dataclass(frozen=True, slots=True)
class WatchRules:
    when: When = When.CHANGED
    queueing: Queueing = Queueing.RESTART


USUAL = WatchRules()
