"""An agent of a project in an editor, by the official client of the Agent Client Protocol."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import acp
import pytest
from acp.schema import AllowedOutcome, DeniedOutcome, RequestPermissionResponse

from tests.e2e.world import PROGRAM, World

CODE = """\
from stigmer_tui.sdk import Agent

Agent("keeper", instructions="Keep notes.", script="keeper.yaml")
"""
SCRIPT = """\
messages:
  - - say: "I will write that down."
      call:
        write_todos: { todos: [{ content: Write it, status: in_progress }] }
    - call: { write_file: { file_path: /tea.md, content: Assam } }
    - call: { edit_file: { file_path: /tea.md, old_string: Assam, new_string: Gunpowder } }
    - say: "It is written."
  - - call: { execute: { command: "sleep 600" } }
  - - say: "You said {{message}}."
"""


class Editor:
    """What the agent says and does, in the order in which it is told."""

    def __init__(self) -> None:
        self.updates: list[Any] = []
        self.asked: list[str] = []
        self.allows: list[str] = []
        self.changed = asyncio.Event()

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.updates.append(update)
        self.changed.set()

    async def request_permission(self, session_id: str, tool_call: Any, options: Any, **_: Any) -> Any:
        self.asked.append(tool_call.title)
        allowed = self.allows.pop(0) if self.allows else ""
        outcome = (
            AllowedOutcome(outcome="selected", option_id=allowed) if allowed else DeniedOutcome(outcome="cancelled")
        )
        return RequestPermissionResponse(outcome=outcome)

    def text(self) -> str:
        return "".join(one.content.text for one in self.updates if one.session_update == "agent_message_chunk")

    def kinds(self) -> list[str]:
        return [update.session_update for update in self.updates]

    async def until(self, kind: str) -> None:
        while kind not in self.kinds():
            self.changed.clear()
            await self.changed.wait()


@asynccontextmanager
async def editor(world: World, folder: Path, *arguments: str) -> AsyncIterator[tuple[Editor, Any]]:
    one = Editor()
    command = [*PROGRAM, "acp", *arguments]
    async with acp.spawn_agent_process(one, sys.executable, *command, env=world.environment, cwd=folder) as (agent, _):  # type: ignore[arg-type]
        await agent.initialize(protocol_version=acp.PROTOCOL_VERSION)
        yield one, agent


def project(world: World, code: str = CODE) -> Path:
    folder = world.project(code)
    (folder / "keeper.yaml").write_text(SCRIPT, encoding="utf-8")
    return folder


async def test_a_conversation_with_calls_approvals_and_a_cancellation_is_told_and_loaded_again(world: World) -> None:
    folder = project(world)
    (folder / "Stigmer.yaml").write_text("name: shop\nruntime: python\napprove: [edit_file]\n", encoding="utf-8")
    async with editor(world, folder) as (one, agent):
        session = (await agent.new_session(cwd=str(folder), mcp_servers=[])).session_id
        one.allows = ["allow-run"]
        answer = await agent.prompt(session_id=session, prompt=[acp.text_block("Buy tea")])
        assert answer.stop_reason == "end_turn"
        assert one.text() == "I will write that down.It is written."
        assert one.asked == ["edit_file /tea.md"]
        assert [update.entries[0].content for update in one.updates if update.session_update == "plan"] == ["Write it"]
        started = {one.title.split()[0]: one.kind for one in one.updates if one.session_update == "tool_call"}
        assert started == {"write_file": "edit", "edit_file": "edit"}
        diff = next(part for call in one.updates for part in getattr(call, "content", None) or [] if is_diff(part))
        assert Path(diff.path).name == "tea.md"
        assert content_of(diff.path) == "Gunpowder"
        one.updates.clear()
        prompting = asyncio.create_task(agent.prompt(session_id=session, prompt=[acp.text_block("Wait")]))
        await one.until("tool_call")
        await agent.cancel(session_id=session)
        assert (await prompting).stop_reason == "cancelled"
    async with editor(world, folder, "keeper") as (one, agent):
        listed = await agent.list_sessions(cwd=str(folder))
        assert session in [each.session_id for each in listed.sessions]
        await agent.load_session(cwd=str(folder), session_id=session, mcp_servers=[])
        said = [one.content.text for one in one.updates if one.session_update == "user_message_chunk"]
        assert said == ["Buy tea", "Wait"]
        assert one.text().startswith("I will write that down.")
        assert one.kinds().index("tool_call") > one.kinds().index("agent_message_chunk")
        one.updates.clear()
        assert (await agent.prompt(session_id=session, prompt=[acp.text_block("hello")])).stop_reason == "end_turn"
        assert one.text()


def content_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def is_diff(part: Any) -> bool:
    return getattr(part, "type", "") == "diff"


async def test_what_cannot_be_is_refused_and_harms_no_other_session(world: World) -> None:
    folder = project(world)
    async with editor(world, folder) as (one, agent):
        session = (await agent.new_session(cwd=str(folder), mcp_servers=[])).session_id
        with pytest.raises(acp.RequestError, match="There is no session ses_unknown"):
            await agent.prompt(session_id="ses_unknown", prompt=[acp.text_block("x")])
        with pytest.raises(acp.RequestError, match="Only texts are taken, not image"):
            await agent.prompt(session_id=session, prompt=[acp.image_block("AA==", "image/png")])
        (folder / "main.py").write_text("1 / 0\n", encoding="utf-8")
        with pytest.raises(acp.RequestError, match=r"(?s)main\.py:1.*ZeroDivisionError"):
            await agent.prompt(session_id=session, prompt=[acp.text_block("x")])
        (folder / "main.py").write_text(CODE, encoding="utf-8")
        await agent.prompt(session_id=session, prompt=[acp.text_block("Buy tea")])
        assert one.text().endswith("It is written.")
    async with editor(world, folder, "nobody") as (_, agent):
        with pytest.raises(acp.RequestError, match="not found: nobody"):
            await agent.new_session(cwd=str(folder), mcp_servers=[])


def test_garbage_is_answered_by_the_protocol_and_the_end_of_input_ends_it(world: World) -> None:
    folder = project(world)
    process = world.started("acp", cwd=folder)
    try:
        out, err = process.communicate('no json\n{"jsonrpc": "2.0", "id": 1, "method": "nothing"}\n', timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert "Traceback" not in out + err
    assert '"id":1' in out.replace(" ", "")
    assert process.returncode == 0
