"""What runs each kind of task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from stigmer_tui.definition.task_kinds import AgentTask, ForTask, HttpTask, SetTask, SwitchTask, WaitTask
from stigmer_tui.definition.tasks import TaskDefinition
from stigmer_tui.workflow.task_run import Outcome, TaskRun
from stigmer_tui.workflow.tasks.calls import run_agent_call, run_http_call
from stigmer_tui.workflow.tasks.flow import run_loop, run_set, run_switch, run_wait

# Each takes tasks of its own class, which the type of a dictionary cannot say.
RUNNERS: dict[type[TaskDefinition], Callable[[Any, TaskRun], Awaitable[Outcome]]] = {
    SetTask: run_set,
    HttpTask: run_http_call,
    SwitchTask: run_switch,
    ForTask: run_loop,
    WaitTask: run_wait,
    AgentTask: run_agent_call,
}


async def run_task(task: TaskDefinition, run: TaskRun) -> Outcome:
    """Raises TaskFailure. A workflow with a task of another kind is refused before it runs."""
    return await RUNNERS[type(task)](task, run)
