"""The fields of a JSON schema of an object, as a form asks for them, and what a person types into them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json

TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
"""What JSON makes of the types of a schema, but for texts."""

DEFINITIONS = "#/"
"""How a reference to a definition of the same schema begins."""


@dataclass(frozen=True, slots=True)
class SchemaField:
    name: str
    type: str
    """As in a JSON schema; empty where it may be of several."""
    description: str
    is_required: bool
    default: str
    choices: tuple[str, ...]

    def value(self, text: str) -> Any:
        """Of what a person has typed. Raises StigmerError for what is not of its type."""
        if self.choices:
            found = next((choice for choice in self.choices if choice == text), None)
            if found is None:
                raise StigmerError(f"{self.name} is one of {', '.join(self.choices)}")
        if self.type == "string":
            return text
        try:
            value = from_json(text)
        except ValueError:
            value = text
        expected = TYPES.get(self.type)
        is_flag = isinstance(value, bool)
        if expected and (not isinstance(value, expected) or (is_flag and self.type != "boolean")):
            article = "an" if self.type[0] in "aio" else "a"
            raise StigmerError(f"{self.name} is {article} {self.type}, and {text!r} is none")
        return value

    def text(self, value: Any) -> str:
        """What a person would have typed for a value."""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def fields_of(schema: Mapping[str, Any]) -> tuple[SchemaField, ...]:
    """In the order of the schema."""
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    return tuple(_field(name, _resolved(about, schema), name in required) for name, about in properties.items())


def typed_values(fields: tuple[SchemaField, ...], texts: Mapping[str, str]) -> dict[str, Any]:
    """What a person has typed, by name; without those that are left empty. Raises StigmerError for a wrong one."""
    values = {}
    for field in fields:
        if text := texts.get(field.name, "").strip():
            values[field.name] = field.value(text)
        elif field.is_required and field.type != "string":
            raise StigmerError(f"{field.name} is required")
        elif field.is_required:
            values[field.name] = ""
    return values


def _resolved(about: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a schema says of a field, also by a reference to a definition, or beside the possibility of null."""
    said: dict[str, Any] = about if isinstance(about, dict) else {}
    others = [each for each in said.get("anyOf", ()) if each != {"type": "null"}]
    if len(others) == 1 and isinstance(others[0], dict):
        said = {**others[0], **{key: value for key, value in said.items() if key != "anyOf"}}
    reference = said.get("$ref")
    if isinstance(reference, str) and reference.startswith(DEFINITIONS):
        found: Any = schema
        for part in reference.removeprefix(DEFINITIONS).split("/"):
            found = found.get(part, {}) if isinstance(found, dict) else {}
        said = {**(found if isinstance(found, dict) else {}), **said}
    return said


def _field(name: str, said: Mapping[str, Any], is_required: bool) -> SchemaField:
    type_ = said.get("type", "")
    default = said.get("default")
    return SchemaField(
        name,
        type_ if isinstance(type_, str) else "",
        str(said.get("description", "")),
        is_required,
        "" if default is None else default if isinstance(default, str) else json.dumps(default),
        tuple(str(choice) for choice in said.get("enum", ())),
    )
