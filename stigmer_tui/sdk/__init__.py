"""The Python SDK: agents and workflows written in code.

    from stigmer_tui.sdk import Agent, Workflow, secret

    helper = Agent("helper", instructions="Answer in one sentence.")

    with Workflow("tally", namespace="demo") as flow:
        item = flow.http_get("fetch", "http://127.0.0.1:18080/item.json")
        praise = flow.call_agent("answer", helper, message=f"Say something kind about {item.title}")
        flow.set("result", title=item.title, praise=praise.response)

Whatever a project defines is collected; `python -m stigmer_tui.sdk main.py` writes it down for deployment.
"""

from stigmer_tui.sdk.agents import Agent, ExistingAgent, existing_agent
from stigmer_tui.sdk.branches import Loop, Switch
from stigmer_tui.sdk.expressions import Condition, Expression, Reference, Secret
from stigmer_tui.sdk.functions import contains, in_, jq, length
from stigmer_tui.sdk.mistakes import DefinitionError
from stigmer_tui.sdk.variables import env, secret
from stigmer_tui.sdk.workflows import Workflow

__all__ = [
    "Agent",
    "Condition",
    "DefinitionError",
    "ExistingAgent",
    "Expression",
    "Loop",
    "Reference",
    "Secret",
    "Switch",
    "Workflow",
    "contains",
    "env",
    "existing_agent",
    "in_",
    "jq",
    "length",
    "secret",
]
