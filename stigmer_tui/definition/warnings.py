"""What is allowed in a definition and is hardly meant: worth a word to its author, no reason to refuse it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stigmer_tui.definition.problems import DefinitionProblem, near_miss
from stigmer_tui.definition.tasks import Definition, ForTask, SwitchTask, TaskDefinition, every_task, templates_of
from stigmer_tui.definition.templates import Template

_GO_PRINTOUT = re.compile(r"\{([\w-]+) ([\w.-]+)\}")
"""What a field reference becomes when Go prints it (`docs/compatibility.md` 98)."""


def warnings(definition: Definition) -> list[DefinitionProblem]:
    tasks = {task.name: task for task in every_task(definition.tasks)}
    return [
        warning
        for task in every_task(definition.tasks)
        for warning in (*_literal_conditions(task), *_doubtful_templates(task, tasks))
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


def _literal_conditions(task: TaskDefinition) -> Iterator[DefinitionProblem]:
    match task:
        case SwitchTask():
            for case in task.cases:
                if (
                    case.when
                    and case.when.is_literal
                    and case.when.source.strip().lower() not in ("true", "1", "false")
                ):
                    meant = f"${{ {case.when.source} }}"
                    yield DefinitionProblem(
                        task.path, case.when.where, f"this text never holds; an expression is written {meant}"
                    )
        case ForTask() if task.items.is_literal:
            meant = f"${{ {task.items.source} }}"
            yield DefinitionProblem(
                task.path, task.items.where, f"a text is nothing to go through; an expression is written {meant}"
            )
