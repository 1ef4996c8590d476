"""Tool calls that wait until a person has decided whether they are made.

The wait leaves no trace that another runner would depend on: it is repeated after an interruption, and the server
answers at once if there is a decision. A decision is in the journal before anything is done because of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from grpc.aio import Channel

from stigmer_tui.agents.journal import CallDecision
from stigmer_tui.agents.run import AgentRun
from stigmer_tui.api.approval_pb2 import Decision, Denied, WaitRequest
from stigmer_tui.api.approval_pb2_grpc import ApprovalRunnerControllerStub
from stigmer_tui.api.approvals import ApprovalState
from stigmer_tui.api.runner_pb2 import AgentAssignment
from stigmer_tui.api.structs import to_data
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.definition import extensions
from stigmer_tui.definition.approved_tools import unknown_tools
from stigmer_tui.runners.attachment import response_for
from stigmer_tui.runners.lease import Lease

Decide = Callable[[Lease, str], Awaitable[Decision]]
"""Waits for the decision on the call with this id."""


def server_decisions(channel: Channel) -> Decide:
    """Decisions come from the server."""
    stub = ApprovalRunnerControllerStub(channel)

    async def decide(lease: Lease, call_id: str) -> Decision:
        return await response_for(lease, stub.wait(WaitRequest(lease_id=lease.id, call_id=call_id)))

    return decide


async def denied_in_tests(lease: Lease, call_id: str) -> Decision:
    """In a test nobody is asked."""
    return Decision(denied=Denied(reason="This call needs an approval, and nobody is there to give it in a test"))


def policy_of(assignment: AgentAssignment, configured: ApprovalPolicy) -> ApprovalPolicy:
    """That of the run, else of the agent, else the configured one. Raises StigmerError for one that is not valid."""
    for place, metadata in (("run", assignment.execution.metadata), ("agent", assignment.agent.metadata)):
        if text := metadata.annotations.get(extensions.APPROVE):
            return ApprovalPolicy.parse(text, f"approve of the {place}")
    return configured


def unknown_tools_note(assignment: AgentAssignment, policy: ApprovalPolicy, known: frozenset[str]) -> str:
    """What to tell a person of names that no tool has, now that the MCP servers are up; empty if there are none.

    The configuration, a project and a workflow may name tools of other agents: of theirs, only what looks misspelled.
    """
    is_of_this_run = extensions.APPROVE in assignment.execution.metadata.annotations and not assignment.HasField(
        "config"
    )
    unknown = [f"{name}{hint}" for name, hint in unknown_tools(policy, known).items() if hint or is_of_this_run]
    return f"No tool waits for approval by the name {'; '.join(unknown)}" if unknown else ""


@dataclass(frozen=True, slots=True)
class Approvals:
    """The approvals of one run."""

    run: AgentRun
    policy: ApprovalPolicy
    decide: Decide

    async def decision(self, call_id: str, tool: str) -> CallDecision | None:
        """What a person has decided on a call, after waiting for it; None if the call needs no approval."""
        decision = self.run.record.decision(call_id)
        if decision is None and self._must_wait(call_id, tool):
            decision = await self._wait(call_id, tool)
        if decision is None:
            return None
        if decision.is_for_run:
            await self.run.allowed.add(tool)
        self.run.transcript.show_approval(call_id, _state(decision))
        return decision

    def _must_wait(self, call_id: str, tool: str) -> bool:
        record = self.run.record
        has_begun = bool(record.call_start(call_id)) or record.call_end(call_id) is not None
        return self.policy.needs_approval(tool) and tool not in self.run.allowed and not has_begun

    async def _wait(self, call_id: str, tool: str) -> CallDecision:
        self.run.transcript.show_approval(call_id, ApprovalState.WAITING)
        # The server accepts a decision only on a call that it knows to wait.
        await self.run.reporter.flush()
        async with self.run.time.standing_still(f"{self.run.lease.execution_id}/{call_id}"):
            made = await self._decided(call_id, tool)
        if made is None:
            decision = CallDecision(self.run.now(), is_allowed=True)
        elif made.HasField("denied"):
            decision = CallDecision(self.run.now(), is_allowed=False, reason=made.denied.reason)
        else:
            arguments = to_data(made.allowed.args) if made.allowed.HasField("args") else None
            decision = CallDecision(self.run.now(), True, arguments=arguments, is_for_run=made.allowed.all_of_run)
        await self.run.record.end_decision(call_id, self._without_secrets(decision))
        return decision

    async def _decided(self, call_id: str, tool: str) -> Decision | None:
        """What a person decides on the call; None if the tool is allowed for the run meanwhile, in another call."""
        deciding = asyncio.ensure_future(self.decide(self.run.lease, call_id))
        allowed = asyncio.create_task(self.run.allowed.wait_for(tool))
        try:
            await asyncio.wait([deciding, allowed], return_when=asyncio.FIRST_COMPLETED)
            return deciding.result() if deciding.done() else None
        finally:
            unfinished = [task for task in (deciding, allowed) if not task.done()]
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    def _without_secrets(self, decision: CallDecision) -> CallDecision:
        redactor = self.run.lease.redactor
        arguments = redactor.data(decision.arguments) if decision.arguments is not None else None
        return replace(decision, arguments=arguments, reason=redactor.text(decision.reason))


def _state(decision: CallDecision) -> ApprovalState:
    if not decision.is_allowed:
        return ApprovalState.DENIED
    return ApprovalState.ALLOWED if decision.arguments is None else ApprovalState.CHANGED


def denial(decision: CallDecision) -> str:
    """What the model is told of a call that was denied."""
    return f"The call was denied: {decision.reason}" if decision.reason else "The call was denied."


def changed_arguments(original: dict[str, Any], shown: dict[str, Any], decision: CallDecision) -> dict[str, Any]:
    """What a person has made of the arguments; one that is as it was shown stays as the model wrote it, as secrets are
    not shown.
    """
    return {
        name: original[name] if name in original and shown.get(name) == value else value
        for name, value in (decision.arguments or {}).items()
    }
