"""Answers by HTTP that take time: as server-sent events or as a whole, as long as somebody waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse


def event_stream(request: Request, data: AsyncGenerator[str, None]) -> StreamingResponse:
    """Each text, without line breaks, is the data of one event."""

    async def lines() -> AsyncGenerator[str, None]:
        async for item in while_somebody_waits(request, data):
            yield f"data: {item}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def while_somebody_waits(request: Request, items: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """All of them. Raises ClientDisconnect where the client hangs up, also while there is nothing to be sent."""
    leaving = asyncio.create_task(_gone(request))
    upcoming: asyncio.Task[str] | None = None
    try:
        while True:
            upcoming = asyncio.create_task(_next(items))
            await asyncio.wait((upcoming, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                raise ClientDisconnect
            try:
                yield upcoming.result()
            except StopAsyncIteration:
                return
    finally:
        # What it waits for ends by itself, whoever cancels this.
        leaving.cancel()
        if upcoming is not None:
            upcoming.cancel()


async def _next(items: AsyncGenerator[str, None]) -> str:
    return await anext(items)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
