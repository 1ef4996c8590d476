"""Which code runs which kind of task."""

from __future__ import annotations

from stigmer_tui.definition.task_kinds import AgentTask, ForTask, HttpTask, SetTask, SwitchTask, WaitTask
from stigmer_tui.definition.tasks import TaskDefinition
from stigmer_tui.workflow.task_run import Outcome, TaskRun
from stigmer_tui.workflow.tasks.agent_call import run_agent_call
from stigmer_tui.workflow.tasks.http_call import run_http_call
from stigmer_tui.workflow.tasks.loop import run_loop
from stigmer_tui.workflow.tasks.set import run_set
from stigmer_tui.workflow.tasks.switch import run_switch
from stigmer_tui.workflow.tasks.wait import run_wait


async def run_task(task: TaskDefinition, run: TaskRun) -> Outcome:
    """Raises TaskFailure."""
    match task:
        case SetTask():
            return await run_set(task, run)
        case HttpTask():
            return await run_http_call(task, run)
        case SwitchTask():
            return await run_switch(task, run)
        case ForTask():
            return await run_loop(task, run)
        case WaitTask():
            return await run_wait(task, run)
        case AgentTask():
            return await run_agent_call(task, run)
        case _:
            raise TypeError(f"a workflow with a task of kind {task.kind} is refused before it runs")
