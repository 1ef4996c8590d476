"""JSON from files that anybody may have written."""

from __future__ import annotations

import json
from typing import Any


def from_json(text: str | bytes) -> Any:
    """Raises ValueError for whatever is not JSON, or is nested deeper than Python can go."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
