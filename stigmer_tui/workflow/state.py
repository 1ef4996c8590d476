"""The state of a workflow between two tasks, as expressions see it (`docs/compatibility.md` 84, 99)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stigmer_tui.definition.expressions import Roots
from stigmer_tui.workflow.json_text import read_json_object
from stigmer_tui.workflow.secrets import SecretMarks


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What a run was started with."""

    execution_id: str
    organization: str
    secrets: SecretMarks
    input: Mapping[str, Any]
    """`$input`"""


def input_of(trigger_message: str, trigger_metadata: Mapping[str, str]) -> dict[str, Any]:
    """`$input`: the fields of the trigger message where it is a JSON object, and always the message itself."""
    trigger = {"trigger_message": trigger_message, "trigger_metadata": dict(trigger_metadata)}
    return read_json_object(trigger_message) | trigger


@dataclass(slots=True)
class WorkflowState:
    """Of one scope: the workflow, or one iteration of a loop. The values in it are never changed, only replaced."""

    inputs: RunInputs
    data: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] | None = None
    """What tasks have exported, by their names; None before the first export."""
    output: Any = None
    """Of the last task that has ended."""
    item: dict[str, Any] = field(default_factory=dict)
    """`item` and `index` within a loop."""

    def for_item(self, each: str, item: Any, index: Any) -> WorkflowState:
        """A scope of its own: it sees everything here, and nothing that is set in it is seen here."""
        return replace(
            self,
            data={**self.data, each: item, "index": index},
            output=None,
            item={"item": item, "index": index},
        )

    def export(self, name: str, value: Any) -> None:
        self.context = {**(self.context or {}), name: value}

    def roots(self, task: str) -> Roots:
        """What an expression of the task with this name reads."""
        secrets = self.inputs.secrets
        data = {
            "task": {"name": task},
            "__stigmer_execution_id": self.inputs.execution_id,
            "__stigmer_org_id": self.inputs.organization,
            "__stigmer_current_task_name": task,
            **self.data,
        }
        dot = {
            **data,
            **self.item,
            "input": self.inputs.input,
            "context": self.context,
            "output": self.output,
            "secrets": secrets.marks,
            "env_vars": secrets.variables,
        }
        return {
            ".": dot,
            "$data": data,
            "$context": self.context,
            "$output": self.output,
            "$env": secrets.plain,
            "$input": self.inputs.input,
        }
