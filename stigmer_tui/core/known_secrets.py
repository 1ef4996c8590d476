"""The secrets that this process has in its memory, so that nothing that it says of itself holds one.

What goes into a log, into a file of errors or to standard error passes `clean`, whoever wrote it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from stigmer_tui.core.redaction import Redactor

MAX_KNOWN = 256
"""Redactors, the newest. A secret is remembered beyond the work that needed it, for a late word about that work."""

_SECRET_NAME = re.compile(r"(?i)(key|token|secret|passw(or)?d|credentials?)(_|$)")
_MIN_VARIABLE_LENGTH = 8
"""Characters. `SSH_KEY=no` is a setting."""

_URL = re.compile(r"://(?:[^\s/?#'\"<>]*@)?([^\s?#'\"<>]*)([?#][^\s'\"<>]*)?")
"""User and password, host and path, query and fragment."""

_known: OrderedDict[object, Redactor] = OrderedDict()
"""By their values, or by themselves where they may be told more."""


def remember(redactor: Redactor) -> None:
    """From now on `clean` leaves out what this one redacts, and what it is told later."""
    _keep(redactor, redactor)


def remember_values(values: Iterable[str]) -> None:
    known = frozenset(values)
    if known:
        _keep(known, _known.get(known) or Redactor(known))


def remember_environment(environment: Mapping[str, str]) -> None:
    """The values of variables whose names say that these are secrets: keys of models, tokens, passwords."""
    values = (value for name, value in environment.items() if _SECRET_NAME.search(name))
    remember_values(value for value in values if len(value) >= _MIN_VARIABLE_LENGTH)


def clean(text: str) -> str:
    """Without the secrets that are known, and without what addresses hold besides host and path: that is where
    services want their keys.
    """
    for redactor in tuple(_known.values()):
        text = redactor.text(text)
    return without_credentials(text)


def without_credentials(text: str) -> str:
    """Of addresses only scheme, host and path."""
    return _URL.sub(lambda match: f"://{match[1]}{'?…' if match[2] else ''}", text)


def _keep(key: object, redactor: Redactor) -> None:
    _known[key] = redactor
    _known.move_to_end(key)
    if len(_known) > MAX_KNOWN:
        _known.popitem(last=False)
