"""What is wrong with a definition, or cannot run here, or is allowed and hardly meant: the whole judgement."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.validation import violations
from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from stigmer_tui.definition import grammar
from stigmer_tui.definition.problems import DefinitionProblem, InvalidDefinition, near_miss
from stigmer_tui.definition.reading import CONFIG, TaskMessage, read
from stigmer_tui.definition.tasks import (
    CONTINUE,
    END,
    EXIT,
    AgentTask,
    Definition,
    ForkTask,
    ForTask,
    HttpTask,
    SetTask,
    SwitchTask,
    TaskDefinition,
    TaskList,
    WaitTask,
    blocks,
    every_task,
    templates_of,
)
from stigmer_tui.definition.templates import OPENING, Template

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


SCRIPT_ANNOTATION = "stigmer-tui/script"
"""On an agent: the text of the script that it plays where no model is asked."""

SCRIPT_FILE_ANNOTATION = "stigmer-tui/script-file"
"""On an agent: the file of the project that the script was read from."""

READ_ONLY = frozenset({"ls", "read_file", "glob", "grep"})
"""Tools that can be used again after an interruption, for they have no effect."""

TOOLS = READ_ONLY | {"write_file", "edit_file", "execute"}


def unsupported_parts(agent: Agent) -> str:
    """Why the agent cannot run yet, as in `reader cannot run yet: it has skills (citation-style)`; empty if it can."""
    spec = agent.spec
    named = {
        "sub-agents": [part.name for part in spec.sub_agents],
        "MCP servers": [part.name for part in spec.mcp_servers],
        "skills": [part.slug for part in spec.skill_refs],
    }
    parts = [f"{noun} ({', '.join(names)})" for noun, names in named.items() if names]
    if not parts:
        return ""
    *others, last = parts
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{agent.metadata.slug or agent.metadata.name} cannot run yet: it has {listed}"


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
