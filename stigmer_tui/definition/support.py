"""What the product can run of all that can be defined."""

from __future__ import annotations

from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from stigmer_tui.definition.reading import read
from stigmer_tui.definition.tasks import (
    AgentTask,
    Definition,
    ForTask,
    HttpTask,
    SetTask,
    SwitchTask,
    TaskDefinition,
    WaitTask,
    every_task,
)

RUNNABLE = (SetTask, HttpTask, SwitchTask, ForTask, WaitTask, AgentTask)


def unsupported(definition: Definition) -> tuple[TaskDefinition, ...]:
    """The tasks that nothing can run yet, nested ones too."""
    return tuple(task for task in every_task(definition.tasks) if not isinstance(task, RUNNABLE))


def refusal(definition: Definition) -> str:
    """Why the workflow cannot run: each such task by its path and kind. Empty when it can."""
    tasks = unsupported(definition)
    if not tasks:
        return ""
    return f"{definition.name} cannot run yet: {', '.join(f'{task.path} is {task.kind}' for task in tasks)}"


def called_agents(spec: WorkflowSpec) -> tuple[str, ...]:
    """Slugs of the agents that it calls, each once, in the order of the calls. The spec need not be valid."""
    tasks = every_task(read(spec).definition.tasks)
    return tuple(dict.fromkeys(task.agent for task in tasks if isinstance(task, AgentTask) and task.agent))
