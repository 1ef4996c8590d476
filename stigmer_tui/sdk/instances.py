"""Instances: agents and workflows together with the environments that they run in."""

from __future__ import annotations

from collections.abc import Iterable

from stigmer_tui.sdk.agents import Agent, AgentRef
from stigmer_tui.sdk.environments import Environment, environment_names
from stigmer_tui.sdk.errors import calling_line
from stigmer_tui.sdk.registry import InstanceDefinition, current_registry
from stigmer_tui.sdk.values import literal_text, resource_name
from stigmer_tui.sdk.workflows import Workflow


class AgentInstance:
    """An agent with environments of its own; it is run by its name.

        prod = Environment("prod", {"REGION": "eu"})
        AgentInstance("clerk-in-prod", clerk, environments=[prod])

    Of a variable that several environments have, the last value counts. `agent` is one of this project, its name, or an
    `AgentRef`; an environment may be the name of one that is deployed already.
    """

    def __init__(
        self,
        name: str,
        agent: Agent | AgentRef | str,
        *,
        environments: Iterable[Environment | str] = (),
        description: str = "",
    ) -> None:
        self.name = resource_name(name, "an agent instance")
        """Its name, by which people run it."""
        owner = agent.name if isinstance(agent, Agent | AgentRef) else resource_name(agent, "an agent")
        _add("agent instance", self.name, owner, environments, description)

    def __repr__(self) -> str:
        return f"<agent instance {self.name}>"


class WorkflowInstance:
    """A workflow with environments of its own; it is run by its name.

        WorkflowInstance("tally-in-prod", flow, environments=["prod"])

    Of a variable that several environments have, the last value counts. `workflow` is one of this project, or its name;
    an environment may be the name of one that is deployed already.
    """

    def __init__(
        self,
        name: str,
        workflow: Workflow | str,
        *,
        environments: Iterable[Environment | str] = (),
        description: str = "",
    ) -> None:
        self.name = resource_name(name, "a workflow instance")
        """Its name, by which people run it."""
        owner = workflow.name if isinstance(workflow, Workflow) else resource_name(workflow, "a workflow")
        _add("workflow instance", self.name, owner, environments, description)

    def __repr__(self) -> str:
        return f"<workflow instance {self.name}>"


def _add(noun: str, name: str, owner: str, environments: Iterable[Environment | str], description: str) -> None:
    names = environment_names(environments, f'{noun} "{name}"')
    text = literal_text(description, "description")
    current_registry().add_instance(InstanceDefinition(noun, name, owner, names, text, calling_line()))
