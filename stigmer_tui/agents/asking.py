"""Asks models for a response: the chosen one, again after a failure that passes, then those that may take its place."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Protocol

from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings

from stigmer_tui.agents.attached_files import without_contents
from stigmer_tui.agents.models.choice import ModelChoice, ModelPlan
from stigmer_tui.agents.models.failures import explained, is_unavailable, pause_after, retry_reason
from stigmer_tui.agents.models.kept_requests import RequestPieces
from stigmer_tui.agents.models.prepared_messages import PreparedMessages
from stigmer_tui.agents.models.requests import (
    SentRequest,
    exchange,
    framework_request,
    offered,
    watched_request,
)
from stigmer_tui.agents.responses import CallIds
from stigmer_tui.agents.run import AgentRun
from stigmer_tui.agents.stream_recorder import StreamRecorder
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_providers import find_provider
from stigmer_tui.definition.agent_uses import uses_of

logger = logging.getLogger(__name__)


ParametersFor = Callable[[Model, ModelChoice], ModelRequestParameters]
"""What is asked of a model, which depends on what it can do."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked."""

    call_id: str
    messages: list[ModelMessage]
    settings: ModelSettings | None
    parameters: ParametersFor
    asked_at: str
    conversation: Sequence[ModelMessage] = ()
    """All messages before, where a summary stands for some of them: ids of calls are unique among them."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A complete response, and who gave it."""

    response: ModelResponse
    spoke_at: str
    """When its text began; empty if it has none."""
    choice: ModelChoice
    keep: Callable[[], None]
    """Lets the server keep the request and this answer, with the next report; for the one who records it."""


BuildModel = Callable[[ModelChoice], Awaitable[Model]]
"""Makes the framework's model for a choice."""


class Recorder(Protocol):
    """What becomes of a response while it streams."""

    has_output: bool
    """Whether the latest response has brought any output, which is not asked for again."""

    async def record(
        self, stream: StreamedResponse, ids: CallIds, choice: ModelChoice, asked_at: str
    ) -> tuple[ModelResponse, str]:
        """The complete response, and when its text began."""


class ModelAsker:
    """Of one agent in one run. Once another model has taken the place of the first, it stays."""

    def __init__(
        self, model: Model, plan: ModelPlan, run: AgentRun, build: BuildModel, recorder: Recorder | None = None
    ) -> None:
        """`model` is that of the plan's first choice. Without a recorder, responses go into the transcript."""
        self._model = model
        self._messages = PreparedMessages(model)
        self.choice = plan.first
        self._run = run
        self._choose = plan.choose
        self._build = build
        self._left = list(plan.others)
        self._recorder: Recorder = recorder or StreamRecorder(run)
        self._pieces = RequestPieces(run.lease.redactor)

    async def ask(self, question: Question) -> ModelAnswer:
        """The response of the first model that gives one. Raises StigmerError if none does."""
        while True:
            try:
                return await self._ask(question)
            except _UnavailableError as failure:
                await self._fall_back(failure)

    def choice_of(self, provider: str, model: str) -> ModelChoice:
        """Who has given an answer of the journal."""
        if not model or (provider, model) == (self.choice.provider.name, self.choice.model):
            return self.choice
        return ModelChoice(find_provider(provider) or self.choice.provider, model)

    async def _ask(self, question: Question) -> ModelAnswer:
        """The response of one model. A failure before any output is retried."""
        run, transcript = self._run, self._run.transcript
        transcript.wait(str(self.choice), question.asked_at)
        parameters = question.parameters(self._model, self.choice)
        for retries in count():
            with watched_request() as sent:
                try:
                    response, spoke_at = await self._stream(question, parameters)
                except ModelAPIError as error:
                    self._keep(question, parameters, sent)
                    pause = None if self._recorder.has_output else pause_after(error, retries)
                    if pause is None:
                        reason = explained(error, self.choice, run.lease.redactor, retries)
                        if is_unavailable(error) and not self._recorder.has_output:
                            raise _UnavailableError(reason) from error
                        raise StigmerError(reason) from error
                    reason = f"{retry_reason(error)}, retry in {pause:.0f} s"
                else:
                    keep = partial(self._keep, question, parameters, sent, response)
                    return ModelAnswer(response, spoke_at, self.choice, keep)
            logger.warning("execution %s: %s: %s", run.lease.execution_id, self.choice, reason)
            transcript.wait(str(self.choice), question.asked_at, reason)
            await run.reporter.flush()
            await asyncio.sleep(pause)
        raise AssertionError

    async def _stream(self, question: Question, parameters: ModelRequestParameters) -> tuple[ModelResponse, str]:
        ids = CallIds(question.conversation or question.messages)
        messages = self._messages.of(question.messages, parameters)
        async with self._model.request_stream(messages, question.settings, parameters) as stream:
            return await self._recorder.record(stream, ids, self.choice, question.asked_at)

    async def _fall_back(self, failure: _UnavailableError) -> None:
        """Lets the next model take the place. Raises the failure, with reasons, if there is none."""
        reasons = [failure.message]
        while self._left:
            name = self._left.pop(0)
            try:
                self.choice = await self._choose(name)
            except StigmerError as refusal:
                reasons.append(f"{name} cannot take its place: {refusal.message}")
                continue
            self._model = await self._build(self.choice)
            self._messages = PreparedMessages(self._model)
            logger.warning("execution %s: %s", self._run.lease.execution_id, "; ".join(reasons))
            self._run.transcript.note(f"{'; '.join(reasons)}; {self.choice} is asked instead.", self._run.now())
            return
        raise StigmerError("; ".join(reasons)) from failure

    def _keep(
        self,
        question: Question,
        parameters: ModelRequestParameters,
        sent: SentRequest,
        response: ModelResponse | None = None,
    ) -> None:
        """The request, for people to read, and its answer, to be played in tests. It was sent at least once, whatever
        came of it.
        """
        if not sent.body:
            sent.body = framework_request(question.messages, question.settings, parameters)
        sent.body = without_contents(sent.body, question.messages)
        answered = None
        if response is not None:
            request = offered(question.messages, parameters)
            uses = uses_of(self._run.lease.assignment.agent.agent)
            answered = exchange(self._run.agent, uses, self.choice, request, response)
        self._run.reporter.keep(self._pieces.of(question.call_id, sent, self.choice, answered))


class _UnavailableError(StigmerError):
    """A model that is overloaded or cannot be reached."""
