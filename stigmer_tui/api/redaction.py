"""Secret values in the messages of the wire."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from stigmer_tui.core.redaction import Redactor


def redact(message: Message, redactor: Redactor) -> None:
    """Replaces secrets in every text of the message, in place; names of map entries stay."""
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


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)
