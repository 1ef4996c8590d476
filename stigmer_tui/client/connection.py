"""The way to a server: opened when it is first needed, found again after it was lost; streams that survive the loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

import grpc
from grpc.aio import AioRpcError, Channel, UnaryUnaryMultiCallable

from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.idempotency import IDEMPOTENCY_KEY
from stigmer_tui.client.endpoint import Endpoint, ping
from stigmer_tui.client.errors import OutcomeUnknown, ServerGone, Unimplemented, explained, unreachable
from stigmer_tui.core.errors import StigmerError

Request = TypeVar("Request")
Response = TypeVar("Response")

CALL_LIMIT = 10.0
"""Seconds for a call that should take milliseconds."""

READY_LIMIT = 1.0
"""Seconds in which a connection stands, or a server that is alive says so."""

CREATE_LIMIT = 25.0
"""Seconds after which what should happen once is not asked for again."""

Locate = Callable[[], Awaitable[Endpoint]]
"""Finds the server, and starts it where that is ours to do. Raises StigmerError when there is none."""


class Connection:
    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._opening = asyncio.Lock()
        self._channel: Channel | None = None
        self._endpoint: Endpoint | None = None

    @property
    def address(self) -> str:
        """host:port, once it is known."""
        return self._endpoint.address if self._endpoint else ""

    async def channel(self) -> Channel:
        async with self._opening:
            if self._channel is None:
                self._endpoint = await self._locate()
                self._channel = open_channel(self._endpoint.address, self._endpoint.token, self._endpoint.is_ours)
            return self._channel

    async def check(self) -> None:
        """Returns when the server has answered. Raises StigmerError."""
        channel = await self.channel()
        try:
            await ping(channel)
        except AioRpcError as error:
            await self.lost(channel)
            raise explained(error, self.address) from error

    async def call(
        self, method: Callable[[Channel], UnaryUnaryMultiCallable[Request, Response]], request: Request
    ) -> Response:
        """Finds the server again when it cannot be reached. Raises StigmerError."""
        channel = await self.channel()
        try:
            return await method(channel)(request, timeout=CALL_LIMIT)
        except AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise explained(error, self.address) from error
            await self.lost(channel)
        try:
            return await method(await self.channel())(request, timeout=CALL_LIMIT)
        except AioRpcError as error:
            raise explained(error, self.address) from error

    async def create(
        self, method: Callable[[Channel], UnaryUnaryMultiCallable[Request, Response]], request: Request
    ) -> Response:
        """As `call`, for what must happen once: the request has a name, by which a server knows it when it comes again.

        Raises OutcomeUnknown when there is no answer, or none from a server that does not know such names.
        """
        name = ((IDEMPOTENCY_KEY, uuid4().hex),)
        is_asked = False
        now = asyncio.get_running_loop().time
        end = now() + CREATE_LIMIT
        while now() < end:
            channel = await self._found(is_asked)
            try:
                await asyncio.wait_for(channel.channel_ready(), READY_LIMIT)
                if is_asked and not await self._knows_names(channel):
                    break
                return await method(channel)(request, timeout=CALL_LIMIT, metadata=name)
            except TimeoutError:
                await self.lost(channel)
            except AioRpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                    raise explained(error, self.address) from error
                is_asked = True
                await self.lost(channel)
        raise OutcomeUnknown(self.address) if is_asked else unreachable(self.address)

    async def _found(self, is_asked: bool) -> Channel:
        try:
            return await self.channel()
        except StigmerError as error:
            if is_asked:
                raise OutcomeUnknown(self.address) from error
            raise

    async def _knows_names(self, channel: Channel) -> bool:
        """Whether the same request can be sent again: to a server of ours."""
        # Rarely needed, and every command loads this module.
        from stigmer_tui.api.daemon_pb2 import StatusRequest
        from stigmer_tui.api.daemon_pb2_grpc import DaemonControllerStub

        try:
            await DaemonControllerStub(channel).status(StatusRequest(), timeout=CALL_LIMIT)
        except AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return False
            raise
        return True

    async def lost(self, channel: Channel) -> None:
        """The server behind this channel does not answer; the next call looks for it anew."""
        async with self._opening:
            if self._channel is channel:
                self._channel = None
                await channel.close()

    async def close(self) -> None:
        async with self._opening:
            if self._channel is not None:
                await self._channel.close()
                self._channel = None


@asynccontextmanager
async def connected(locate: Locate) -> AsyncIterator[Connection]:
    connection = Connection(locate)
    try:
        yield connection
    finally:
        await connection.close()


async def optional(call: Awaitable[Response]) -> Response | None:
    """The answer, or None from a server that does not know the method."""
    try:
        return await call
    except Unimplemented:
        return None


PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between attempts to find a server again; the last one is kept."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The connection is lost and is being looked for; what was missed comes when it is found."""

    attempt: int


async def resumed(
    connection: Connection, start: Callable[[Channel], AsyncIterator[Response]]
) -> AsyncGenerator[Response | Interrupted, None]:
    """One stream after the other, for ever: each that ends, or breaks off, was ended by a server that stops.

    Raises StigmerError when a server refuses, and when there is none to come back to.
    """
    failures = 0
    while True:
        channel = await connection.channel()
        try:
            async for response in start(channel):
                failures = 0
                yield response
        except ServerGone:
            pass
        except AioRpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise explained(error, connection.address) from error
        await connection.lost(channel)
        yield Interrupted(failures)
        await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
        failures += 1
