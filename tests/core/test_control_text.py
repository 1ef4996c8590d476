"""Point 36: what is printed can only be read, whatever a text contains and in however many pieces it comes."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.core.control_text import ControlFilter, FilteredOutput, json_text

HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff]")

hostile = st.lists(
    st.one_of(
        st.text(max_size=4),
        st.sampled_from(
            [
                "\x1b",
                "\x1b[",
                "\x1b[31",
                "m",
                "\x1b]0;title",
                "\x07",
                "\x1b\\",
                "\x1bP",
                "\r",
                "\n",
                "\r\n",
                "\x9b",
                "\x9d",
            ]
        ),
        st.sampled_from(["\u202e", "\x00", "\x08", "\x7f", "\ud800", "\U000e0041", "31m", "\\", "]", "[", "word "]),
    )
).map("".join)


@given(st.lists(hostile))
def test_nothing_harmful_is_printed(pieces: list[str]) -> None:
    printable = ControlFilter()
    assert not HARMFUL.search("".join(printable.feed(piece) for piece in pieces))


@given(hostile, st.lists(st.integers(0, 60)))
def test_pieces_are_read_as_one_text(text: str, cuts: list[int]) -> None:
    text += "\n"
    ends = [*sorted(cut for cut in cuts if cut < len(text)), len(text)]
    printable, start, printed = ControlFilter(), 0, ""
    for end in ends:
        printed += printable.feed(text[start:end])
        start = end
    assert printed == ControlFilter().feed(text)


@pytest.mark.parametrize(
    ("dirty", "printed"),
    [
        ("plain “text”, ⚙️ 👩‍👩‍👧 日本語\n\tindented", "plain “text”, ⚙️ 👩‍👩‍👧 日本語\n\tindented"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "red link"),
        ("\x1b]0;a title without an end\nnext", "\nnext"),
        ("bell\x07 null\x00 back\x08 c1 \x9b31m", "bell␇ null␀ back␈ c1 \ufffd31m"),
        ("10 %\r50 %\r\ndone", "10 %\n50 %\ndone"),
        ("safe\u202etxt.exe", "safetxt.exe"),
    ],
)
def test_what_is_printed(dirty: str, printed: str) -> None:
    assert ControlFilter().feed(dirty) == printed


def test_a_title_without_an_end_holds_back_no_more_than_a_page() -> None:
    printable = ControlFilter()
    printed = (
        printable.feed("\x1b]0;") + "".join(printable.feed("x" * 1000) for _ in range(20)) + printable.feed("\nnext")
    )
    assert printed.endswith("\nnext")
    assert not HARMFUL.search(printed)


@given(st.recursive(hostile, lambda inner: st.lists(inner) | st.dictionaries(hostile, inner)))
def test_json_keeps_the_data_and_escapes_what_a_terminal_acts_on(data: object) -> None:
    text = json_text(data)
    assert not HARMFUL.search(text)
    assert ControlFilter().feed(text) == text
    assert json.loads(text) == json.loads(json.dumps(data))


def test_a_filtered_stream() -> None:
    stream = io.StringIO()
    print("\x1b[2J", "text", file=FilteredOutput(stream))
    assert stream.getvalue() == " text\n"
