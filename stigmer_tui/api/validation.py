"""The validation rules of the protos, run on messages."""

from __future__ import annotations

import protovalidate
from google.protobuf.message import Message


def violations(message: Message, root: str = "") -> list[str]:
    """Every broken rule as `spec.tasks[2].name: value is required`, in the order of the fields; `root` goes before."""
    return [_text(violation, root) for violation in protovalidate.collect_violations(message)]


def _text(violation: protovalidate.Violation, root: str) -> str:
    path = root
    for element in violation.proto.field.elements if violation.proto.field else ():
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript:
            path += f"[{element.subscript.value}]"
    message = violation.proto.message or violation.proto.rule_id
    return f"{path}: {message}" if path else message
