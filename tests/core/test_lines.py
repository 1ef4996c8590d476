"""Lines out of bytes that arrive in pieces."""

from __future__ import annotations

from stigmer_tui.core.lines import LineSplitter


def test_a_line_is_given_when_it_is_complete() -> None:
    lines = LineSplitter(100)
    assert lines.feed(b"on") == []
    assert lines.feed(b"e\r\ntwo\n\nthr") == ["one", "two", ""]
    assert lines.end() == ["thr"]
    assert lines.end() == []


def test_a_character_may_be_cut() -> None:
    lines = LineSplitter(100)
    assert lines.feed("ä".encode()[:1]) == []
    assert lines.feed("ä".encode()[1:] + b"\n\xff\n") == ["ä", "\ufffd"]
    assert lines.feed(b"\xc3") == []
    assert lines.end() == ["\ufffd"]


def test_a_long_line_comes_in_pieces() -> None:
    lines = LineSplitter(4)
    assert lines.feed(b"123456789") == ["1234", "5678"]
    assert lines.feed(b"\n") == ["9"]
