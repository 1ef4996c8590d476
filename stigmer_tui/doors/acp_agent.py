"""`acp`: an agent of a project in editors, by the Agent Client Protocol over standard input and output."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import acp
from acp.schema import (
    AgentCapabilities,
    AllowedOutcome,
    EmbeddedResourceContentBlock,
    Implementation,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PermissionOption,
    PromptCapabilities,
    PromptResponse,
    ResourceContentBlock,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionInfo,
    SessionListCapabilities,
    SessionResumeCapabilities,
    TextContentBlock,
    ToolCallUpdate,
    Usage,
)

from stigmer_tui import __version__
from stigmer_tui.api.agent_pb2 import Agent as StoredAgent
from stigmer_tui.api.kinds import AGENT
from stigmer_tui.client import sessions
from stigmer_tui.client.errors import NotFound
from stigmer_tui.client.resources import get_by_id
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.doors.acp_updates import RunUpdates, kind_of, title_of
from stigmer_tui.doors.open_project import OpenProject, open_project
from stigmer_tui.project.project_file import project_folder
from stigmer_tui.workbench.approvals import Allow, Deny, Verdict, WaitingCall
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, RunState
from stigmer_tui.workbench.state import RunInput, ShownRun

MAX_SESSIONS = 100
"""That are listed, the newest ones."""

BY_CLIENT = "cancelled in the editor"

ALLOW_ONCE, ALLOW_RUN, DENY = "allow-once", "allow-run", "deny"

OPTIONS = [
    PermissionOption(option_id=ALLOW_ONCE, name="Allow", kind="allow_once"),
    PermissionOption(option_id=ALLOW_RUN, name="Allow in this run", kind="allow_always"),
    PermissionOption(option_id=DENY, name="Deny", kind="reject_once"),
]


@dataclass(slots=True)
class Conversation:
    """A session of the client, which is one of ours."""

    project: OpenProject
    agent: Resource
    last: str = ""
    """Id of its last execution; empty before the first."""
    running: Execution | None = None


class AcpAgent:
    def __init__(self, name: str, organization: str) -> None:
        """`name` of the agent; empty for the only one of a project."""
        self._name = name
        self._organization = organization
        self._projects: dict[Path, OpenProject] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._conversations: dict[str, Conversation] = {}
        self._client: acp.Client | None = None

    async def close(self) -> None:
        await self._stack.aclose()

    def on_connect(self, conn: acp.Client) -> None:
        self._client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        return InitializeResponse(
            protocol_version=min(protocol_version, acp.PROTOCOL_VERSION),
            agent_info=Implementation(name="stigmer-tui", title="Stigmer", version=__version__),
            agent_capabilities=AgentCapabilities(
                load_session=True,
                prompt_capabilities=PromptCapabilities(embedded_context=True),
                session_capabilities=SessionCapabilities(
                    list=SessionListCapabilities(), resume=SessionResumeCapabilities()
                ),
            ),
        )

    async def new_session(self, cwd: str, **_: Any) -> NewSessionResponse:
        try:
            project = await self._project(cwd)
            agent = await self._agent(project)
            async with project.connection() as connection:
                stored = await get_by_id(connection, AGENT, agent.id)
                instance = stored.status.default_instance_id if isinstance(stored, StoredAgent) else ""
                session = await sessions.create(connection, instance, agent.organization)
        except StigmerError as error:
            raise _refusal(error) from error
        self._conversations[session.metadata.id] = Conversation(project, agent)
        return NewSessionResponse(session_id=session.metadata.id)

    async def load_session(self, cwd: str, session_id: str, **_: Any) -> LoadSessionResponse:
        """Tells the client all that was said and done."""
        shown = await self._reopened(cwd, session_id)
        for execution in shown.conversation if shown else ():
            await self._update(session_id, acp.update_user_message_text(execution.message))
            for update in self._updates(session_id, execution).new():
                await self._update(session_id, update)
        return LoadSessionResponse()

    async def resume_session(self, session_id: str, cwd: str, **_: Any) -> ResumeSessionResponse:
        await self._reopened(cwd, session_id)
        return ResumeSessionResponse()

    async def list_sessions(self, cwd: str | None = None, **_: Any) -> ListSessionsResponse:
        try:
            project = await self._project(cwd or str(Path.cwd()))
            async with project.connection() as connection:
                found = await sessions.newest(connection, MAX_SESSIONS)
        except StigmerError as error:
            raise _refusal(error) from error
        folder = str(project.session.folder)
        return ListSessionsResponse(
            sessions=[
                SessionInfo(
                    session_id=session.metadata.id,
                    cwd=cwd or folder,
                    title=session.spec.subject or None,
                    updated_at=session.status.audit.spec_audit.updated_at.ToJsonString(),
                )
                for session in found
            ]
        )

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        conversation = self._conversation(session_id)
        if conversation.running is not None:
            raise acp.RequestError(-32600, "The agent is still at its last message; cancel it first")
        message = "\n\n".join(_block_text(block) for block in prompt)
        try:
            shown = await self._send(session_id, conversation, message)
            execution = conversation.running = shown.execution
            await self._follow(session_id, conversation, shown)
        except StigmerError as error:
            raise _refusal(error) from error
        finally:
            conversation.running = None
        conversation.last = execution.id
        if execution.state is RunState.FAILED:
            raise acp.RequestError(-32603, f"The run has failed: {execution.error}", {"execution_id": execution.id})
        is_cancelled = execution.state is RunState.CANCELLED
        return PromptResponse(stop_reason="cancelled" if is_cancelled else "end_turn", usage=_usage(execution))

    async def cancel(self, session_id: str, **_: Any) -> None:
        conversation = self._conversations.get(session_id)
        if conversation is not None and conversation.running is not None:
            await conversation.project.cancel(conversation.running, BY_CLIENT)

    async def _send(self, session_id: str, conversation: Conversation, message: str) -> ShownRun:
        project = conversation.project
        if conversation.last:
            return await project.continue_after(conversation.last, message)
        conversation.agent = await self._agent(project)
        return await project.begin(conversation.agent, RunInput(message), session_id)

    async def _follow(self, session_id: str, conversation: Conversation, shown: ShownRun) -> None:
        """Until the end, and until the client has been told of it."""
        updates = self._updates(session_id, shown.execution)
        ask = partial(self._verdict, session_id)
        async with aclosing(conversation.project.told(shown, lambda _: updates.new(), ask)) as told:
            async for update in told:
                await self._update(session_id, update)
        for update in (*updates.new(), *updates.usage()):
            await self._update(session_id, update)

    async def _verdict(self, session_id: str, waiting: WaitingCall) -> Verdict:
        call = ToolCallUpdate(
            tool_call_id=waiting.call.id,
            title=title_of(waiting.call),
            kind=kind_of(waiting.call),
            raw_input=waiting.call.input,
        )
        response = await self._require_client().request_permission(session_id, call, OPTIONS)
        match response.outcome:
            case AllowedOutcome(option_id=chosen) if chosen in (ALLOW_ONCE, ALLOW_RUN):
                return Allow(is_for_run=chosen == ALLOW_RUN)
            case _:
                return Deny("denied in the editor")

    async def _reopened(self, cwd: str, session_id: str) -> ShownRun | None:
        """The conversation so far; None where nothing was said yet."""
        try:
            project = await self._project(cwd)
            async with project.connection() as connection:
                await sessions.get(connection, session_id)
                has_begun = await sessions.newest_execution(connection, session_id) is not None
            shown = await project.open(session_id) if has_begun else None
            agent = shown.resource if shown else await self._agent(project)
        except NotFound:
            raise acp.RequestError(-32002, f"There is no session {session_id}") from None
        except StigmerError as error:
            raise _refusal(error) from error
        self._conversations[session_id] = Conversation(project, agent, shown.execution.id if shown else "")
        return shown

    async def _project(self, cwd: str) -> OpenProject:
        """Each is opened once."""
        folder = project_folder(Path(cwd))
        async with self._opening:
            if folder not in self._projects:
                opened = await self._stack.enter_async_context(open_project(folder, self._organization))
                self._projects[folder] = opened
        return self._projects[folder]

    async def _agent(self, project: OpenProject) -> Resource:
        """With the latest code. Raises StigmerError where it is not clear which one is meant."""
        if self._name:
            found = await project.resource(self._name)
            if found.kind is not ResourceKind.AGENT:
                raise StigmerError(f"{found.name} is a workflow, which has no conversation", "Name an agent.")
            return found
        agents = [each for each in await project.resources() if each.kind is ResourceKind.AGENT]
        if len(agents) == 1:
            return agents[0]
        if not agents:
            raise StigmerError(f"There is no agent in {project.session.folder}", "Define one, or open another folder.")
        names = ", ".join(agent.slug for agent in agents)
        raise StigmerError(f"There are several agents: {names}", "Name one: stigmer-tui acp NAME")

    def _conversation(self, session_id: str) -> Conversation:
        if (found := self._conversations.get(session_id)) is None:
            raise acp.RequestError(-32002, f"There is no session {session_id}; load it first")
        return found

    def _updates(self, session_id: str, execution: Execution) -> RunUpdates:
        home = self._conversations[session_id].project.session.configuration.home
        return RunUpdates(execution, home.workspace / execution.session)

    async def _update(self, session_id: str, update: Any) -> None:
        await self._require_client().session_update(session_id, update)

    def _require_client(self) -> acp.Client:
        if self._client is None:
            raise RuntimeError("nobody has connected")
        return self._client


async def serve_agent(name: str, organization: str) -> None:
    """Until the client hangs up."""
    agent = AcpAgent(name, organization)
    try:
        await acp.run_agent(agent)  # type: ignore[arg-type] # the methods that it lacks are no capability of it
    finally:
        await agent.close()


def _block_text(block: Any) -> str:
    """Raises RequestError for what is no text."""
    match block:
        case TextContentBlock(text=text):
            return str(text)
        case ResourceContentBlock(uri=uri):
            return f"[{uri}]"
        case EmbeddedResourceContentBlock(resource=resource) if hasattr(resource, "text"):
            return f'<file uri="{resource.uri}">\n{resource.text}\n</file>'
        case _:
            raise acp.RequestError(-32602, f"Only texts are taken, not {getattr(block, 'type', 'what this is')}")


def _usage(execution: Execution) -> Usage | None:
    usage = execution.usage
    if not usage.is_counted:
        return None
    return Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
        cached_read_tokens=usage.cached_tokens,
    )


def _refusal(error: StigmerError) -> acp.RequestError:
    return acp.RequestError(-32603, str(error))
