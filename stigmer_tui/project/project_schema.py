"""The JSON schema of Stigmer.yaml, by which editors complete and check it."""

from __future__ import annotations

import json
from typing import Any

from stigmer_tui.project.project_file import FILE_NAME
from stigmer_tui.project.project_keys import KEYS

SCHEMA_FILE = "Stigmer.schema.json"
"""Its name in new projects."""


def project_schema() -> dict[str, Any]:
    """Follows from the table of keys."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": FILE_NAME,
        "type": "object",
        "properties": {key.name: {"description": key.help.replace("`", ""), **key.schema} for key in KEYS},
        "required": [key.name for key in KEYS if key.example],
        "additionalProperties": False,
    }


def schema_text() -> str:
    """As a file."""
    return json.dumps(project_schema(), indent=2, ensure_ascii=False) + "\n"
