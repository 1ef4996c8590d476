"""What an agent works with besides its instructions and the tools that all agents have, in lines to be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.definition.extensions import output_schema_in


def uses_of(agent: Agent) -> tuple[str, ...]:
    """Such as `sub-agent reader: Reads`, `MCP server stock: grams, prices`, `answers by a schema: {…}`.

    Raises StigmerError for a schema that is none.
    """
    return tuple(_uses(agent))


def _uses(agent: Agent) -> Iterator[str]:
    for part in agent.spec.sub_agents:
        yield f"sub-agent {part.name}: {part.description}".rstrip(": ")
    for server in agent.spec.mcp_servers:
        yield f"MCP server {server.name}: {', '.join(sorted(server.enabled_tools))}".rstrip(": ")
    if schema := output_schema_in(agent.metadata.annotations):
        yield f"answers by a schema: {json.dumps(schema, ensure_ascii=False, sort_keys=True)}"
