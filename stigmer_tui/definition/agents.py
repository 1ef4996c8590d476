"""What an agent may consist of: parts that cannot run yet are refused by name, before anything is done."""

from __future__ import annotations

from stigmer_tui.api.agent_pb2 import Agent

SCRIPT_ANNOTATION = "stigmer-tui/script"
"""On an agent: the text of the script that it plays where no model is asked."""

SCRIPT_FILE_ANNOTATION = "stigmer-tui/script-file"
"""On an agent: the file of the project that the script was read from."""

READ_ONLY = frozenset({"ls", "read_file", "glob", "grep"})
"""Tools that can be used again after an interruption, for they have no effect."""

TOOLS = READ_ONLY | {"write_file", "edit_file", "execute"}


def unsupported_parts(agent: Agent) -> str:
    """Why the agent cannot run yet, as in `reader cannot run yet: it has skills (citation-style)`; empty if it can."""
    spec = agent.spec
    named = {
        "sub-agents": [part.name for part in spec.sub_agents],
        "MCP servers": [part.name for part in spec.mcp_servers],
        "skills": [part.slug for part in spec.skill_refs],
    }
    parts = [f"{noun} ({', '.join(names)})" for noun, names in named.items() if names]
    if not parts:
        return ""
    *others, last = parts
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{agent.metadata.slug or agent.metadata.name} cannot run yet: it has {listed}"
