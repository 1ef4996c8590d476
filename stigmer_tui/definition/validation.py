"""The whole judgement on a definition: structure, the rules of its messages, and what only a program can check."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stigmer_tui.api.validation import violations
from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from stigmer_tui.definition.checks import check_expressions, check_flow
from stigmer_tui.definition.problems import DefinitionProblem, InvalidDefinition
from stigmer_tui.definition.reading import TaskMessage, read
from stigmer_tui.definition.task_reader import CONFIG
from stigmer_tui.definition.tasks import Definition

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
