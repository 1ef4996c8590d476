"""What a project has defined so far. There is one collection for each run of a project's code."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from stigmer_tui.sdk.mistakes import DefinitionError, near_miss

if TYPE_CHECKING:
    from stigmer_tui.sdk.agents import Agent
    from stigmer_tui.sdk.drafts import WorkflowBuilder
    from stigmer_tui.sdk.texts import Meanings
    from stigmer_tui.sdk.variables import DeclaredVariable
    from stigmer_tui.sdk.workflows import Workflow


class Registry:
    """Agents and workflows in the order of their definition, and what is known of the variables that they use."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.workflows: dict[str, Workflow] = {}
        self.variables: dict[str, DeclaredVariable] = {}
        self.placeholders: dict[str, Meanings] = {}
        """Every text that an expression has given, as opposed to those that people wrote, and what it means."""
        self.open_draft: WorkflowBuilder | None = None
        """The workflow whose `with` block is running."""

    def add_agent(self, agent: Agent) -> None:
        if other := self.agents.get(agent.name):
            raise _twice(f'agent "{agent.name}"', other.location.line)
        self.agents[agent.name] = agent

    def add_workflow(self, workflow: Workflow) -> None:
        if other := self.workflows.get(workflow.name):
            raise _twice(f'workflow "{workflow.name}"', other.location.line)
        self.workflows[workflow.name] = workflow

    def add_variable(self, variable: DeclaredVariable) -> None:
        """The same variable may be named again and again, as long as nothing that is said of it contradicts."""
        known = self.variables.get(variable.name, variable)
        merged = known.merged(variable)
        if merged is None:
            raise DefinitionError(
                f"{variable.name} is described differently in line {known.location.line}",
                "Describe it once, keep the result in a variable of Python, and use that.",
            )
        self.variables[variable.name] = merged

    def check(self) -> None:
        """What only shows when everything is defined. Raises DefinitionError for the first problem."""
        for workflow in self.workflows.values():
            if not workflow.tasks:
                raise DefinitionError(
                    f'Workflow "{workflow.name}" has no tasks',
                    f'Write them in a `with` block: with Workflow("{workflow.name}") as flow.',
                    workflow.location,
                )
            for call in workflow.agent_calls:
                if not call.is_external and call.agent not in self.agents:
                    raise DefinitionError(
                        f'This project has no agent "{call.agent}"',
                        f"{near_miss(call.agent, list(self.agents))} To call one that is deployed from elsewhere, "
                        f'pass existing_agent("{call.agent}").',
                        call.location,
                    )


_current: ContextVar[Registry] = ContextVar("stigmer_tui.sdk.collection")


def current_registry() -> Registry:
    """The collection of the code that is running; a new one where nobody has begun one."""
    collection = _current.get(None)
    return collection if collection is not None else begin_registry()


def begin_registry() -> Registry:
    """An empty collection, into which everything goes that is defined from now on."""
    collection = Registry()
    _current.set(collection)
    return collection


def _twice(what: str, line: int) -> DefinitionError:
    return DefinitionError(f"The {what} is defined already, in line {line}", "Give one of them another name.")
