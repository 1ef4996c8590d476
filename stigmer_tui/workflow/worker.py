"""Carries activities out, for any engine: the only place where marks of secrets become values."""

from __future__ import annotations

from dataclasses import replace

from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.workflow.child_executions import ChildExecutions
from stigmer_tui.workflow.evaluator import Evaluator
from stigmer_tui.workflow.http_failures import HttpError
from stigmer_tui.workflow.json_text import read_json
from stigmer_tui.workflow.port import (
    ActivityRequest,
    ActivityResult,
    ChildRequest,
    ChildResult,
    EvaluationRequest,
    EvaluationResult,
    HttpFailure,
    HttpRequest,
    HttpResponse,
    SendsHttp,
)
from stigmer_tui.workflow.secrets import SecretValues


class ActivityWorker:
    """Of one execution. It takes requests with marks; its results hold no secret values."""

    def __init__(
        self,
        secrets: SecretValues,
        evaluator: Evaluator,
        http: SendsHttp,
        children: ChildExecutions,
        is_traced: bool = False,
    ) -> None:
        self._secrets = secrets
        self._evaluator = evaluator
        self._http = http
        self._children = children
        self._is_traced = is_traced

    async def perform(self, request: ActivityRequest) -> ActivityResult:
        match request:
            case EvaluationRequest():
                return await self._evaluate(request)
            case HttpRequest():
                return await self._send(request)

    async def start_child(self, key: str, request: ChildRequest) -> str:
        """The id of the execution; the same key gives the same one. Raises ChildError."""
        secrets = self._secrets
        environment = {
            name: (secrets.reveal_text(value), secrets.marks.are_in(value))
            for name, value in request.environment.items()
        }
        for name in secrets.marks.names_in(request.message):
            # The runner of the child can only hide what it knows to be a secret.
            environment.setdefault(name, (secrets.reveal_text(secrets.marks.mark(name)), True))
        revealed = replace(request, message=secrets.reveal_text(request.message))
        return await self._children.start(key, revealed, environment)

    async def follow_child(self, execution_id: str) -> ChildResult:
        """Returns when it has ended, or cannot be followed."""
        result = await self._children.follow(execution_id)
        return replace(result, text=self._secrets.clean(result.text), error=self._secrets.clean(result.error))

    async def cancel_child(self, execution_id: str, reason: str) -> None:
        await self._children.cancel(execution_id, reason)

    async def _evaluate(self, request: EvaluationRequest) -> EvaluationResult:
        secrets, program, inputs = self._secrets, request.program, request.inputs
        is_secret = secrets.marks.are_in(inputs)
        try:
            text = await self._evaluator.run(program, secrets.reveal_json(inputs) if is_secret else inputs)
            value = read_json(text)
        except ExpressionError as error:
            return EvaluationResult(error=secrets.clean_error(str(error), program) if is_secret else str(error))
        except ValueError as error:
            return EvaluationResult(error=f"its value has {error}")
        if is_secret and not request.is_disclosed:
            value = secrets.seal(value, public=f"{inputs}\n{program}")
        return EvaluationResult(value)

    async def _send(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        secrets = self._secrets
        headers = {name: secrets.reveal_text(value) for name, value in request.headers.items()}
        if request.idempotency_key:
            headers["Idempotency-Key"] = request.idempotency_key
        if self._is_traced and "traceparent" not in map(str.lower, headers):
            headers["traceparent"] = request.traceparent
        revealed = replace(
            request, uri=secrets.reveal_text(request.uri), headers=headers, body=secrets.reveal(request.body)
        )
        try:
            response = await self._http.send(revealed)
        except HttpError as error:
            failure = error.failure
            return replace(failure, message=secrets.clean(failure.message), content=secrets.clean(failure.content))
        return replace(response, data=secrets.clean(response.data))
