"""The way to a server: opened when it is first needed, and found again after it was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import grpc
from grpc.aio import AioRpcError, Channel, UnaryUnaryMultiCallable

from stigmer_tui.api.channel import open_channel
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.client.errors import Unimplemented, explained
from stigmer_tui.client.probe import sign_of_life

Request = TypeVar("Request")
Response = TypeVar("Response")

CALL_LIMIT = 10.0
"""Seconds for a call that should take milliseconds."""

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
            await sign_of_life(channel)
        except AioRpcError as error:
            await self.lost(channel)
            raise explained(error, self.address) from error

    async def call(
        self,
        method: Callable[[Channel], UnaryUnaryMultiCallable[Request, Response]],
        request: Request,
        repeat: bool = True,
    ) -> Response:
        """Finds the server again when it cannot be reached. Raises StigmerError.

        `repeat=False` is for calls that must not be made twice: the server is asked for a sign of life first.
        """
        channel = await self.channel()
        try:
            if not repeat:
                await asyncio.wait_for(channel.channel_ready(), CALL_LIMIT / 10)
            return await method(channel)(request, timeout=CALL_LIMIT)
        except TimeoutError:
            await self.lost(channel)
        except AioRpcError as error:
            if not repeat or error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise explained(error, self.address) from error
            await self.lost(channel)
        try:
            return await method(await self.channel())(request, timeout=CALL_LIMIT)
        except AioRpcError as error:
            raise explained(error, self.address) from error

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
