"""The secrets that this process has in memory, so that no log line of any library contains one.

Everything that goes to a log file or to standard error passes through `clean`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from stigmer_tui.core.redaction import Redactor

MAX_KNOWN = 256
"""The newest redactors are kept. A secret outlives the work that needed it, because log lines may come late."""

_SECRET_NAME = re.compile(r"(?i)(key|token|secret|passw(or)?d|credentials?)(_|$)")
_MIN_VARIABLE_LENGTH = 8
"""Characters. `SSH_KEY=no` is a setting."""

_URL = re.compile(r"://(?:[^\s/?#'\"<>]*@)?([^\s?#'\"<>]*)([?#][^\s'\"<>]*)?")
"""Groups: credentials, host and path, query and fragment."""

_known: OrderedDict[object, Redactor] = OrderedDict()
"""By their values, or by themselves where they may be told more."""


def remember(redactor: Redactor) -> None:
    """`clean` redacts the values of this redactor from now on, including values that are added to it later."""
    _keep(redactor, redactor)


def remember_values(values: Iterable[str]) -> None:
    known = frozenset(values)
    if known:
        _keep(known, _known.get(known) or Redactor(known))


def remember_environment(environment: Mapping[str, str]) -> None:
    """Remembers the values of variables whose names mark them as secret: API keys, tokens, passwords."""
    values = (value for name, value in environment.items() if _SECRET_NAME.search(name))
    remember_values(value for value in values if len(value) >= _MIN_VARIABLE_LENGTH)


def clean(text: str) -> str:
    """Redacts known secrets, and removes credentials, query and fragment from URLs, because some services want their
    keys there.
    """
    for redactor in tuple(_known.values()):
        text = redactor.text(text)
    return without_credentials(text)


def without_credentials(text: str) -> str:
    """Reduces URLs to scheme, host and path."""
    return _URL.sub(lambda match: f"://{match[1]}{'?…' if match[2] else ''}", text)


def _keep(key: object, redactor: Redactor) -> None:
    _known[key] = redactor
    _known.move_to_end(key)
    if len(_known) > MAX_KNOWN:
        _known.popitem(last=False)
