"""The Python SDK: agents and workflows written in code.

    from stigmer_tui.sdk import Agent, Workflow, secret

    helper = Agent("helper", instructions="Answer in one sentence.")

    with Workflow("tally", namespace="demo") as flow:
        item = flow.http_get("fetch", "http://127.0.0.1:18080/item.json")
        praise = flow.call_agent("answer", helper, message=f"Say something kind about {item.title}")
        flow.set("result", title=item.title, praise=praise.response)

Everything that a project defines is collected; `python -m stigmer_tui.sdk main.py` writes the manifests to deploy.
"""

from stigmer_tui.sdk.agents import Agent, AgentRef
from stigmer_tui.sdk.control_flow import Case, Loop, Switch
from stigmer_tui.sdk.definitions import Definitions
from stigmer_tui.sdk.environments import Environment
from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.expressions import Condition, Expression, Reference, Secret
from stigmer_tui.sdk.functions import contains, env, in_, jq, length, secret
from stigmer_tui.sdk.instances import AgentInstance, WorkflowInstance
from stigmer_tui.sdk.mcp_servers import McpServer
from stigmer_tui.sdk.skills import Skill
from stigmer_tui.sdk.sub_agents import SubAgent
from stigmer_tui.sdk.values import QueryValue, Text, Value
from stigmer_tui.sdk.workflows import Workflow

__all__ = [
    "Agent",
    "AgentInstance",
    "AgentRef",
    "Case",
    "Condition",
    "DefinitionError",
    "Definitions",
    "Environment",
    "Expression",
    "Loop",
    "McpServer",
    "QueryValue",
    "Reference",
    "Secret",
    "Skill",
    "SubAgent",
    "Switch",
    "Text",
    "Value",
    "Workflow",
    "WorkflowInstance",
    "contains",
    "env",
    "in_",
    "jq",
    "length",
    "secret",
]
