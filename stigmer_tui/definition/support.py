"""What of a definition this product can run, and what is allowed in it and hardly meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from stigmer_tui.core.agent_tools import TASK, WRITE_TODOS
from stigmer_tui.definition.problems import DefinitionProblem, near_miss
from stigmer_tui.definition.reading import read
from stigmer_tui.definition.tasks import (
    Definition,
    TaskDefinition,
    every_task,
    templates_of,
)
from stigmer_tui.definition.templates import Template


def unsupported(definition: Definition) -> tuple[TaskDefinition, ...]:
    """The tasks that nothing can run yet, nested ones too."""
    return tuple(task for task in every_task(definition.tasks) if not task.is_supported)


def refusal(definition: Definition) -> str:
    """Why the workflow cannot run: each such task by its path and kind. Empty when it can."""
    tasks = unsupported(definition)
    if not tasks:
        return ""
    return f"{definition.name} cannot run yet: {', '.join(f'{task.path} is {task.kind}' for task in tasks)}"


def called_agents(spec: WorkflowSpec) -> tuple[str, ...]:
    """Slugs of the agents that it calls, each once, in the order of the calls. The spec need not be valid."""
    tasks = every_task(read(spec).definition.tasks)
    return tuple(dict.fromkeys(agent for task in tasks for agent in task.agents))


REPEATABLE = frozenset({"ls", "read_file", "glob", "grep", TASK, WRITE_TODOS})
"""Tools that can be called again after an interruption: they have no effect, or, like a sub-agent, continue it."""

TOOLS = REPEATABLE | {"write_file", "edit_file", "execute"}


_GO_PRINTOUT = re.compile(r"\{([\w-]+) ([\w.-]+)\}")
"""What a field reference becomes when Go prints it (`docs/compatibility.md` 98)."""


def warnings(definition: Definition) -> list[DefinitionProblem]:
    """What a definition allows, but hardly intends, such as an expression that is always null."""
    tasks = {task.name: task for task in every_task(definition.tasks)}
    return [
        warning
        for task in every_task(definition.tasks)
        for warning in (*task.warnings(), *_doubtful_templates(task, tasks))
    ]


def _doubtful_templates(task: TaskDefinition, tasks: dict[str, TaskDefinition]) -> Iterator[DefinitionProblem]:
    for template in templates_of(task):
        yield from (DefinitionProblem(task.path, template.where, text) for text in _printouts(template, tasks))
        yield from (DefinitionProblem(task.path, template.where, text) for text in _unknown_tasks(template, tasks))


def _printouts(template: Template, tasks: dict[str, TaskDefinition]) -> Iterator[str]:
    for part in template.parts:
        for match in _GO_PRINTOUT.finditer(part if isinstance(part, str) else ""):
            if match[1] in tasks:
                meant = f'${{ $context["{match[1]}"].{match[2]} }}'
                yield f"{match[0]} is a plain text here; if the field is meant, write {meant} (in Go: .Expression())"


def _unknown_tasks(template: Template, tasks: dict[str, TaskDefinition]) -> Iterator[str]:
    for expression in template.expressions:
        for reference in expression.references:
            if reference.root != "$context" or not reference.keys:
                continue
            name = str(reference.keys[0])
            if name not in tasks:
                yield f"{expression.source}: there is no task {name}, so this is null{near_miss(name, tasks)}"
            elif tasks[name].export is None:
                yield f"{expression.source}: the task {name} exports nothing, so this is null; add an export to it"
