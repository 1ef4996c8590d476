"""Recordings: which one is played for whom, and what is said where the code asks otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_tui.agents.run import instructions_for
from stigmer_tui.agents.scripts.recordings import Playback, Recordings
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Assignment
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition import extensions
from stigmer_tui.definition.recording import (
    MISFIT,
    RecordedAgent,
    RecordedCall,
    RecordedTurn,
    Recording,
    recording_data,
)
from stigmer_tui.definition.support import TOOLS
from tests.agents.conftest import Agents, assignment

SAYS = RecordedTurn("Done")
CLERK = RecordedAgent("clerk", "Hello", "Be kind.", ("ls", "glob"), (SAYS,))


def put(folder: Path, *agents: RecordedAgent, name: str = "one") -> Recordings:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(recording_data(Recording(agents))), encoding="utf-8")
    return Recordings(folder)


def test_each_recorded_run_is_played_once_for_the_message_that_it_answers(tmp_path: Path) -> None:
    other = replace(CLERK, message="Bye")
    recordings = put(tmp_path, CLERK, other, other)
    assert recordings.take("one", "clerk", "Bye\n").recorded == other
    assert recordings.take("one", "clerk", "Hello").recorded == CLERK
    with pytest.raises(StigmerError) as error:
        recordings.take("one", "clerk", "Hello")
    assert error.value.message == f"{MISFIT}: clerk is asked something else\n- Bye\n+ Hello"
    recordings.take("one", "clerk", "Bye")
    with pytest.raises(StigmerError, match="it has no more answers of clerk"):
        recordings.take("one", "clerk", "Bye")


@pytest.mark.parametrize("name", ["two", "../one", ""])
def test_only_recordings_of_the_folder_are_played(tmp_path: Path, name: str) -> None:
    put(tmp_path / "inner", CLERK)
    put(tmp_path, CLERK)
    with pytest.raises(StigmerError, match="There is no recording"):
        Recordings(tmp_path / "inner").take(name, "clerk", "Hello")


def test_what_has_changed_is_named() -> None:
    playback = Playback(CLERK)
    playback.check("Be kind.\n", ["glob", "ls"])
    with pytest.raises(StigmerError, match=r"the instructions of clerk have changed\n- Be kind.\n. Be short.$"):
        playback.check("Be short.", ["glob", "ls"])
    with pytest.raises(StigmerError, match=r"the tools of clerk have changed\n- glob\n. grep$"):
        playback.check("Be kind.", ["grep", "ls"])
    with pytest.raises(StigmerError, match="clerk asks for turn 2, and 1 were recorded"):
        playback.turn(1)


def test_what_an_agent_works_with_is_compared_too() -> None:
    playback = Playback(replace(CLERK, uses=("sub-agent reader: Reads", "MCP server stock: grams")))
    playback.check_uses(["MCP server stock: grams", "sub-agent reader: Reads"])
    with pytest.raises(StigmerError) as error:
        playback.check_uses(["MCP server stock", "sub-agent reader: Reads"])
    assert error.value.message == (
        f"{MISFIT}: what clerk works with has changed\n- MCP server stock: grams\n+ MCP server stock"
    )


def playing(recording: str) -> Assignment:
    """A run that plays a recording."""
    work = assignment(message="Hello")
    work.agent.execution.metadata.annotations[extensions.RECORDING] = recording
    return work


async def test_calls_with_an_answer_are_not_made_and_others_are(agents: Agents) -> None:
    """Without a model, a key or a script; what is played is kept as any answer, so that it can be exported again."""
    command = RecordedCall("execute", {"command": "touch made"}, answer="made it")
    write = RecordedCall("write_file", {"file_path": "/b.md", "content": "b"})
    work = playing("one")
    agent = work.agent.agent
    recorded = RecordedAgent(
        agent=agent.metadata.slug or agent.metadata.name,
        message="Hello",
        instructions=instructions_for(agent.spec.instructions),
        tools=tuple(TOOLS),
        turns=(RecordedTurn("Look", (command, write)), SAYS),
    )
    put(agents.home.recordings, recorded)
    ledger = await agents.run(work)
    assert (ledger.phase, ledger.status.error) == (Phase.COMPLETED, "")
    assert [call.result for call in ledger.status.tool_calls] == ["made it", "Wrote /b.md, 1 line"]
    assert sorted(path.name for path in agents.folder.iterdir()) == ["b.md"]
    exchange = {field.name: field.pieces for field in ledger.requests[0].exchange}
    assert json.loads(ledger.pieces[exchange["say"][0]]) == "Look"
    assert [json.loads(ledger.pieces[call])["tool"] for call in exchange["calls"]] == ["execute", "write_file"]


async def test_a_run_that_names_a_recording_that_is_not_there_fails_without_asking_anybody(agents: Agents) -> None:
    ledger = await agents.run(playing("none"))
    assert ledger.phase is Phase.FAILED
    assert "There is no recording none here" in ledger.status.error
