"""Secret values in the messages of the wire."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value

from stigmer_tui.core.redaction import REDACTED, Redactor


def redact(message: Message, redactor: Redactor) -> None:
    """Replaces secrets in every text of the message, and in every number of its JSON values, in place; names of map
    entries stay, but not the keys of JSON objects.
    """
    if isinstance(message, Value) and message.WhichOneof("kind") == "number_value":
        if redactor.is_secret_number(message.number_value):
            message.string_value = REDACTED
        return
    if isinstance(message, Struct):
        _redact_keys(message, redactor)
    for field, value in message.ListFields():
        is_text = field.type == FieldDescriptor.TYPE_STRING
        if _is_map(field):
            for key, item in value.items():
                if isinstance(item, Message):
                    redact(item, redactor)
                elif isinstance(item, str):
                    value[key] = redactor.text(item)
        elif field.message_type:
            for item in value if field.is_repeated else [value]:
                redact(item, redactor)
        elif is_text and field.is_repeated:
            value[:] = [redactor.text(item) for item in value]
        elif is_text:
            setattr(message, field.name, redactor.text(value))


def _redact_keys(struct: Struct, redactor: Redactor) -> None:
    for key in [key for key in struct.fields if redactor.text(key) != key]:
        struct.fields[redactor.text(key)].CopyFrom(struct.fields[key])
        del struct.fields[key]


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)
