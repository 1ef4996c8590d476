"""The result of an MCP tool as text for a model, of bounded length."""

from __future__ import annotations

import json
from collections.abc import Iterator

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

from stigmer_tui.core.shortening import without_middle
from stigmer_tui.core.units import count_text, size_text

MAX_LENGTH = 60_000
"""Characters of a result, as of the other tools."""


def result_text(result: CallToolResult) -> str:
    """What a model can read of it; of other content, what it is. The middle of a long text is left out."""
    text = "\n".join(_texts(result))
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    return without_middle(text, MAX_LENGTH, lambda left_out: f"\n… {count_text(left_out)} characters left out …\n")


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
