"""One run of one task: what the code of its kind has to work with."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from stigmer_tui.definition import templates
from stigmer_tui.definition.expressions import ParsedExpression, Roots
from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.definition.tasks import TaskDefinition
from stigmer_tui.definition.templates import Template
from stigmer_tui.workflow.failures import EXPRESSION, LIMIT, VARIABLE, TaskFailure
from stigmer_tui.workflow.port import ActivityPolicy, EnginePort, EvaluationRequest, EvaluationResult
from stigmer_tui.workflow.state import WorkflowState


@dataclass(frozen=True, slots=True)
class TaskPath:
    """Where in a run something happens."""

    path: str = ""
    """With the iteration of each loop around it: `/each/2/charge`."""
    key: str = ""
    """As `path`, and different each time that a backward jump leads to the same place again."""
    parent: str = ""
    """Path of the task around it."""

    def task(self, name: str, visit: int) -> TaskPath:
        # No name is empty, so nothing else has a key with two slashes side by side.
        again = f"//{visit}" if visit > 1 else ""
        return TaskPath(f"{self.path}/{name}", f"{self.key}/{name}{again}", self.parent)

    def iteration(self, number: int) -> TaskPath:
        """Of the loop here."""
        return TaskPath(f"{self.path}/{number}", f"{self.key}/{number}", self.path)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task has come to."""

    output: Any = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """What `$data` gains."""
    then: str = ""
    """Where the task itself leads; else its definition says."""


class Observer(Protocol):
    """Reports the progress of a run."""

    def started(self, place: TaskPath, task: TaskDefinition, at: datetime) -> None: ...

    def changed(self, path: str, **what: Any) -> None:
        """`input`, `detail`, `attempt`, `child` or `origin` of a task under way."""
        ...

    def completed(self, path: str, output: Any, at: datetime) -> None: ...

    def failed(self, path: str, failure: TaskFailure, at: datetime) -> None: ...


@dataclass(slots=True)
class TaskRun:
    place: TaskPath
    state: WorkflowState
    engine: EnginePort
    observer: Observer
    run_tasks: Callable[[Sequence[TaskDefinition], WorkflowState, TaskPath], Coroutine[Any, Any, bool]]
    """Runs the tasks of a scope; true when the whole workflow is to end."""
    name: str
    started_at: datetime
    _identifiers: int = 0

    def show(self, **what: Any) -> None:
        self.observer.changed(self.place.path, **what)

    async def evaluate(self, arguments: Any) -> Any:
        """Templates, or a structure of them, as values.

        Raises TaskFailure naming the expression, or the variable that has no value.
        """
        expressions = list(templates.expressions_in(arguments))
        self._require_variables(expressions)
        return _fill(arguments, await self._values(expressions))

    async def evaluate_export(self, template: Template, output: Any) -> Any:
        """As `evaluate`, but `.` is the output of the task."""
        return _fill(template, await self._values(template.expressions, {".": output}))

    async def _values(self, expressions: Sequence[ParsedExpression], instead: Roots | None = None) -> list[Any]:
        if not expressions:
            return []
        roots = {**self.state.roots(self.name), **(instead or {})}
        return [await self._value(expression, roots) for expression in expressions]

    async def _value(self, expression: ParsedExpression, roots: Roots) -> Any:
        if expression.plain:
            try:
                return expression.look_up(roots)
            except ExpressionError as error:
                raise TaskFailure(EXPRESSION, f"{expression.source}: {error}") from error
        inputs = expression.inputs(roots, self.started_at.timestamp, self._new_identifier)
        return await self._ask(EvaluationRequest(expression.program, inputs), expression.source)

    async def disclose(self, value: str, program: str) -> Any:
        """What a program makes of a value that may hold marks: something that the run shows by what it does next."""
        inputs = json.dumps({".": value})
        return await self._ask(EvaluationRequest(program, inputs, is_disclosed=True), program)

    async def _ask(self, request: EvaluationRequest, source: str) -> Any:
        result = await self.engine.activity(self.place.key, request, ActivityPolicy.PURE)
        if not isinstance(result, EvaluationResult):
            raise TypeError(f"an evaluation gave {result!r}")
        if result.error:
            raise TaskFailure(EXPRESSION, f"{source}: {result.error}")
        return result.value

    def _require_variables(self, expressions: Sequence[ParsedExpression]) -> None:
        known = self.state.inputs.secrets.variables
        for expression in expressions:
            for where, name in expression.variables:
                if name not in known:
                    flag = f"secret:{name}" if where == "secrets" else name
                    advice = f"give it one with the run (--runtime-env {flag}=…) or a default in the workflow"
                    raise TaskFailure(VARIABLE, f"{expression.source}: the variable {name} has no value; {advice}")

    def _new_identifier(self) -> str:
        self._identifiers += 1
        return self.engine.new_id(f"{self.place.key}:{self._identifiers}")


def _fill(arguments: Any, values: list[Any]) -> Any:
    try:
        return templates.fill(arguments, iter(values))
    except ExpressionError as error:
        raise TaskFailure(LIMIT, str(error)) from error
