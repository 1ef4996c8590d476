"""Point 9: no form of a secret is left in what was redacted, in one piece or in many."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.core.redaction import REDACTED, Redactor

SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).filter(
    lambda text: len(text.strip()) >= 6
)
AROUND = st.text("xyz ", max_size=4)

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "trimmed": str.strip,
    "JSON": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "JSON in ASCII": lambda secret: json.dumps(secret)[1:-1],
    "JSON with escaped slashes": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)[1:-1])[1:-1],
    "repr": lambda secret: repr(secret)[1:-1],
    "repr of bytes": lambda secret: repr(secret.encode())[2:-1],
    "repr of JSON": lambda secret: repr(json.dumps(secret)[1:-1])[1:-1],
    "in a URL": lambda secret: quote(secret, safe=""),
    "in a path": quote,
    "in a form": quote_plus,
    "hexadecimal": lambda secret: secret.encode().hex(),
    "hexadecimal, upper case": lambda secret: secret.encode().hex().upper(),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "base64 of lines": lambda secret: base64.encodebytes(secret.encode()).decode().strip(),
    "HTML": html.escape,
}


@given(secret=SECRETS, before=AROUND, after=AROUND)
@settings(max_examples=60, deadline=None)
def test_every_form_is_replaced(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    for name, form in FORMS.items():
        written = form(secret)
        redacted = redactor.text(f"{before}{written}{after}")
        assert REDACTED in redacted, name
        assert written not in redacted, name


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@settings(max_examples=30, deadline=None)
@given(secret=SECRETS, before=st.binary(max_size=6), after=st.binary(max_size=6))
def test_base64_is_replaced_wherever_the_secret_begins(
    encode: Callable[[bytes], bytes], secret: str, before: bytes, after: bytes
) -> None:
    """As in `Authorization: Basic`, where the name of the user stands before it."""
    redacted = Redactor([secret]).text(encode(before + secret.encode() + after).decode())
    left = redacted.replace(REDACTED, "")
    # Nothing but the characters of what stands around it, and at its borders.
    assert len(left) <= 4 * (len(before) + 2) / 3 + 4 * (len(after) + 2) / 3 + 4


def test_escapes_in_urls_may_be_written_in_either_case() -> None:
    redactor = Redactor(["p@ss/word é"])
    for written in ("p%40ss%2Fword%20%C3%A9", "p%40ss%2fword%20%c3%a9", "p%40ss%2Fword+%C3%A9", "p@ss/word%20%C3%A9"):
        assert redactor.text(f"?key={written}&") == f"?key={REDACTED}&"
    assert redactor.text(urlencode({"key": "p@ss/word é"})) == f"key={REDACTED}"


def test_lines_of_a_secret_are_secrets_from_eight_characters_on() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nshort\n-----END KEY-----\n"
    redactor = Redactor([key])
    assert redactor.text(f"header: {key}") == f"header: {REDACTED}"
    assert redactor.text("MIIEvQIBADANBgkqhkiG") == REDACTED
    assert redactor.text("short") == "short"
    assert redactor.text(f"Illegal header value {key.encode()!r}") == f"Illegal header value b'{REDACTED}'"
    assert redactor.text(f"in {key!r}") == f"in '{REDACTED}'"


@given(
    pieces=st.lists(st.sampled_from(["abcd", "abcdabce", "cdab", "bcd", "a", "b", "e", " "]), max_size=12),
    secrets=st.lists(st.sampled_from(["abcdabce", "abcdab", "abcd", "dabc", "cdabx"]), max_size=3),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_pieces_of_a_text_are_redacted_as_the_whole(pieces: list[str], secrets: list[str], cuts: list[int]) -> None:
    text, redactor = "".join(pieces), Redactor(secrets)
    shown, rest, last = "", "", 0
    for cut in [*sorted(cuts), len(text)]:
        rest, last = rest + text[last:cut], max(last, min(cut, len(text)))
        settled = redactor.settled(rest)
        shown, rest = shown + redactor.text(rest[:settled]), rest[settled:]
    assert shown + redactor.text(rest) == redactor.text(text)
    assert all(secret not in redactor.text(text) for secret in secrets)


def test_secrets_that_overlap_leave_nothing() -> None:
    assert Redactor(["abcdXYZ1", "XYZ1efgh"]).text("<abcdXYZ1efgh>") == f"<{REDACTED}>"
    assert Redactor(["aaaa"]).text("aaaaaa b") == f"{REDACTED} b"


def test_a_text_is_held_back_only_where_a_secret_may_begin() -> None:
    redactor = Redactor(["s3cr3t-value"])
    assert redactor.settled("all of it") == len("all of it")
    assert redactor.settled("the s3cr3t-val") == len("the ")
    assert redactor.settled("the s") == len("the ")
    assert redactor.settled("s3cr3t-value!") == len("s3cr3t-value!")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_data_without_secrets_stay_as_they_are(data: Any) -> None:
    assert Redactor(["s3cr3t-value"]).data(data) == data
    assert Redactor().data(data) is data


@given(st.integers(1000, 10**30), st.sampled_from([str, "{}.0".format, "{:e}".format, " {}".format]))
def test_numbers_with_the_digits_of_a_secret_are_replaced(number: int, written: Callable[[int], str]) -> None:
    redactor = Redactor([str(number)])
    assert redactor.data({"pin": [number, float(number), True, None]}) == {"pin": [REDACTED, REDACTED, True, None]}
    if float(written(number)) == number:
        assert Redactor([written(number)]).data([number]) == [REDACTED]


def test_a_number_with_few_digits_is_no_secret() -> None:
    assert Redactor(["0001", "1000"]).data([1, 0, 10, 2000]) == [1, 0, 10, 2000]


def test_many_values_are_found_and_cost_little_more_than_few() -> None:
    """What expressions make of secrets is added one by one."""
    redactor = Redactor()
    values = [f"derived-{number:04}-{number * 7919 % 10007:05}" for number in range(200)]
    for value in values:
        redactor.add([value])
        assert redactor.text(value) == REDACTED
    assert redactor.text(" ".join(values)) == " ".join([REDACTED] * len(values))


def test_short_values_and_nothing_are_no_secrets() -> None:
    assert not Redactor(["", "abc", "  ab  "])
    assert Redactor(["abc"]).text("abc") == "abc"


@given(st.integers(1, 11), st.sampled_from([str, lambda text: text.encode().hex()]))
def test_half_a_secret_is_one_where_a_text_was_cut(length: int, form: Callable[[str], str]) -> None:
    written = form("s3cr3t-value")
    redactor = Redactor(["s3cr3t-value"])
    first, last = written[:length], written[-length:]
    hidden = REDACTED if length >= 4 else first
    assert redactor.cut_text(f"a line: {first} …") == f"a line: {hidden} …"
    assert redactor.cut_text(f"a line: {first} …\nmore") == f"a line: {hidden} …\nmore"
    cut = redactor.cut_text(f"head {first}\n… 3 kB left out …\n{last} tail")
    assert cut == f"head {hidden}\n… 3 kB left out …\n{REDACTED if length >= 4 else last} tail"
    assert redactor.cut_text(f"{first} and {last}") == f"{first} and {last}"
