"""Chat completions whose messages and tools are sent as the framework has made them.

The client library looks at each part of both for what it may have to convert, which took a quarter of the time of a
model call, and there is nothing to convert.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai import AsyncOpenAI
from openai.resources.chat.completions import AsyncCompletions


class PlainCompletions(AsyncCompletions):
    async def create(  # type: ignore[override]
        self, *, messages: object, tools: object = None, extra_body: Mapping[str, object] | None = None, **other: Any
    ) -> Any:
        plain = {"messages": messages, "tools": tools} if tools else {"messages": messages}
        return await super().create(messages=(), extra_body={**plain, **(extra_body or {})}, **other)


def send_plain_completions(client: AsyncOpenAI) -> None:
    """Lets a client do so."""
    # It keeps what it makes on the first use.
    vars(client.chat)["completions"] = PlainCompletions(client)
