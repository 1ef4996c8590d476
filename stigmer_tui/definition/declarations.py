"""What the code of a project says of its variables and the wire's map of them cannot hold: their order, and which of
them have an empty default. It is an annotation of the agent or workflow."""

from __future__ import annotations

import json
from collections.abc import Mapping

VARIABLES_ANNOTATION = "stigmer-tui/variables"
"""A JSON object: each variable, in the order of the code, with its default; null where there is none."""

Declarations = Mapping[str, str | None]


def write_declarations(declarations: Declarations) -> str:
    return json.dumps(declarations, ensure_ascii=False)


def read_declarations(annotations: Mapping[str, str]) -> Declarations:
    """Empty where nothing of the kind is said."""
    try:
        found = json.loads(annotations.get(VARIABLES_ANNOTATION, "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: default if isinstance(default, str) else None for name, default in found.items()}
