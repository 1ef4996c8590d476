"""The schema of an agent's answers, from a model of pydantic or as it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stigmer_tui.sdk.errors import DefinitionError

EXPECTED = 'It is a model of pydantic, or a schema: {"type": "object", "properties": {"score": {"type": "integer"}}}.'


def output_schema(output: type | Mapping[str, Any] | None) -> str:
    """JSON; empty for no schema. Raises DefinitionError for anything that is not one of an object."""
    if output is None:
        return ""
    # pydantic need not be loaded for a project that does not use it.
    schema = output.model_json_schema() if hasattr(output, "model_json_schema") else output
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise DefinitionError(f"output is {output!r}, which describes no JSON object", EXPECTED)
    try:
        return json.dumps(schema, ensure_ascii=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"output cannot be written as JSON: {error}", EXPECTED) from None


def known_fields(schema: str) -> tuple[str, ...] | None:
    """The fields of answers; None where there may be others."""
    described = json.loads(schema) if schema else {}
    if "properties" not in described or described.get("additionalProperties"):
        return None
    return tuple(described["properties"])
