"""The recordings that this process plays, and the place of each run in its own."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_tui.definition.recording import (
    RecordedAgent,
    RecordedCall,
    RecordedTurn,
    load_recording,
    misfit,
)


class Recordings:
    """Of a process. Each recorded run of an agent is played once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left: dict[str, list[RecordedAgent]] = {}

    def take(self, name: str, agent: str, message: str) -> Playback:
        """What is played for an agent that is asked this.

        Raises StigmerError where the recording has nothing for it, with what it was asked then.
        """
        if name not in self._left:
            self._left[name] = list(load_recording(self._folder, name).agents)
        left = self._left[name]
        of_agent = [recorded for recorded in left if recorded.agent == agent]
        if not of_agent:
            raise misfit(f"it has no more answers of {agent}")
        recorded = next((each for each in of_agent if each.message.strip() == message.strip()), None)
        if recorded is None:
            raise misfit(f"{agent} is asked something else", difference(of_agent[0].message, message))
        left.remove(recorded)
        return Playback(recorded)


@dataclass(slots=True)
class Playback:
    """A recorded run of an agent, while it is played."""

    recorded: RecordedAgent
    _calls: dict[str, RecordedCall] = field(default_factory=dict)
    """Those of the turns that were played, by their ids."""

    def turn(self, number: int) -> RecordedTurn:
        """Raises StigmerError after the last one."""
        turns = self.recorded.turns
        if number >= len(turns):
            raise misfit(f"{self.recorded.agent} asks for turn {number + 1}, and {len(turns)} were recorded")
        return turns[number]

    def check_uses(self, uses: Sequence[str]) -> None:
        """Raises StigmerError, with what has changed, if the agent worked with something else then."""
        if sorted(uses) != sorted(self.recorded.uses):
            changes = difference("\n".join(sorted(self.recorded.uses)), "\n".join(sorted(uses)))
            raise misfit(f"what {self.recorded.agent} works with has changed", changes)

    def check(self, instructions: str, tools: Sequence[str]) -> None:
        """Raises StigmerError, with what has changed, if the model was asked in another way then."""
        agent = self.recorded.agent
        if instructions.strip() != self.recorded.instructions.strip():
            raise misfit(
                f"the instructions of {agent} have changed", difference(self.recorded.instructions, instructions)
            )
        if sorted(tools) != sorted(self.recorded.tools):
            added = [f"+ {name}" for name in sorted(set(tools) - set(self.recorded.tools))]
            gone = [f"- {name}" for name in sorted(set(self.recorded.tools) - set(tools))]
            raise misfit(f"the tools of {agent} have changed", "\n".join([*gone, *added]))

    def expect(self, call_id: str, call: RecordedCall) -> None:
        """The call is made next."""
        self._calls[call_id] = call

    def call(self, call_id: str) -> RecordedCall | None:
        """The call whose answer is played; None for one that is really made."""
        call = self._calls.get(call_id)
        return call if call is not None and call.is_played else None


def difference(before: str, after: str) -> str:
    """The lines that differ, with - and +."""
    lines: Iterable[str] = difflib.ndiff(before.strip().splitlines(), after.strip().splitlines())
    return "\n".join(line.rstrip() for line in lines if line[:2] in ("- ", "+ "))
