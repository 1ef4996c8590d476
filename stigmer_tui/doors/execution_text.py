"""An execution as a text: the whole of it, or the part that has failed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.shortening import without_middle
from stigmer_tui.headless.json_output import outcome
from stigmer_tui.headless.text_output import TextOutput
from stigmer_tui.workbench.events import RunChanged, RunDetached, RunEnded, RunStarted
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Node, NodeKey, NodeKind
from stigmer_tui.workbench.state import ShownRun
from stigmer_tui.workbench.usage import usage_sentence

MAX_VALUE = 2000
"""Characters of an input or an output around a failure."""

LAST_MESSAGES = 3


def summary(execution: Execution) -> str:
    """How it stands, and what came of it."""
    lines = [f"{execution.id}  {execution.resource}  {execution.state}"]
    if execution.error:
        lines.append(f"Error: {execution.error}")
    if execution.usage.is_counted:
        lines.append(f"Used: {usage_sentence(execution.usage)}")
    if execution.state is RunState.COMPLETED and (output := outcome(execution)) is not None:
        lines += ["", output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, indent=2)]
    return "\n".join(lines)


def whole_text(shown: ShownRun) -> str:
    """As `execution show` prints it."""
    out, execution = io.StringIO(), shown.execution
    output = TextOutput(out, io.StringIO(), Redactor(()))
    output.take(RunStarted(shown))
    output.take(RunChanged(execution))
    output.take(RunEnded(execution) if execution.state.is_final else RunDetached(execution))
    return out.getvalue()


def failing_text(execution: Execution) -> str:
    """What has failed, from the outside in, and what was said last; for a run that has not failed, its summary."""
    failed = [(key, node) for key, node in execution.nodes() if _has_failed(node)]
    if execution.state is not RunState.FAILED and not failed:
        return summary(execution)
    return "\n\n".join([summary(execution), *(_failure(key, node) for key, node in failed), *_last_messages(execution)])


def _has_failed(node: Node) -> bool:
    return node.kind is not NodeKind.RUN and node.state is RunState.FAILED


def _failure(key: NodeKey, node: Node) -> str:
    where = " › ".join(part for part in key[1:] if part)
    parts = [f"✗ {node.kind.replace('_', ' ')} {node.name or node.id}  ({where})", f"Error: {node.error}"]
    parts += [f"{name}: {_value(value)}" for name, value in (("Input", node.input), ("Output", node.output)) if value]
    return "\n".join(parts)


def _last_messages(execution: Execution) -> Iterator[str]:
    for message in list(execution.messages())[-LAST_MESSAGES:]:
        yield f"{message.role.value}: {_shortened(message.text)}"


def _value(value: object) -> str:
    return _shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def _shortened(text: str) -> str:
    return without_middle(text, MAX_VALUE)
