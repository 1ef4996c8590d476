"""Messages of a person in a conversation: what each follows, and in which session."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stigmer_tui.definition.extensions import FILES
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.state import RunInput, ShownRun


@dataclass(frozen=True, slots=True)
class Turn:
    """A message that a person sends in a conversation."""

    resource: Resource
    input: RunInput
    earlier: tuple[Execution, ...]
    """What it follows, the oldest first."""
    number: int
    """Of the run that the conversation began with."""
    session: str
    """Empty for a session that is forked for it."""
    fork: Execution | None = None
    """The first execution that does not belong to the conversation any more."""
    replaces: tuple[str, ...] = ()
    """Ids of the executions whose place it takes in its session."""
    why: str = ""
    """What had it sent, where that was not the person."""


def files_of(run_input: RunInput) -> str:
    """Those that belong to its message, as `definition/attached_files` reads them."""
    return run_input.annotations.get(FILES, "")


def input_of(execution: Execution, last: RunInput) -> RunInput:
    """For running it again: its own message and files, and what else its resource was run with last."""
    return with_files(replace(last, message=execution.message), execution.files)


def with_files(run_input: RunInput, files: str) -> RunInput:
    """With these files, and no others."""
    others = {name: text for name, text in run_input.annotations.items() if name != FILES}
    return replace(run_input, annotations={**others, FILES: files} if files else others)


def next_turn(shown: ShownRun, message: str, files: str = "") -> Turn:
    """After the shown execution; where its session has gone on since, in a fork. `files` belong to the message alone,
    as `definition/attached_files` writes them.
    """
    run_input = with_files(replace(shown.input, message=message), files)
    session = "" if shown.later else shown.execution.session
    replaces = shown.later.replaces if shown.later else ()
    return Turn(shown.resource, run_input, shown.conversation, shown.number, session, shown.later, replaces)


def repeated_turn(shown: ShownRun, why: str) -> Turn:
    """The last message once more, in the same session: the execution that it led to counts no longer."""
    execution = shown.execution
    replaces = (*execution.replaces, execution.id)
    return Turn(shown.resource, shown.input, shown.earlier, shown.number, execution.session, None, replaces, why)


def resent_turn(shown: ShownRun, execution_id: str, message: str, files: str | None = None) -> Turn | None:
    """In the place of an execution of the conversation; None for one that is not in it. Without `files`, with those
    that it had.
    """
    conversation = shown.conversation
    for index, execution in enumerate(conversation):
        if execution.id == execution_id:
            has = execution.files if files is None else files
            run_input = with_files(replace(shown.input, message=message), has)
            earlier, replaces = conversation[:index], execution.replaces
            return Turn(shown.resource, run_input, earlier, shown.number, "", execution, replaces)
    return None
