"""Progress for programs: a JSON object a line, each with `event` and `time`. Texts for people go to standard error."""

from __future__ import annotations

from datetime import datetime
from typing import TextIO

from stigmer_tui.core.clock import Clock, timestamp
from stigmer_tui.core.control_text import json_text
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.headless.output import PrintedErrors
from stigmer_tui.headless.run_events import RunEvents, usage_data
from stigmer_tui.workbench.events import (
    CodePrinted,
    ConnectionLost,
    Deployed,
    DeploymentFailed,
    Event,
    FilesSaved,
    FilesWatched,
    KeysHandedOver,
    ManifestsLoaded,
    Noticed,
    ProjectLoaded,
    RunChanged,
    RunDetached,
    RunEnded,
    RunReplaced,
    RunStarted,
    SecretsRecalled,
    SecretsRemembered,
    ServerLost,
)
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.nodes import Role
from stigmer_tui.workbench.state import Deployment, ShownRun
from stigmer_tui.workbench.usage import Usage


class JsonOutput:
    def __init__(self, out: TextIO, err: TextIO, redactor: Redactor, clock: Clock) -> None:
        self._out = out
        self._err = err
        self._redactor = redactor
        self._clock = clock
        self._run: RunEvents | None = None
        self._is_watching = False
        self._printed_errors = PrintedErrors()

    def take(self, event: Event) -> None:
        match event:
            case ProjectLoaded(name):
                self._printed_errors.clear()
                self._write("project", name=name)
            case CodePrinted(line, is_error):
                if is_error:
                    self._printed_errors.add(line)
                self._err.write(f"{line}\n")
                self._err.flush()
            case ManifestsLoaded(resources):
                self._write("manifests", resources=resources)
            case Deployed(deployment):
                self._deployed(deployment)
            case DeploymentFailed(error):
                self.failed(error)
            case FilesWatched(count):
                self._watching(count)
            case FilesSaved(change):
                self._write("saved", change=change)
            case KeysHandedOver(names):
                self._write("keys_handed_over", names=list(names))
            case SecretsRecalled(names):
                self._write("secrets_recalled", names=list(names))
            case SecretsRemembered(names):
                self._write("secrets_remembered", names=list(names))
            case RunStarted(ShownRun(execution, resource, _, _, why)):
                self.started(execution, resource, why)
            case RunChanged(execution):
                self._changed(execution)
            case ConnectionLost():
                self._write("connection_lost")
            case ServerLost(problem):
                self._write("server_lost", message=problem)
            case RunReplaced(execution):
                self._write("replaced", execution_id=execution.id)
            case RunEnded(execution):
                self._ended(execution)
            case RunDetached(execution):
                self._write("detached", execution_id=execution.id)
            case Noticed(text, level):
                self._write("notice", level=level, message=text)
            case _:
                # What only a screen shows.
                pass

    def failed(self, error: StigmerError) -> None:
        self._write("error", message=error.message)
        self._err.write(self._redactor.text(self._printed_errors.text_of(error)))
        self._err.flush()

    def started(self, execution: Execution, resource: Resource, why: str) -> None:
        self._write("started", execution_id=execution.id, kind=resource.kind, resource=resource.slug, why=why)

    def refused(self, resource: Resource, message: str) -> None:
        """One of several runs could not be started, or not be followed."""
        self._write("refused", kind=resource.kind, resource=resource.slug, message=message)

    def session(self, session_id: str, subject: str, executions: int, usage: Usage) -> None:
        """A whole conversation, after the events of its executions."""
        used = {"usage": usage_data(usage)} if usage.is_counted else {}
        self._write("session", session_id=session_id, subject=subject, executions=executions, **used)

    def _deployed(self, deployment: Deployment) -> None:
        for warning in deployment.warnings:
            self._write("warning", message=warning)
        applied = deployment.applied
        self._write(
            "deployed",
            created=applied.created,
            updated=applied.updated,
            unchanged=applied.unchanged,
            orphaned=applied.orphaned,
        )

    def _watching(self, files: int) -> None:
        """The count changes with the files; that they are watched is said once."""
        if not self._is_watching:
            self._is_watching = True
            self._write("watching", files=files)

    def _changed(self, execution: Execution) -> None:
        if self._run is None or self._run.execution is not execution:
            self._run = RunEvents(execution, self._write)
        self._run.update()

    def _ended(self, execution: Execution) -> None:
        self._changed(execution)
        self.ended(execution)

    def ended(self, execution: Execution) -> None:
        """How it ended, without what happened before."""
        self._write(
            execution.state.value,
            execution_id=execution.id,
            output=outcome(execution),
            error=execution.error,
            started_at=_text(execution.started_at),
            completed_at=_text(execution.completed_at),
            **({"usage": usage_data(execution.usage)} if execution.usage.is_counted else {}),
        )

    def _write(self, event: str, **data: object) -> None:
        line = {"event": event, "time": timestamp(self._clock.now()), **data}
        self._out.write(json_text(self._redactor.data(line)) + "\n")
        self._out.flush()


def outcome(execution: Execution) -> object:
    """The output of a run; of an agent without one, what it said last."""
    if execution.output is not None:
        return execution.output
    for message in reversed(execution.messages()):
        if message.role is Role.AGENT and message.text:
            return message.text
    return None


def _text(moment: datetime | None) -> str:
    return timestamp(moment) if moment else ""
