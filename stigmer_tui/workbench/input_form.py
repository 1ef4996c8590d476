"""The form of a workflow that declares its input: fields with what is in a message, and the message that they make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json
from stigmer_tui.workbench.schema_fields import SchemaField, fields_of, typed_values


class FieldError(StigmerError):
    """What is wrong with one field."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class InputForm:
    schema: str
    fields: tuple[SchemaField, ...]
    texts: Mapping[str, str]
    """What the message has said, by field."""
    others: Mapping[str, Any]
    """What it has said besides; it is kept."""

    def message(self, texts: Mapping[str, str]) -> str:
        """As JSON, with defaults. Raises FieldError, and StigmerError for what is wrong otherwise."""
        values = dict(self.others)
        for field in self.fields:
            text = texts.get(field.name, "")
            if field.is_required and not text.strip() and not field.default:
                raise FieldError(f"{field.name} is required", field.name)
            try:
                values |= typed_values((field,), {field.name: text or field.default})
            except StigmerError as error:
                raise FieldError(error.message, field.name) from None
        try:
            return complete_message(self.schema, json.dumps(values, ensure_ascii=False))
        except StigmerError as error:
            # Its advice is for those who write JSON.
            raise StigmerError(error.message) from None


def input_form(schema: str, message: str) -> InputForm | None:
    """None for a workflow that declares no fields."""
    fields = fields_of(_object(schema))
    if not fields:
        return None
    given = _object(message)
    texts = {field.name: field.text(given[field.name]) for field in fields if field.name in given}
    return InputForm(schema, fields, texts, {name: value for name, value in given.items() if name not in texts})


def complete_message(schema: str, message: str) -> str:
    """See `complete_input`, which takes time to load. Raises StigmerError."""
    if not schema:
        return message
    from stigmer_tui.definition.input_schema import complete_input

    return complete_input(schema, message)


def is_complete(schema: str, message: str) -> bool:
    """Whether a run can be started with this message."""
    try:
        complete_message(schema, message)
    except StigmerError:
        return False
    return True


def _object(text: str) -> dict[str, Any]:
    """Empty for what is none."""
    try:
        found = from_json(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
