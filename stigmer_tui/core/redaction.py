"""Replaces secret values, in any of their encoded forms, by a mark before data leaves a runner or is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

REDACTED = "[REDACTED]"

MIN_LENGTH = 4
"""Characters. A shorter secret would match everywhere and hide ordinary text."""

MERGED = 8
"""Searches that are merged into one, unless the result would be too large to compile quickly."""

MAX_MERGED = 64
"""Values."""

_NUMERIC = re.compile(r"[0-9.eE+-]+")

_CUT = re.compile(r" …$|\n… [^\n]{1,40} left out …\n", re.MULTILINE)

_NUMBER = re.compile(r"\s*[-+]?\d+(\.\d*)?([eE][-+]?\d+)?\s*", re.ASCII)


class Redactor:
    """Replaces known secret values in text, and in nested lists and mappings."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._searches: list[_Search] = []
        self._values: set[str] = set()
        self._numbers: set[float] = set()
        self._number_forms: list[str] | None = []
        """None until they are known."""
        self.add(secrets)

    def __bool__(self) -> bool:
        return bool(self._searches)

    @property
    def size(self) -> int:
        """How many values it knows; they only become more."""
        return len(self._values)

    def add(self, secrets: Iterable[str]) -> None:
        """Adds values. Ignores values that are too short to be distinguished from ordinary text."""
        new = {value for value in secrets if len(value.strip()) >= MIN_LENGTH} - self._values
        if not new:
            return
        self._values |= new
        self._number_forms = None
        self._numbers |= {float(value) for value in new if _is_telling_number(value)}
        self._searches.append(_search(frozenset(new)))
        while len(last := self._searches[-MERGED:]) == MERGED and len({len(search.values) for search in last}) == 1:
            merged = frozenset(value for search in last for value in search.values)
            if len(merged) > MAX_MERGED:
                break
            self._searches[-MERGED:] = [_search(merged)]

    def text(self, text: str) -> str:
        if not self._searches or not (spans := self._spans(text)):
            return text
        return _replaced(text, spans)

    def cut_text(self, text: str) -> str:
        """Like `text`, for text that was cut: next to ` …` at a line end and around `… left out …` there may be a
        part of a secret.
        """
        if not self._searches or "…" not in text:
            return self.text(text)
        borders = [span for mark in _CUT.finditer(text) for span in self._parts(text, mark)]
        return _replaced(text, _merged([*self._spans(text), *borders]))

    def data(self, value: Any) -> Any:
        """A copy of JSON-like data without secrets, including keys and numbers; the data itself if no secrets are
        known.
        """
        return self._copy(value) if self._searches else value

    def is_secret_number(self, number: float) -> bool:
        """Whether its digits contain a secret."""
        if self._number_forms is None:
            self._number_forms = [form for search in self._searches for form in search.number_forms()]
        if not self._number_forms:
            return False
        with suppress(OverflowError):
            if float(number) in self._numbers:
                return True
        try:
            written = str(number)
        except ValueError:
            # More digits than Python converts.
            return True
        return any(form in written for form in self._number_forms)

    def settled(self, text: str) -> int:
        """How many characters of a growing text can be redacted and shown now: up to the first that may begin an
        incomplete secret.
        """
        held = min((search.beginning(text) for search in self._searches), default=len(text))
        for start, stop in self._spans(text):
            if start < held < stop:
                return start
        return held

    def _copy(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self._copy(key): self._copy(item) for key, item in value.items()}
            case list() | tuple():
                return [self._copy(item) for item in value]
            case bool() | None:
                return value
            case int() | float():
                return REDACTED if self.is_secret_number(value) else value
            case _:
                return value

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """The spans of secrets in order, overlapping ones merged."""
        return _merged(span for search in self._searches for span in search.spans(text))

    def _parts(self, text: str, mark: re.Match[str]) -> Iterator[tuple[int, int]]:
        """Spans of partial secrets: the beginning of one before a cut, and the end of one after it."""
        for search in self._searches:
            first = max(0, mark.start() - search.longest)
            start = first + search.beginning(text[first : mark.start()])
            if mark.start() - start >= MIN_LENGTH:
                yield start, mark.start()
            length = search.end_at(text[mark.end() : mark.end() + search.longest])
            if length >= MIN_LENGTH:
                yield mark.end(), mark.end() + length


class _Search:
    """Searches for all forms of some values at once: by their first characters, then by the rest."""

    def __init__(self, values: frozenset[str]) -> None:
        self.values = values

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        place = 0
        while match := self._keys.search(text, place):
            place = match.start()
            form = next((form for form in self._forms[match[0]] if text.startswith(form, place)), "")
            if form:
                yield place, place + len(form)
            # Not after it: another secret may begin within this one.
            place += 1

    def beginning(self, text: str) -> int:
        """The first index at which the rest of the text is a proper prefix of a form; else the length of the text."""
        place = max(0, len(text) - self.longest + 1)
        while match := self._keys.search(text, place):
            place = match.start()
            rest = text[place:]
            if any(len(form) > len(rest) and form.startswith(rest) for form in self._forms[match[0]]):
                return place
            place += 1
        lengths = range(min(len(text), MIN_LENGTH - 1), 0, -1)
        return next((len(text) - length for length in lengths if text[-length:] in self._starts), len(text))

    def number_forms(self) -> list[str]:
        """The forms that can appear within a number literal."""
        return [form for form in chain.from_iterable(self._forms.values()) if _NUMERIC.fullmatch(form)]

    def end_at(self, text: str) -> int:
        """How many characters at the start of the text are the end of a form; 0 if too few to tell."""
        key, longest = text[:MIN_LENGTH], 0
        for form in chain.from_iterable(self._forms.values()):
            place = 0
            while len(key) == MIN_LENGTH and (place := form.find(key, place + 1)) >= 0:
                if len(form) - place > longest and text.startswith(form[place:]):
                    longest = len(form) - place
        return longest

    # Built lazily: it takes milliseconds, and many searches are merged before they are used.

    @cached_property
    def _forms(self) -> dict[str, list[str]]:
        """Forms by their first characters, the longest first, so that a form wins over its own prefix."""
        # Imported lazily: processes without secrets do not need the encoders.
        from stigmer_tui.core.secret_forms import forms

        found = {form for value in self.values for form in forms(value) if len(form) >= MIN_LENGTH}
        by_key: dict[str, list[str]] = {}
        for form in sorted(found, key=len, reverse=True):
            by_key.setdefault(form[:MIN_LENGTH], []).append(form)
        return by_key

    @cached_property
    def _keys(self) -> re.Pattern[str]:
        return re.compile(_alternatives(self._forms))

    @cached_property
    def _starts(self) -> set[str]:
        return {key[:length] for key in self._forms for length in range(1, MIN_LENGTH)}

    @cached_property
    def longest(self) -> int:
        """Characters of a form."""
        return max(len(form) for forms in self._forms.values() for form in forms)


def _merged(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for start, stop in sorted(found):
        if spans and start < spans[-1][1]:
            spans[-1] = spans[-1][0], max(stop, spans[-1][1])
        else:
            spans.append((start, stop))
    return spans


def _replaced(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces, end = [], 0
    for start, stop in spans:
        pieces += [text[end:start], REDACTED]
        end = stop
    return "".join([*pieces, text[end:]])


@lru_cache(maxsize=256)
def _search(values: frozenset[str]) -> _Search:
    return _Search(values)


def _alternatives(texts: Iterable[str]) -> str:
    """A regular expression for any of the texts, as a trie, because alternatives are tried one after the other."""
    rests: dict[str, list[str]] = {}
    for text in texts:
        if text:
            rests.setdefault(text[0], []).append(text[1:])
    return "|".join(f"{re.escape(first)}(?:{_alternatives(rest)})" for first, rest in rests.items())


def _is_telling_number(text: str) -> bool:
    """Whether a number is specific enough; `0001` equals any 1."""
    return bool(_NUMBER.fullmatch(text)) and len(re.sub(r"[eE].*|\D", "", text).lstrip("0")) >= MIN_LENGTH
