"""Runs of tasks by coding agents of others, as executions: their records are read, whoever has started them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from stigmer_tui.agent_clis.agent_cli import AgentCli
from stigmer_tui.agent_clis.events import Called, CliEvent, Failed, LineReader, Printed, Returned, Said
from stigmer_tui.agent_clis.events import Usage as CliUsage
from stigmer_tui.agent_clis.formats.plain import PlainLines
from stigmer_tui.agent_clis.process import MAX_LINE
from stigmer_tui.agent_clis.records import TRANSCRIPT, RunRecord, is_alive, read_record
from stigmer_tui.core.clock import Clock, parse_timestamp
from stigmer_tui.core.file_notifications import file_notifications
from stigmer_tui.core.lines import LineSplitter
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, Run, RunState
from stigmer_tui.workbench.nodes import GrowMessage, Message, Node, NodeKind, PutMessage, PutNode, Role
from stigmer_tui.workbench.usage import ModelCall

PREFIX = "task:"
"""Of the ids of tasks and of their runs."""
STEP_MS, LOOK_MS = 50, 1000
"""Between two looks of the watching thread; and after which the runner is looked for, if nothing was written."""
DIED = "The runner of this task was killed"


def run_id_of(record: RunRecord) -> str:
    return f"{PREFIX}{record.task}/{record.agent}/{record.run_id}"


def folder_of(logs: Path, run_id: str) -> Path:
    return logs / run_id.removeprefix(PREFIX)


def state_of(record: RunRecord) -> RunState:
    if record.end_time is None:
        return RunState.RUNNING if is_alive(record) else RunState.FAILED
    if record.is_cancelled:
        return RunState.CANCELLED
    return RunState.COMPLETED if record.exit_code == 0 else RunState.FAILED


def error_of(record: RunRecord) -> str:
    return record.error or (DIED if record.end_time is None and not is_alive(record) else "")


def listed_task_run(record: RunRecord) -> Run:
    """A run as a line of the list; what it was started with is the agent."""
    return Run(
        ResourceKind.TASK,
        run_id_of(record),
        f"{PREFIX}{record.task}",
        record.task,
        state_of(record),
        record.agent,
        parse_timestamp(record.start_time),
        parse_timestamp(record.start_time),
        parse_timestamp(record.end_time or ""),
        error_of(record),
    )


class TaskRunReader:
    """Reads the records of one run into an execution, as far as they are written."""

    def __init__(self, folder: Path, agent: AgentCli | None, clock: Clock) -> None:
        """`agent` is None for one that is no longer known, whose lines are shown as they are."""
        record = read_record(folder)
        if record is None:
            raise FileNotFoundError(folder)
        self._folder = folder
        self._clock = clock
        self._agent = record.agent
        self._reader: LineReader = agent.reader() if agent else PlainLines()
        self._splitter = LineSplitter(MAX_LINE)
        self._offset = 0
        self._usage = CliUsage()
        self._is_live = False
        self._is_printing = False
        """Whether the last message is made of lines that are no events."""
        started_at = parse_timestamp(record.start_time)
        self.execution = Execution(
            ResourceKind.TASK, run_id_of(record), record.task, record.agent, RunState.RUNNING, started_at=started_at
        )

    def read(self) -> bool:
        """Takes what was written since the last call. Returns whether the run has ended."""
        record = read_record(self._folder)
        # The record first: what is written before the end is in the transcript when the end is in the record.
        for line in self._new_lines(is_last=record is not None and record.end_time is not None):
            for event in self._reader.read(line):
                self._take(event)
        if record is None:
            return True
        state = state_of(record)
        if state.is_final:
            self._end(record, state)
        return state.is_final

    async def follow(self, changed: Callable[[], None]) -> None:
        """Until the run has ended."""
        if self.read():
            changed()
            return
        self._is_live = True
        async for _ in file_notifications(self._folder, step=STEP_MS, debounce=STEP_MS, timeout=LOOK_MS):
            has_ended = self.read()
            changed()
            if has_ended:
                return

    def _new_lines(self, is_last: bool) -> list[str]:
        try:
            with (self._folder / TRANSCRIPT).open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            data = b""
        self._offset += len(data)
        lines = self._splitter.feed(data)
        return [*lines, *self._splitter.end()] if is_last else lines

    def _take(self, event: CliEvent) -> None:
        match event:
            case Said(text, is_reasoning):
                self._say(Message(Role.SYSTEM if is_reasoning else Role.AGENT, text, self._now(), model=self._agent))
            case Called(call_id, tool, arguments):
                self._say(Message(Role.TOOL, "", self._now(), (call_id,)))
                call = Node(call_id, NodeKind.TOOL_CALL, tool, state=RunState.RUNNING, started_at=self._now())
                self._put(replace(call, input=dict(arguments)))
            case Returned(call_id, output, is_error):
                self._return(call_id, output, is_error)
            case Failed(message):
                self._say(Message(Role.SYSTEM, message, self._now()))
            case Printed(text) if text.strip():
                self._print(text)
            case CliUsage():
                self._usage += event
                spent = ModelCall(
                    self._agent,
                    self._agent,
                    input_tokens=self._usage.tokens_in,
                    cached_tokens=self._usage.tokens_cached,
                    output_tokens=self._usage.tokens_out,
                    cost=self._usage.cost,
                )
                root = self.execution.root
                self.execution.apply(PutNode(replace(root, usage=root.usage.with_calls([spent])), ()))

    def _return(self, call_id: str, output: str, is_error: bool) -> None:
        known = self.execution.find((self.execution.id, call_id))
        if known is None:
            return
        call = replace(
            known,
            state=RunState.FAILED if is_error else RunState.COMPLETED,
            output="" if is_error else output,
            error=output if is_error else "",
            completed_at=self._now(),
        )
        self._put(call)

    def _print(self, text: str) -> None:
        index = len(self.execution.messages()) - 1
        if self._is_printing:
            kept = len(self.execution.messages()[index].text)
            self.execution.apply(GrowMessage(index, kept, f"\n{text}", self.execution.root_key))
        else:
            self._say(Message(Role.SYSTEM, text, self._now()))
            self._is_printing = True

    def _say(self, message: Message) -> None:
        self._is_printing = False
        index = len(self.execution.messages())
        self.execution.apply(PutMessage(index, message, self.execution.root_key))

    def _put(self, node: Node) -> None:
        self.execution.apply(PutNode(node, self.execution.root_key))

    def _end(self, record: RunRecord, state: RunState) -> None:
        ended_at = parse_timestamp(record.end_time or "") or self._clock.now()
        root = replace(self.execution.root, state=state, error=error_of(record), completed_at=ended_at)
        self.execution.apply(PutNode(root, ()))

    def _now(self) -> datetime | None:
        """None for what happened before anybody looked."""
        return self._clock.now() if self._is_live else None
