"""Reads the body of a provider's response, and checks that it is one.

A body is a stream of events, a whole response or an error in JSON, or a web page. A stream that is cut off, one that
stalls, and truncated compression are errors.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from html import unescape
from typing import Any, Generic, Protocol, Self, TypeVar

import httpx2

from stigmer_tui.agents.models.faults import CutShortError, InvalidResponseError, StalledError
from stigmer_tui.agents.models.gathering import GatheredOutput, Output
from stigmer_tui.agents.models.server_events import EventReader, ServerSentEvent

FIRST_OUTPUT_LIMIT = 600.0
"""Seconds to wait for data before the first output, while a model is loaded or thinks."""
NEXT_OUTPUT_LIMIT = 120.0
"""Seconds to wait for data after the first output."""
TRAILING_LIMIT = 1.0
"""Seconds to wait for the end of the stream after that of the response."""
CLOSING_LIMIT = 0.1
"""Seconds to wait for the end of the body after that of the stream, so that the connection can be reused."""
MAX_BODY = 32_000_000
"""Bytes of a body that is not a stream."""
MAX_PAGE = 20_000
"""Bytes of a web page that are searched for its title."""

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)

_BLANK = codecs.BOM_UTF8 + b" \t\r\n"
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)

Failure = Callable[[httpx2.Request, httpx2.RequestError], Exception]
"""Makes an error for the framework of one of the faults, or of the connection."""


class ResponseReader(Protocol[Event_co]):
    """Reads a response in the format of one provider, and gives events for the framework."""

    has_output: bool
    """Whether there was any output besides thinking."""
    is_finished: bool
    """Whether the server has signalled the end of the response."""
    is_over: bool
    """Whether the server has signalled the end of the stream."""

    def read(self, event: ServerSentEvent) -> Iterator[Output[Event_co]]:
        """Reads an event. Raises InvalidResponseError for one that is not valid, and what the server reports."""
        ...

    def read_data(self, data: Any) -> Iterator[Output[Event_co]]:
        """Reads a whole response or an error that comes instead of a stream."""
        ...

    def end(self) -> Iterator[Output[Event_co]]:
        """Reads the end of the body. Raises CutShortError if the response is not complete."""
        ...


class CheckedStream(Generic[Event]):
    """A response that fails where its body is not that of a model, or not complete."""

    def __init__(self, response: httpx2.Response, reader: ResponseReader[Event], failure: Failure) -> None:
        self._response = response
        self._reader = reader
        self._failure = failure
        self._gathered: GatheredOutput[Event] | None = None
        self._patience = Patience()
        self._progressed_at = 0.0
        """When something was last said, by the clock of the event loop; a server that only sends pings says nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Event]:
        self._gathered = GatheredOutput(self._output(self._pieces()))
        try:
            async for event in self._gathered:
                yield event
        except httpx2.RequestError as error:
            raise self._failure(self._response.request, error) from error
        finally:
            await self._gathered.close()

    async def close(self) -> None:
        """Closes the connection's body."""
        if self._gathered is not None:
            await self._gathered.close()
        await self._response.aclose()

    async def _output(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Output[Event]]:
        head = b""
        async for piece in pieces:
            head = (head + piece).lstrip(_BLANK)
            if head:
                break
        if head.startswith((b"{", b"[")):
            for output in self._reader.read_data(await _whole(head, pieces)):
                yield output
        elif head.startswith(b"<"):
            raise InvalidResponseError(await _page(head, pieces))
        else:
            async for output in self._events(head, pieces):
                yield output
        for output in self._reader.end():
            yield output
        # So that the connection can be used again. What is wrong there does not matter any more.
        with suppress(InvalidResponseError):
            async for _ in pieces:
                pass

    async def _events(self, head: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[Output[Event]]:
        events = EventReader()
        for checked in self._checked(events.feed(head)):
            yield checked
        while not self._reader.is_over and (piece := await anext(pieces, None)) is not None:
            for checked in self._checked(events.feed(piece)):
                yield checked
        for checked in self._checked(events.end()):
            yield checked
        if events.stray and not self._reader.is_finished and not self._reader.has_output:
            raise InvalidResponseError(f"answered with text that is not a stream: {' '.join(events.stray.split())}")

    def _checked(self, events: Iterator[ServerSentEvent]) -> Iterator[Output[Event]]:
        has_progressed = False
        for event in events:
            for checked in self._reader.read(event):
                has_progressed = True
                yield checked
        if has_progressed:
            self._progressed_at = asyncio.get_running_loop().time()

    async def _pieces(self) -> AsyncIterator[bytes]:
        """The body in pieces, decompressed."""
        decoder = _Decoder(self._response.headers.get("content-encoding", ""))
        reading, loop = self._response.aiter_raw(), asyncio.get_running_loop()
        self._progressed_at = loop.time()
        while True:
            limit = self._limit()
            try:
                data = await self._patience.wait(reading, self._progressed_at + limit)
            except StopAsyncIteration:
                break
            except (TimeoutError, httpx2.TransportError) as error:
                if self._reader.is_finished:
                    return
                if isinstance(error, TimeoutError):
                    raise StalledError(limit) from error
                raise
            for piece in decoder.read(data):
                yield piece
        if not decoder.is_complete and not self._reader.is_finished:
            raise CutShortError

    def _limit(self) -> float:
        """Seconds to wait for data."""
        if self._reader.is_over:
            return CLOSING_LIMIT
        if self._reader.is_finished:
            return TRAILING_LIMIT
        return NEXT_OUTPUT_LIMIT if self._reader.has_output else FIRST_OUTPUT_LIMIT


class Patience:
    """Waits for pieces of data until a deadline, which moves with each: a timeout for each would cost more than it."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._waiting: asyncio.Task[Any] | None = None
        self._has_ended = False

    async def wait(self, reading: AsyncIterator[bytes], deadline: float) -> bytes:
        """The next piece. Raises TimeoutError if it does not come until then, by the clock of the event loop."""
        self._deadline, self._waiting = deadline, asyncio.current_task()
        if self._timer is None or self._timer.when() > deadline:
            self._set_timer()
        try:
            return await anext(reading)
        except asyncio.CancelledError:
            if self._has_ended and self._waiting is not None and not self._waiting.uncancel():
                raise TimeoutError from None
            raise
        finally:
            self._waiting = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if self._deadline > asyncio.get_running_loop().time():
            self._set_timer()
        else:
            self._has_ended = True
            self._waiting.cancel()


class _Decoder:
    """Decompresses, because some servers and proxies compress although it was not asked for."""

    def __init__(self, encoding: str) -> None:
        self._inflater: Any = None
        match encoding.strip().lower():
            case "" | "identity":
                pass
            case "gzip" | "x-gzip" | "deflate":
                self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
            case other:
                raise InvalidResponseError(f"answered in an encoding that was not asked for: {other[:50]}")

    @property
    def is_complete(self) -> bool:
        return self._inflater is None or bool(self._inflater.eof)

    def read(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            yield data
            return
        try:
            while data:
                yield self._inflater.decompress(data, 1_000_000)
                data = self._inflater.unconsumed_tail
        except zlib.error as error:
            raise InvalidResponseError("answered with compressed data that is damaged") from error


async def _whole(head: bytes, pieces: AsyncIterator[bytes]) -> Any:
    """The data of a JSON body."""
    body = bytearray(head)
    async for piece in pieces:
        body += piece
        if len(body) > MAX_BODY:
            raise InvalidResponseError(f"answered with more than {MAX_BODY // 1_000_000} MB that is not a stream")
    try:
        return json.loads(body)
    except ValueError as error:
        raise CutShortError from error


async def _page(head: bytes, pieces: AsyncIterator[bytes]) -> str:
    body = bytearray(head)
    async for piece in pieces:
        body += piece
        if len(body) > MAX_PAGE:
            break
    return f"answered with {describe_page(body.decode(errors='replace'))}"


def describe_page(page: str) -> str:
    """A web page that came instead of a response, in words: its title, if it has one."""
    title = _TITLE.search(page[:MAX_PAGE])
    named = f" (“{' '.join(unescape(title[1]).split())}”)" if title else ""
    return f"a web page{named}"
