"""JSON from outside: strict, and fit for all that comes after it."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

MAX_LEVELS = 200
"""Of lists and objects within one another, which is as deep as everything that handles values goes."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(text: str | bytes) -> Any:
    """Every digit of an integer is kept.

    Raises ValueError for what is not JSON, NaN and Infinity included, and for what is nested too deep.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if text.count("[") + text.count("{") > MAX_LEVELS and _is_too_deep(value):
            raise ValueError(f"more than {MAX_LEVELS} levels")
        if _SURROGATE.search(text):
            # Half a character can be written in JSON, but not in UTF-8, where everything goes from here.
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError as error:
        raise ValueError(f"more than {MAX_LEVELS} levels") from error
    return value


def read_json_object(text: str) -> dict[str, Any]:
    """Empty for everything that is not a JSON object."""
    try:
        value = read_json(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_too_deep(value: Any) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_LEVELS):
        level = [
            below
            for item in level
            for below in (item.values() if isinstance(item, dict) else item)
            if isinstance(below, dict | list)
        ]
        if not level:
            return False
    return True


def _finite(digits: str) -> float:
    return max(-sys.float_info.max, min(sys.float_info.max, float(digits)))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
