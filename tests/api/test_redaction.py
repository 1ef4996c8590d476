from __future__ import annotations

from stigmer_tui.api.execution_pb2 import FollowResponse
from stigmer_tui.api.redaction import redact
from stigmer_tui.api.structs import to_data, to_struct
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowTask
from stigmer_tui.core.redaction import REDACTED, Redactor

SECRET = "hunter22"


def test_secrets_are_replaced_wherever_a_message_holds_texts() -> None:
    response = FollowResponse()
    execution = response.workflow_snapshot
    execution.spec.trigger_message = f"use {SECRET}"
    execution.spec.runtime_env["TOKEN"].value = SECRET
    execution.metadata.tags.append(SECRET)
    execution.metadata.labels["from"] = SECRET
    output = to_struct({"body": {"list": [SECRET, 1, {"deep": f"<{SECRET}>"}]}})
    execution.status.tasks.append(WorkflowTask(task_name="fetch", output=output))

    redact(response, Redactor([SECRET]))

    assert SECRET not in str(response)
    assert execution.spec.trigger_message == f"use {REDACTED}"
    assert execution.spec.runtime_env["TOKEN"].value == REDACTED
    assert list(execution.metadata.tags) == [REDACTED]
    assert execution.metadata.labels["from"] == REDACTED
    body = to_data(execution.status.tasks[0].output)["body"]
    assert body == {"list": [REDACTED, 1, {"deep": f"<{REDACTED}>"}]}


def test_what_holds_no_secret_stays_as_it_is() -> None:
    execution = WorkflowExecution()
    execution.spec.trigger_message = "nothing"
    execution.status.output.CopyFrom(to_struct({"number": 1.5, "none": None, "yes": True}))
    before = execution.SerializeToString(deterministic=True)
    redact(execution, Redactor([SECRET]))
    assert execution.SerializeToString(deterministic=True) == before


def test_numbers_and_keys_of_json_values_are_replaced() -> None:
    """Point 9: a number whose digits are a secret."""
    execution = WorkflowExecution()
    data = {"pin": 918273645546, "918273645546": [1, {"n": 918273645546.0}], "long": -1.918273645546, "count": 3}
    execution.status.output.CopyFrom(to_struct(data))
    redact(execution, Redactor(["918273645546"]))
    assert to_data(execution.status.output) == {
        REDACTED: [1, {"n": REDACTED}],
        "count": 3,
        "long": REDACTED,
        "pin": REDACTED,
    }
