"""An agent's conversation as lines that grow: what was printed is never printed again."""

from __future__ import annotations

from collections.abc import Callable

from stigmer_tui.core.agent_tools import EXECUTE, EXIT_CODE, TASK
from stigmer_tui.core.control_text import json_text
from stigmer_tui.core.output_tail import OutputTail
from stigmer_tui.core.units import count_text
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Message, Node, NodeKey, NodeKind, Role
from stigmer_tui.workbench.todos import todos_of

ICONS = {Role.HUMAN: "💬 You", Role.AGENT: "🤖 Agent", Role.SYSTEM: "ℹ️  System"}

ENDS = {
    RunState.COMPLETED: ("✓", "Completed"),
    RunState.FAILED: ("✗", "Failed"),
    RunState.CANCELLED: ("⊘", "Cancelled"),
}


REASONING = "💭 Reasoning"

OUTPUT_MARGIN = "  │ "

MAX_LAST_LINES = 20
"""Lines of a command's output that are printed once it has ended; the earlier ones are left out."""

LABELS = {NodeKind.TOOL_CALL: ("🔧", "Tool"), NodeKind.SUB_AGENT: ("🤖", "Sub-agent")}

TODO_SIGNS = {RunState.RUNNING: "▸", RunState.COMPLETED: "☑", RunState.CANCELLED: "⊘"}


class LineWriter:
    """Text written piece by piece; `open` is the line that has no end yet."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._open = False

    def line(self, text: str = "") -> None:
        self.close()
        self._write(f"{text}\n")

    @property
    def is_open(self) -> bool:
        return self._open

    def piece(self, text: str) -> None:
        if text:
            self._write(text)
            self._open = not text.endswith("\n")

    def close(self) -> None:
        if self._open:
            self._write("\n")
            self._open = False


class ConversationLines:
    """Of one run. `print_below` is called before a call ends, for what happened in it."""

    def __init__(
        self,
        execution: Execution,
        run: NodeKey,
        lines: LineWriter,
        indent: str,
        print_below: Callable[[NodeKey], None],
    ) -> None:
        self._execution = execution
        self._run = run
        self._lines = lines
        self._indent = indent
        self._print_below = print_below
        self._next = 0
        self._printed = ""
        """Of the message at `_next`."""
        self._running: dict[NodeKey, OutputTail] = {}
        """Calls that have begun, and their output as far as it was printed."""
        self._waiting: set[NodeKey] = set()
        """Calls of which it has been printed that they wait for approval."""
        self._told_scripted = False
        self._is_of_sub_agent = len(run) > 1 and execution.node(run[:-1]).kind is NodeKind.SUB_AGENT
        self._named: set[str] = set()
        """Ids of calls that messages name, in as many messages as have been looked at."""
        self._looked_at = 0

    def names(self, call_id: str) -> bool:
        """Whether a message stands for the call, which is printed with it."""
        messages = self._execution.messages(self._run)
        self._named.update(call for message in messages[self._looked_at :] for call in message.calls)
        self._looked_at = len(messages)
        return call_id in self._named

    def update(self) -> None:
        messages, is_final = self._execution.messages(self._run), self._execution.node(self._run).state.is_final
        while self._next < len(messages):
            message = messages[self._next]
            self._end_calls()
            if message.role is Role.TOOL:
                if not is_final and any(self._is_unclear(call_id) for call_id in message.calls):
                    break
                for call_id in message.calls:
                    self._call_began((*self._run, call_id))
            else:
                may_grow = self._next == len(messages) - 1 and not is_final
                if may_grow and self._is_of_sub_agent:
                    # Several may speak at the same time: each says the whole of it at once.
                    break
                self._say(message)
                if may_grow:
                    break
                self._lines.close()
                for file in message.files:
                    self._line(f"  📎 {file}")
            self._next += 1
            self._printed = ""
        self._end_calls()

    def _end_calls(self) -> None:
        for key in list(self._running):
            call = self._execution.node(key)
            if call.state is RunState.WAITING and key not in self._waiting:
                self._waiting.add(key)
                self._line(f"⏸ Tool: {call.name} [Waiting for approval]")
                self._line(f"  {json_text(dict(call.input or {}))}")
            if call.state in ENDS:
                if call.name == EXECUTE and not self._is_of_sub_agent:
                    self._put_out(key, _last_output(call, self._running[key]))
                is_open = self._running.pop(key).end > 0
                self._print_below(key)
                if is_open:
                    self._lines.close()
                self._call_ended(call)
            elif call.state is RunState.RUNNING and not self._is_of_sub_agent:
                self._put_out(key, OutputTail(call.left_out, str(call.output or "")))

    def _say(self, message: Message) -> None:
        if not message.text:
            return
        if message.model == "scripted" and not self._told_scripted:
            self._told_scripted = True
            self._line("ℹ️  The agent's script is played; no model is asked")
        speaker = REASONING if message.is_reasoning else ICONS[message.role]
        if not self._printed:
            self._lines.close()
            self._lines.piece(f"{self._indent}{speaker}: {self._indented(message.text)}")
        elif message.text.startswith(self._printed):
            self._lines.piece(self._indented(message.text[len(self._printed) :]))
        else:
            # The runner was killed in the middle of this message, and it is told anew.
            self._lines.close()
            self._lines.piece(f"{self._indent}{speaker}: {self._indented(message.text)}")
        self._printed = message.text

    def _is_unclear(self, call_id: str) -> bool:
        """Whether a call is being written that may hand something to a sub-agent."""
        call = self._execution.find((*self._run, call_id))
        is_known = call is None or call.name != TASK or bool(call.input) or call.state is not RunState.PENDING
        return not is_known

    def _call_began(self, key: NodeKey) -> None:
        call = self._execution.find(key)
        if call is not None and not call.parent:
            icon, noun = LABELS[call.kind]
            self._line(f"{icon} {noun}: {call.name} [Running]")
            self._running[key] = OutputTail()

    def _put_out(self, key: NodeKey, tail: OutputTail) -> None:
        """What a call has put out since the last time."""
        printed = self._running[key].end
        new = tail.since(printed)
        if not new.text:
            return
        indent = f"{self._indent}{OUTPUT_MARGIN}"
        text, is_new = new.text, printed == 0 or not self._lines.is_open
        if new.before > printed:
            self._line(f"{OUTPUT_MARGIN}… {count_text(new.before - printed)} characters left out …")
            is_new = True
        self._running[key] = tail
        ends = text.endswith("\n")
        body = text.removesuffix("\n").replace("\n", f"\n{indent}")
        self._lines.piece(f"{indent if is_new else ''}{body}{chr(10) if ends else ''}")

    def _call_ended(self, call: Node) -> None:
        sign, word = ENDS[call.state]
        self._line(f"{sign} {LABELS[call.kind][1]}: {call.name} [{word}]")
        for todo in todos_of(call):
            self._line(f"  {TODO_SIGNS.get(todo.state, '☐')} {self._indented(todo.content)}")
        if call.error:
            self._line(f"  {self._indented(call.error)}")

    def _line(self, text: str) -> None:
        self._lines.line(f"{self._indent}{text}")

    def _indented(self, text: str) -> str:
        return text.replace("\n", f"\n{self._indent}") if self._indent else text


def _last_output(call: Node, printed: OutputTail) -> OutputTail:
    """The whole output of a command that has ended, but of what was not printed yet the last lines only.

    Without a result that goes on from what was printed, that is all there is.
    """
    whole = str(call.output or "").rpartition(EXIT_CODE)[0]
    if printed.before or not whole.startswith(printed.text):
        return printed
    last = "".join(whole[printed.end :].splitlines(keepends=True)[-MAX_LAST_LINES:])
    return OutputTail(len(whole) - len(last), last) if last.strip("\n") else printed
