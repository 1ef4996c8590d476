"""What is wrong with a definition although every message in it is well formed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from stigmer_tui.definition import grammar
from stigmer_tui.definition.problems import DefinitionProblem, near_miss
from stigmer_tui.definition.tasks import (
    CONTINUE,
    END,
    EXIT,
    Definition,
    ForkTask,
    HttpTask,
    SwitchTask,
    TaskDefinition,
    TaskList,
    blocks,
    every_task,
    templates_of,
)
from stigmer_tui.definition.templates import OPENING

_DIRECTIONS = (CONTINUE, EXIT, END)


def check_flow(definition: Definition) -> list[DefinitionProblem]:
    """Names, targets and defaults."""
    return list(_check_block(definition.tasks))


def _check_block(tasks: tuple[TaskDefinition, ...]) -> Iterator[DefinitionProblem]:
    yield from _check_names(tasks)
    names = {task.name for task in tasks}
    for task in tasks:
        yield from _check_targets(task, names)
        if isinstance(task, HttpTask):
            yield from _check_address(task)
        if isinstance(task, SwitchTask) and sum(case.when is None for case in task.cases) > 1:
            yield DefinitionProblem(
                task.path, "task_config.cases", "several cases have no condition; only one can be the default"
            )
        if isinstance(task, ForkTask):
            yield from _check_branches(task.path, task.branches)
        for block in blocks(task):
            yield from _check_block(block.tasks)


def _check_names(tasks: tuple[TaskDefinition, ...]) -> Iterator[DefinitionProblem]:
    for name, count in Counter(task.name for task in tasks).items():
        path = next(task.path for task in tasks if task.name == name)
        if name in _DIRECTIONS:
            yield DefinitionProblem(path, "name", f"{name} says where to go on; choose another name")
        if "/" in name:
            yield DefinitionProblem(path, "name", "a name has no slash in it: slashes separate the names in a path")
        if name and count > 1:
            yield DefinitionProblem(path, "name", f"{count} tasks side by side have this name; give each its own")


def _check_targets(task: TaskDefinition, names: set[str]) -> Iterator[DefinitionProblem]:
    targets = [("flow.then", task.then)]
    if isinstance(task, SwitchTask):
        targets += [(f"task_config.cases[{index}].then", case.then) for index, case in enumerate(task.cases)]
    for where, target in targets:
        if target and target not in names and target not in _DIRECTIONS:
            hint = near_miss(target, [*names, *_DIRECTIONS])
            yield DefinitionProblem(task.path, where, f"there is no task {target} beside this one{hint}")


def _check_address(task: HttpTask) -> Iterator[DefinitionProblem]:
    # An address that begins with an expression, or could not be read, says nothing yet.
    text = task.uri.source
    if text and not text.startswith(OPENING) and not text.lower().startswith(("http://", "https://")):
        yield DefinitionProblem(task.path, task.uri.where, f"{text}: an address begins with http:// or https://")


def _check_branches(path: str, branches: tuple[TaskList, ...]) -> Iterator[DefinitionProblem]:
    for branch, count in Counter(branch.path for branch in branches).items():
        if count > 1:
            name = branch.removeprefix(f"{path}/")
            yield DefinitionProblem(
                path, "task_config.branches", f"{count} branches are called {name}; give each its own name"
            )


def check_expressions(definition: Definition) -> list[DefinitionProblem]:
    """Expressions that are no programs of jq."""
    return [
        DefinitionProblem(task.path, template.where, f"{expression.source}: {error}")
        for task in every_task(definition.tasks)
        for template in templates_of(task)
        for expression in template.expressions
        if not expression.plain and (error := grammar.check(expression.program))
    ]
