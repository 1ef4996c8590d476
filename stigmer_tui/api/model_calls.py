"""The calls of models in an execution: kept in an annotation, for the status of the contract has no place for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from stigmer_tui.api.model_call_pb2 import ModelCall

MODEL_CALLS = "stigmer-tui/model-calls"
"""On an agent execution: its calls of models as a JSON list, in their order."""


def read_model_calls(annotations: Mapping[str, str]) -> list[ModelCall]:
    """The calls; none where there is no annotation, or one that is not valid."""
    try:
        return [ParseDict(item, ModelCall()) for item in json.loads(annotations.get(MODEL_CALLS, "[]"))]
    except (ValueError, TypeError, ParseError):
        return []


def write_model_calls(calls: Iterable[ModelCall]) -> str:
    """The value of the annotation."""
    return json.dumps([MessageToDict(call, preserving_proto_field_name=True) for call in calls], separators=(",", ":"))
