"""Decisions on tool calls that wait for approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stigmer_tui.api.approval_pb2 import Allowed, DecideRequest, DecideResponse, Decision, Denied
from stigmer_tui.api.approval_pb2_grpc import ApprovalControllerStub
from stigmer_tui.api.structs import to_struct
from stigmer_tui.client.connection import Connection, optional
from stigmer_tui.core.errors import StigmerError


async def allow(
    connection: Connection,
    execution_id: str,
    call_id: str,
    arguments: Mapping[str, Any] | None = None,
    is_for_run: bool = False,
) -> DecideResponse:
    """Allows a call, or the only one that waits if `call_id` is empty. Raises StigmerError."""
    args = to_struct(arguments) if arguments is not None else None
    decision = Decision(allowed=Allowed(args=args, all_of_run=is_for_run))
    return await _decide(connection, DecideRequest(execution_id=execution_id, call_id=call_id, decision=decision))


async def deny(connection: Connection, execution_id: str, call_id: str, reason: str) -> DecideResponse:
    """Denies a call, likewise."""
    decision = Decision(denied=Denied(reason=reason))
    return await _decide(connection, DecideRequest(execution_id=execution_id, call_id=call_id, decision=decision))


async def _decide(connection: Connection, request: DecideRequest) -> DecideResponse:
    response = await optional(connection.call(lambda channel: ApprovalControllerStub(channel).decide, request))
    if response is None:
        raise StigmerError(f"The server at {connection.address} has no approvals")
    return response
