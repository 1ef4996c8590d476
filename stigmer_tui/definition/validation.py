"""The whole judgement on a definition: structure, the rules of its messages, and what only a program can check."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from stigmer_tui.api.validation import violations
from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from stigmer_tui.definition import grammar
from stigmer_tui.definition.problems import DefinitionProblem, InvalidDefinition, near_miss
from stigmer_tui.definition.reading import TaskMessage, read
from stigmer_tui.definition.task_reader import CONFIG
from stigmer_tui.definition.tasks import (
    CONTINUE,
    END,
    EXIT,
    Definition,
    TaskDefinition,
    every_task,
    templates_of,
)

_DIRECTIONS = (CONTINUE, EXIT, END)


def check_flow(definition: Definition) -> list[DefinitionProblem]:
    """Names, targets and defaults."""
    return list(_check_block(definition.tasks))


def _check_block(tasks: tuple[TaskDefinition, ...]) -> Iterator[DefinitionProblem]:
    yield from _check_names(tasks)
    names = {task.name for task in tasks}
    for task in tasks:
        yield from _check_targets(task, names)
        yield from task.problems()
        for block in task.blocks:
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
    for where, target in task.targets():
        if target and target not in names and target not in _DIRECTIONS:
            hint = near_miss(target, [*names, *_DIRECTIONS])
            yield DefinitionProblem(task.path, where, f"there is no task {target} beside this one{hint}")


def check_expressions(definition: Definition) -> list[DefinitionProblem]:
    """Expressions that are no programs of jq."""
    return [
        DefinitionProblem(task.path, template.where, f"{expression.source}: {error}")
        for task in every_task(definition.tasks)
        for template in templates_of(task)
        for expression in template.expressions
        if not expression.plain and (error := grammar.check(expression.program))
    ]


# Rules on tasks within a task are reported under the path of the inner task, not of the outer one.
_WITHIN = re.compile(rf"{CONFIG}\.(do|try|catch\.do|branches\[\d+\]\.do)\[\d+\]\.")
_TASK = re.compile(r"tasks\[\d+\]\.")


def parse(spec: WorkflowSpec) -> Definition:
    """Raises InvalidDefinition with every problem that there is."""
    reading = read(spec)
    problems = [*_broken_rules_of_the_workflow(spec), *reading.problems]
    known = {(problem.path, problem.field) for problem in problems}
    for message in reading.messages:
        # A value of a wrong type counts as absent; one complaint about it is enough.
        problems += [rule for rule in _broken_rules(message) if (rule.path, rule.field) not in known]
    problems += check_flow(reading.definition)
    problems += check_expressions(reading.definition)
    if problems:
        raise InvalidDefinition(reading.definition.name, problems)
    return reading.definition


def _broken_rules_of_the_workflow(spec: WorkflowSpec) -> Iterator[DefinitionProblem]:
    for text in violations(spec):
        if not _TASK.match(text):
            yield _problem("", text)


def _broken_rules(message: TaskMessage) -> Iterator[DefinitionProblem]:
    texts = violations(message.task)
    if message.config is not None:
        texts += violations(message.config, CONFIG)
    for text in texts:
        if not _WITHIN.match(text):
            yield _problem(message.path, text)


def _problem(path: str, violation: str) -> DefinitionProblem:
    where, separator, message = violation.partition(": ")
    return DefinitionProblem(path, where, message) if separator else DefinitionProblem(path, "", violation)
