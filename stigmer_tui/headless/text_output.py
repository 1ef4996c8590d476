"""Progress for people: the lines that Stigmer's users know (`docs/compatibility.md` 150)."""

from __future__ import annotations

from typing import TextIO

from stigmer_tui.core.control_text import ControlFilter, json_text, last_form
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.headless.conversation_lines import LineWriter
from stigmer_tui.headless.output import PrintedErrors
from stigmer_tui.headless.run_lines import RunLines
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
    ProjectDetected,
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
from stigmer_tui.workbench.model import Resource, ResourceKind, RunState
from stigmer_tui.workbench.nodes import NodeKind
from stigmer_tui.workbench.state import Deployment, Level
from stigmer_tui.workbench.usage import usage_sentence

OUTCOMES = {
    RunState.COMPLETED: "✅ Execution completed",
    RunState.FAILED: "❌ Execution failed",
    RunState.CANCELLED: "⚠️  Execution cancelled",
}

COUNTED = (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED)


class TextOutput:
    def __init__(self, out: TextIO, err: TextIO, redactor: Redactor) -> None:
        self._err = err
        self._redactor = redactor

        printable = ControlFilter()

        def write(text: str) -> None:
            # In this order: a control character within a secret must not hide it.
            out.write(redactor.text(printable.feed(text)))
            out.flush()

        self._lines = LineWriter(write)
        self._run: RunLines | None = None
        self._is_watching = False
        self._printed_errors = PrintedErrors()

    def take(self, event: Event) -> None:
        match event:
            case ProjectDetected():
                self._lines.line("📁 Detected Stigmer project - applying latest code")
            case ProjectLoaded(elsewhere=elsewhere):
                self._printed_errors.clear()
                self._lines.line(f"✓ Loaded Stigmer.yaml{f' in {elsewhere}' if elsewhere else ''}")
            case CodePrinted(line, is_error):
                self._code_printed(line, is_error)
            case ManifestsLoaded(resources):
                self._lines.line(f"✓ Manifest loaded: {resources} resource(s) discovered")
            case Deployed(deployment):
                self._deployed(deployment)
            case DeploymentFailed(error):
                self.failed(error)
            case FilesWatched(count):
                self._watching(count)
            case FilesSaved(change):
                self._lines.line()
                self._lines.line(f"💾 Saved: {change}")
            case KeysHandedOver(names):
                given = " and ".join(names)
                self._lines.line(f"✓ Handed {given} to the daemon, which had no such key (kept in memory only)")
            case SecretsRecalled(names):
                self._lines.line(f"✓ From the keyring: {', '.join(names)}")
            case SecretsRemembered(names):
                self._lines.line(f"✓ Kept in the keyring, for runs from this folder: {', '.join(names)}")
            case RunStarted(run):
                self._started(run.resource, run.execution)
            case RunChanged(execution):
                self._changed(execution)
            case ConnectionLost():
                self._lines.line("⚠️  Connection lost - looking for the server")
            case ServerLost(problem):
                self._lines.line(f"⚠️  {problem}")
            case RunReplaced():
                self._lines.line("⚠️  A newer run takes its place")
            case RunEnded(execution):
                self._ended(execution)
            case RunDetached(execution):
                self._lines.line(f"It goes on. See it to its end: stigmer-tui run --resume {execution.id}")
            case Noticed(text, Level.WARNING | Level.ERROR):
                self._lines.line(f"⚠️  {text}")
            case _:
                # What only a screen shows.
                pass

    def failed(self, error: StigmerError) -> None:
        self._lines.close()
        self._err.write(self._redactor.text(self._printed_errors.text_of(error)))
        self._err.flush()

    def _code_printed(self, line: str, is_error: bool) -> None:
        if is_error:
            self._printed_errors.add(line)
            self._err.write(f"  {last_form(line)}\n")
            self._err.flush()
        else:
            self._lines.line(f"  {last_form(line)}")

    def _deployed(self, deployment: Deployment) -> None:
        for warning in deployment.warnings:
            self._lines.line(f"⚠️  {warning}")
        agents, workflows = deployment.count(ResourceKind.AGENT), deployment.count(ResourceKind.WORKFLOW)
        others = len(deployment.items) - agents - workflows
        counts = ((agents, "agent(s)"), (workflows, "workflow(s)"), (others, "other resource(s)"))
        parts = [f"{count} {what}" for count, what in counts if count]
        self._lines.line(f"✓ Deployed: {' and '.join(parts)} ({deployment.applied.summary})")

    def _watching(self, files: int) -> None:
        """The count changes with the files; that they are watched is said once."""
        if not self._is_watching:
            self._is_watching = True
            self._lines.line(f"👀 Watching {files} file(s) - Ctrl+C ends")

    def _started(self, resource: Resource, execution: Execution) -> None:
        self._lines.line()
        self._lines.line(f"✓ {resource.kind.capitalize()} execution started: {resource.name}")
        self._lines.line(f"Execution ID: {execution.id}")
        self._lines.line()

    def _changed(self, execution: Execution) -> None:
        if self._run is None or self._run.execution is not execution:
            self._run = RunLines(execution, self._lines)
        self._run.update()

    def _ended(self, execution: Execution) -> None:
        self._changed(execution)
        self._lines.line(OUTCOMES[execution.state])
        if execution.error:
            self._lines.line(f"Error: {execution.error}")
        if execution.output:
            self._lines.line(f"Output: {json_text(execution.output, indent=2)}")
        self._lines.line()
        if execution.started_at and execution.completed_at:
            seconds = (execution.completed_at - execution.started_at).total_seconds()
            self._lines.line(f"Duration: {round(seconds)}s")
        if execution.kind is ResourceKind.AGENT:
            self._lines.line(f"Total messages: {len(execution.messages())}")
            self._lines.line(f"Tool calls: {execution.count(NodeKind.TOOL_CALL).total()}")
            if used := usage_sentence(execution.usage):
                self._lines.line(f"Tokens: {used}")
        else:
            self._count(execution)

    def _count(self, execution: Execution) -> None:
        states = execution.count(NodeKind.TASK)
        self._lines.line(f"Total tasks: {states.total()}")
        for state in COUNTED:
            if count := states[state]:
                self._lines.line(f"{state.capitalize()}: {count}")
