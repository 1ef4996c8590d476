"""The body of a provider's response, checked and put in order before the provider's software reads it.

Told apart are a stream of events, a whole answer or an error as JSON, and a web page; a stream that ends without an
end, one that stalls, and a compressed one that is cut are errors. Everything else is the provider's own.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from html import unescape
from typing import Any, Protocol

import httpx2

from stigmer_tui.agents.models.faults import CutShortError, NotAnAnswerError, StalledError
from stigmer_tui.agents.models.server_events import EventReader, ServerSentEvent

FIRST_WORD = 600.0
"""Seconds in which something must come before the model has said anything: it may be loaded, and it may think."""
NEXT_WORD = 120.0
"""Seconds in which something must come once it speaks."""
LAST_WORD = 1.0
"""Seconds that are left to the connection after the end, so that it can be used again."""
MAX_BODY = 32_000_000
"""Bytes of a body that is no stream."""
MAX_PAGE = 20_000
"""Bytes of a web page in which its title is looked for."""

_BLANK = codecs.BOM_UTF8 + b" \t\r\n"
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)


class Answer(Protocol):
    """Reads an answer in the format of one provider."""

    has_said: bool
    is_finished: bool
    is_over: bool

    def read(self, event: ServerSentEvent) -> Iterator[bytes]: ...
    def read_data(self, data: Any) -> Iterator[bytes]: ...
    def end(self) -> Iterator[bytes]: ...


class CheckedStream(httpx2.AsyncByteStream):
    """Raises one of the faults for what is no answer, or none that is complete."""

    def __init__(self, source: httpx2.AsyncByteStream, encoding: str, answer: Answer) -> None:
        self._source = source
        self._encoding = encoding
        self._answer = answer
        self._reading: AsyncIterator[bytes] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._reading is not None:
            # The provider's software has seen the end, and reads what follows so that the connection can be used again.
            async for piece in self._reading:
                yield piece
            return
        self._reading = pieces = self._pieces()
        head = b""
        async for piece in pieces:
            head = (head + piece).lstrip(_BLANK)
            if head:
                break
        if head.startswith((b"{", b"[")):
            for event in self._answer.read_data(await _whole(head, pieces)):
                yield event
        elif head.startswith(b"<"):
            raise NotAnAnswerError(await _page(head, pieces))
        else:
            async for event in self._events(head, pieces):
                yield event
        for event in self._answer.end():
            yield event

    async def aclose(self) -> None:
        await self._source.aclose()

    async def _events(self, head: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        reader = EventReader()
        for checked in self._checked(reader.feed(head)):
            yield checked
        while not self._answer.is_over and (piece := await anext(pieces, None)) is not None:
            for checked in self._checked(reader.feed(piece)):
                yield checked
        for checked in self._checked(reader.end()):
            yield checked
        if reader.stray and not self._answer.is_finished and not self._answer.has_said:
            raise NotAnAnswerError(f"answered with text that is not a stream: {' '.join(reader.stray.split())}")

    def _checked(self, events: Iterator[ServerSentEvent]) -> Iterator[bytes]:
        for event in events:
            yield from self._answer.read(event)

    async def _pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, without the encoding of its transfer."""
        decoder = _Decoder(self._encoding)
        reading = aiter(self._source)
        while True:
            limit = LAST_WORD if self._answer.is_finished else NEXT_WORD if self._answer.has_said else FIRST_WORD
            try:
                async with asyncio.timeout(limit):
                    data = await anext(reading)
            except StopAsyncIteration:
                break
            except (TimeoutError, httpx2.TransportError) as error:
                if self._answer.is_finished:
                    return
                if isinstance(error, TimeoutError):
                    raise StalledError(limit) from error
                raise
            for piece in decoder.read(data):
                yield piece
        if not decoder.is_complete and not self._answer.is_finished:
            raise CutShortError


class _Decoder:
    """Undoes a compression that was not asked for, for some servers and proxies do it all the same."""

    def __init__(self, encoding: str) -> None:
        self._inflater: Any = None
        match encoding.strip().lower():
            case "" | "identity":
                pass
            case "gzip" | "x-gzip" | "deflate":
                self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
            case other:
                raise NotAnAnswerError(f"answered in an encoding that was not asked for: {other[:50]}")

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
            raise NotAnAnswerError("answered with compressed data that is damaged") from error


async def _whole(head: bytes, pieces: AsyncIterator[bytes]) -> Any:
    """A body of JSON."""
    body = bytearray(head)
    async for piece in pieces:
        body += piece
        if len(body) > MAX_BODY:
            raise NotAnAnswerError(f"answered with more than {MAX_BODY // 1_000_000} MB that is not a stream")
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
    return f"answered with {page_words(body.decode(errors='replace'))}"


def page_words(page: str) -> str:
    """What there is to say about a web page that came instead of an answer."""
    title = _TITLE.search(page[:MAX_PAGE])
    named = f" (“{' '.join(unescape(title[1]).split())}”)" if title else ""
    return f"a web page{named}"
