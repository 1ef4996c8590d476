"""A recorded stream, played by a server to a follower: one response after the other, in the order of the recording."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.json_format import ParseDict

from stigmer_tui.api.execution_pb2 import AttachedFileContent, CancelResponse, FollowRequest, FollowResponse
from stigmer_tui.api.execution_pb2_grpc import ExecutionControllerServicer, add_ExecutionControllerServicer_to_server
from stigmer_tui.client.connection import Connection
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.following import Follower
from stigmer_tui.workbench.model import ResourceKind

LIMIT = 60.0

RECORDINGS = Path(__file__).parent / "recordings"


Recording = list[tuple[str, FollowResponse]]
"""Ids of executions, and what a follower of each is sent."""


def recording(name: str) -> Recording:
    lines = (RECORDINGS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [(entry["execution"], ParseDict(entry["response"], FollowResponse())) for entry in entries]


class Player(ExecutionControllerServicer):
    def __init__(self, responses: Recording) -> None:
        self._responses = responses
        self.followed: list[str] = []
        self._turn = 0
        self._turned = asyncio.Condition()

    async def next(self) -> None:
        """The response that was played last has been taken."""
        async with self._turned:
            self._turn += 1
            self._turned.notify_all()

    async def follow(self, request: FollowRequest, context: Any) -> AsyncIterator[FollowResponse]:
        self.followed.append(request.execution_id)
        for number, (execution_id, response) in enumerate(self._responses):
            if execution_id == request.execution_id:
                async with self._turned:
                    while self._turn < number:
                        await self._turned.wait()
                yield response

    async def cancel(self, request: Any, context: Any) -> CancelResponse:
        raise AssertionError("nothing is cancelled in a recording")

    async def attachedFile(self, request: Any, context: Any) -> AttachedFileContent:  # noqa: N802 - as on the wire
        raise AssertionError("no files are read in a recording")


async def replay(
    responses: Recording, look: Callable[[Execution], None] = lambda execution: None
) -> tuple[Execution, list[str]]:
    """Follows the first execution of a recording to its end; `look` is called after each response.

    Returns the execution and the ids of all that were followed.
    """
    player = Player(responses)
    server = grpc.aio.server()
    add_ExecutionControllerServicer_to_server(player, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    async def locate() -> Endpoint:
        return Endpoint(f"127.0.0.1:{port}", "", is_ours=False)

    connection = Connection(locate)
    execution = Execution(ResourceKind.WORKFLOW, responses[0][0], "settle-orders")
    turns: set[asyncio.Task[None]] = set()

    def changed() -> None:
        look(execution)
        turns.add(asyncio.ensure_future(player.next()))

    try:
        async with asyncio.timeout(LIMIT):
            await Follower(connection, changed, lambda: None, Redactor([])).follow(execution)
            await asyncio.gather(*turns)
    finally:
        await connection.close()
        await server.stop(None)
    return execution, player.followed
