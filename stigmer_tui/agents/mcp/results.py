"""Results of MCP tools as text for a model, and the output of a server's program, both in bounded memory."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Iterator

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from stigmer_tui.core.units import count_text, size_text

logger = logging.getLogger(__name__)

MAX_LINE_LENGTH = 500
MAX_LAST_LINES = 10
MAX_LOGGED_LINES = 200
"""Of one server; one that talks all the time would fill the log."""


class ServerOutput:
    def __init__(self, server: str, redact: Callable[[str], str]) -> None:
        self._server = server
        self._redact = redact
        self._last: deque[str] = deque(maxlen=MAX_LAST_LINES)
        self._logged = 0
        self.stray_lines = 0
        """Lines on standard output that are no messages."""

    def add(self, line: str) -> None:
        """A line of its standard error."""
        line = line.rstrip()
        if not line:
            return
        if len(line) > MAX_LINE_LENGTH:
            line = f"{line[:MAX_LINE_LENGTH]} …"
        self._last.append(line)
        if self._logged < MAX_LOGGED_LINES:
            self._logged += 1
            logger.info("MCP server %s: %s", self._server, self._redact(line))
        elif self._logged == MAX_LOGGED_LINES:
            self._logged += 1
            logger.info("MCP server %s writes more, which is not logged", self._server)

    def add_stray(self, line: str) -> None:
        """A line of its standard output that is no message of the protocol."""
        self.stray_lines += 1
        self.add(f"not a message: {line}")

    def last_lines(self) -> str:
        """Indented, below a message; empty when it wrote nothing."""
        return "".join(f"\n  {line}" for line in self._last)


MAX_LENGTH = 60_000
"""Characters of a result, as of the other tools."""


def result_text(result: CallToolResult) -> str:
    """What a model can read of it; of other content, what it is. The middle of a long text is left out."""
    text = "\n".join(_texts(result))
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    if len(text) <= MAX_LENGTH:
        return text
    half = MAX_LENGTH // 2
    return f"{text[:half]}\n… {count_text(len(text) - 2 * half)} characters left out …\n{text[-half:]}"


def _texts(result: CallToolResult) -> Iterator[str]:
    for content in result.content:
        match content:
            case TextContent():
                yield content.text
            case ImageContent() | AudioContent():
                yield f"[{content.mime_type}, {size_text(len(content.data) * 3 // 4)}]"
            case ResourceLink():
                yield f"[{content.uri}]"
            case EmbeddedResource(resource=TextResourceContents() as resource):
                yield resource.text
            case EmbeddedResource(resource=BlobResourceContents() as resource):
                yield f"[{resource.uri}, {size_text(len(resource.blob) * 3 // 4)}]"
