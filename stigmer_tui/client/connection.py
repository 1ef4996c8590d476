"""The connection to a server: opened at the first call, found again after a loss; streams that resume after a loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

import grpc
from grpc.aio import AioRpcError, Channel, Metadata, UnaryUnaryMultiCallable, UsageError

from stigmer_tui.api.idempotency import IDEMPOTENCY_KEY
from stigmer_tui.client.endpoint import Endpoint, ping
from stigmer_tui.client.errors import (
    OutcomeUnknown,
    ServerGone,
    Unimplemented,
    explained,
    is_behind_proxy,
    rejected_token,
    unreachable,
)
from stigmer_tui.core.errors import StigmerError

Request = TypeVar("Request")
Response = TypeVar("Response")

CALL_LIMIT = 10.0
"""Seconds for a call that should take milliseconds."""

READY_LIMIT = 1.0
"""Seconds to wait for a connection."""

CREATE_LIMIT = 25.0
"""Seconds after which a request that must happen only once is not repeated."""

Locate = Callable[[], Awaitable[Endpoint]]
"""Finds the server, and starts our own daemon if need be. Raises StigmerError when there is none."""


class Connection:
    """Calls to one server, which is located again whenever it cannot be reached."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._opening = asyncio.Lock()
        self._channel: Channel | None = None
        self._endpoint: Endpoint | None = None

    @property
    def address(self) -> str:
        """host:port; empty before the first call."""
        return self._endpoint.address if self._endpoint else ""

    async def channel(self) -> Channel:
        """The open channel. Raises StigmerError when there is no server."""
        async with self._opening:
            if self._channel is None:
                self._endpoint = await self._locate()
                self._channel = self._endpoint.open()
            return self._channel

    async def check(self) -> None:
        """Checks that the server responds. Raises StigmerError."""
        channel = await self.channel()
        try:
            with _closing_is_a_loss():
                await ping(channel)
        except AioRpcError as error:
            await self.lost(channel)
            raise await self.explained(error) from error

    async def call(
        self, method: Callable[[Channel], UnaryUnaryMultiCallable[Request, Response]], request: Request
    ) -> Response:
        """Sends a request; locates the server again, once, if it cannot be reached. Raises StigmerError."""
        channel = await self.channel()
        try:
            with _closing_is_a_loss():
                return await method(channel)(request, timeout=CALL_LIMIT)
        except AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise await self.explained(error) from error
            await self.lost(channel)
        channel = await self.channel()
        try:
            with _closing_is_a_loss():
                return await method(channel)(request, timeout=CALL_LIMIT)
        except AioRpcError as error:
            raise await self.explained(error) from error

    async def create(
        self, method: Callable[[Channel], UnaryUnaryMultiCallable[Request, Response]], request: Request
    ) -> Response:
        """As `call`, for what must happen only once: an idempotency key lets our own server recognize a repetition.

        Raises OutcomeUnknown when it is not known whether the server has received the request.
        """
        key = ((IDEMPOTENCY_KEY, uuid4().hex),)
        is_sent = False
        now = asyncio.get_running_loop().time
        end = now() + CREATE_LIMIT
        while now() < end:
            channel = await self._locate_for_create(is_sent)
            try:
                with _closing_is_a_loss():
                    await asyncio.wait_for(channel.channel_ready(), READY_LIMIT)
                    if is_sent and not await self._knows_idempotency_keys(channel):
                        break
                    return await method(channel)(request, timeout=CALL_LIMIT, metadata=key)
            except TimeoutError:
                await self.lost(channel)
            except AioRpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                    raise await self.explained(error) from error
                is_sent = True
                await self.lost(channel)
        raise OutcomeUnknown(self.address) if is_sent else await self._unreachable()

    async def explained(self, error: AioRpcError) -> StigmerError:
        """In words for people. Looks at the server's TLS where it cannot be reached."""
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            return await self._unreachable()
        if error.code() is grpc.StatusCode.UNAUTHENTICATED and self._endpoint and self._endpoint.context:
            return rejected_token(self.address, self._endpoint.context, bool(self._endpoint.token))
        return explained(error, self.address)

    async def _unreachable(self) -> ServerGone:
        if self._endpoint is None or self._endpoint.is_ours or is_behind_proxy(self.address):
            return unreachable(self.address)
        # Imported lazily: a server of ours speaks plaintext, and most connections succeed.
        from stigmer_tui.client.tls_diagnosis import diagnose

        return await diagnose(self._endpoint) or unreachable(self.address)

    async def _locate_for_create(self, is_sent: bool) -> Channel:
        try:
            return await self.channel()
        except StigmerError as error:
            if is_sent:
                raise OutcomeUnknown(self.address) from error
            raise

    async def _knows_idempotency_keys(self, channel: Channel) -> bool:
        """Whether the request can be repeated, which only our own server allows."""
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
        """Closes a channel whose server does not respond; the next call locates the server again."""
        async with self._opening:
            if self._channel is channel:
                self._channel = None
                await channel.close()

    async def close(self) -> None:
        """Closes the channel; a later call would open another one."""
        async with self._opening:
            if self._channel is not None:
                await self._channel.close()
                self._channel = None


@contextmanager
def _closing_is_a_loss() -> Iterator[None]:
    """Raises AioRpcError for what was under way on a channel that another call has found lost, and closed.

    grpc cancels it, and raises what would be raised if the task had been cancelled, which would end it in silence.
    """
    try:
        yield
    except (asyncio.CancelledError, UsageError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task and task.cancelling():
            raise
        message = "the channel was closed"
        raise AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata(), message) from error


@asynccontextmanager
async def connected(locate: Locate) -> AsyncIterator[Connection]:
    """A connection that is closed at the end of the block."""
    connection = Connection(locate)
    try:
        yield connection
    finally:
        await connection.close()


async def optional(call: Awaitable[Response]) -> Response | None:
    """The response, or None from a server that does not implement the method."""
    try:
        return await call
    except Unimplemented:
        return None


PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between attempts to find a server again; the last pause is repeated."""


@dataclass(frozen=True, slots=True)
class StreamInterrupted:
    """The connection is lost. When it is back, the stream resumes without gaps."""

    attempt: int
    """Attempts to reconnect since the last response."""


async def resumed(
    connection: Connection, start: Callable[[Channel], AsyncIterator[Response]]
) -> AsyncGenerator[Response | StreamInterrupted, None]:
    """The responses of a stream that is started again whenever it ends or breaks off, as it does when the server stops.

    Raises StigmerError when the server refuses, and when it cannot be located again.
    """
    failures = 0
    while True:
        channel = await connection.channel()
        try:
            with _closing_is_a_loss():
                async for response in start(channel):
                    failures = 0
                    yield response
        except ServerGone:
            pass
        except AioRpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise await connection.explained(error) from error
        await connection.lost(channel)
        yield StreamInterrupted(failures)
        await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
        failures += 1


async def responses(
    connection: Connection, start: Callable[[Channel], AsyncIterator[Response]]
) -> AsyncGenerator[Response, None]:
    """The responses of a stream that has an end. Raises StigmerError, also when it breaks off."""
    channel = await connection.channel()
    try:
        with _closing_is_a_loss():
            async for response in start(channel):
                yield response
    except AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            await connection.lost(channel)
        raise await connection.explained(error) from error
