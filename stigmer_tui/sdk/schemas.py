"""The schema of an agent's answers or of a workflow's input, from a model of pydantic or as it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stigmer_tui.sdk.errors import DefinitionError

EXPECTED = 'It is a model of pydantic, or a schema: {"type": "object", "properties": {"score": {"type": "integer"}}}.'


def schema_text(given: type | Mapping[str, Any] | None, what: str) -> str:
    """JSON; empty for no schema. Raises DefinitionError for anything that is not one of an object."""
    if given is None:
        return ""
    # pydantic need not be loaded for a project that does not use it.
    schema = given.model_json_schema() if hasattr(given, "model_json_schema") else given
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise DefinitionError(f"{what} is {given!r}, which describes no JSON object", EXPECTED)
    try:
        return json.dumps(schema, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"{what} cannot be written as JSON: {error}", EXPECTED) from None


def known_fields(schema: str) -> tuple[str, ...] | None:
    """The fields of what it describes; None where there may be others."""
    described = json.loads(schema) if schema else {}
    if "properties" not in described or described.get("additionalProperties"):
        return None
    return tuple(described["properties"])
