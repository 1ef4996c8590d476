"""Markdown as rows, and the promise that how it came does not matter."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.tui.render.cells import cells
from stigmer_tui.tui.render.markdown.inline import inline
from stigmer_tui.tui.render.markdown.reader import MAX_PROSE_LENGTH
from stigmer_tui.tui.render.markdown.splitter import Splitter
from stigmer_tui.tui.render.styled_rows import StyleRole
from tests.tui.rows import drawn, markdown, pieces_of
from tests.tui.samples import ANSWER


def test_an_answer_as_agents_write_it() -> None:
    assert markdown(ANSWER, 52) == dedent("""\
        What the notes say

        There are two things to do, and notes.md names them:

        1. Buy an item, the third of three
        2. Sell it
           • not before noon

         def price(item: Item) -> float:
             '''In euros.'''
             return item.price * 1.19  # with tax

        item   price
        ─────  ─────
        first   1.50
        third  12.00

        │ Quoted from the notes (notes.md).

        That is""")


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        ("# One\ntext", ["One", "text"]),
        ("One\n===\n\nTwo\n---", ["One", "", "Two"]),
        ("a\n\n\n\nb", ["a", "", "b"]),
        ("soft\nbreak", ["soft break"]),
        ("hard  \nbreak\\\nagain", ["hard", "break", "again"]),
        ("- a\n- b\n\n- c", ["• a", "• b", "", "• c"]),
        ("- a\n  - b\n    - c\n- d", ["• a", "  • b", "    • c", "• d"]),
        ("1. a\n  - under-indented\n2. b", ["1. a", "   • under-indented", "2. b"]),
        ("9. a\n10. b", ["9. a", "10. b"]),
        ("1. a\n1. b\n   1. c\n   1. d\n1. e", ["1. a", "2. b", "   1. c", "   2. d", "3. e"]),
        ("0. a\n1) b", ["0. a", "1) b"]),
        ("\n\nfirst", ["first"]),
        ("- a\n\n  more of a\n- b", ["• a", "", "  more of a", "• b"]),
        ("- a\nlazy\n- b", ["• a lazy", "• b"]),
        ("- a\n\nafter", ["• a", "", "after"]),
        ("- a\n  ```\n  - code\n  ```\n  text", ["• a", "   - code", "  text"]),
        ("- [x] done", ["• [x] done"]),
        ("text\n1986. No item", ["text 1986. No item"]),
        ("```\na\n\n\nb\n```", [" a", "", "", " b"]),
        ("~~~ py\na = 1\n~~~\ntext", [" a = 1", "text"]),
        ("````\n```\n````", [" ```"]),
        ("```\nnever closed", [" never closed"]),
        ("```python\n```\ntext", ["text"]),
        ("    indented\n    code\ntext", [" indented", " code", "text"]),
        ("> a\n> b\n>\n> c", ["│ a b", "│", "│ c"]),
        ("> - a\n> - b", ["│ • a", "│ • b"]),
        ("***", ["─" * 20]),
        ("- - -", ["─" * 20]),
        ("<b>bold</b> & &lt;", ["<b>bold</b> & <"]),
        ("<details>\nx\n</details>", ["<details>", "x", "</details>"]),
        ("![a picture](p.png)", ["a picture (p.png)"]),
        ("<http://x.org> and [x.org](x.org)", ["http://x.org and", "x.org"]),
        ("a | b\n--|--\n1 | 2\n\nafter", ["a  b", "─  ─", "1  2", "", "after"]),
        ("| a |\n|---|\n| `x\\|y` |\n| too | many |", ["a", "───", "x|y", "too"]),
        ("a\n| b | c |\n|---|---|\n| 1 | 2 |", ["a", "b  c", "─  ─", "1  2"]),
        ("a | b\nno table", ["a | b no table"]),
        ("[ref]: http://x.org\n\ntext", ["", "text"]),
        ("\x1b[31mred\x1b[0m", ["red"]),
        ("dos\r\nlines\r\n", ["dos lines"]),
        ("&#27;[31m", ["�[31m"]),
        ("", []),
    ],
)
def test_blocks(source: str, rows: list[str]) -> None:
    assert markdown(source, 20).split("\n") == (rows or [""])


def test_a_table_gives_way_where_it_is_widest_and_its_cells_wrap() -> None:
    source = "| name | note | price |\n|:--|:-:|--:|\n| item | a note that is far too long for it | 3.50 |"
    assert markdown(source, 30) == dedent("""\
        name        note         price
        ────  ─────────────────  ─────
        item   a note that is     3.50
              far too long for
                     it""")


@pytest.mark.parametrize(
    ("source", "spans"),
    [
        (
            "a **b** *c* `d` ~~e~~",
            [("b", StyleRole.STRONG), ("c", StyleRole.EMPHASIS), ("d", StyleRole.CODE), ("e", StyleRole.STRUCK)],
        ),
        ("***both***", [("both", StyleRole.STRONG | StyleRole.EMPHASIS)]),
        ("**bold `code`**", [("bold ", StyleRole.STRONG), ("code", StyleRole.STRONG | StyleRole.CODE)]),
        ("[text](u)", [("text", StyleRole.LINK), (" (u)", StyleRole.MUTED)]),
        ("snake_case_name", []),
    ],
)
def test_inline_markup(source: str, spans: list[tuple[str, StyleRole]]) -> None:
    (line,) = inline(source)
    assert [span for span in line if span[1]] == spans


def test_sentences_are_parsed_apart_only_where_nothing_spans_them() -> None:
    (line,) = inline("**One. Two.** And [a. b](u). *End.* x")
    assert [text for text, role in line if role is StyleRole.STRONG] == ["One. Two."]
    assert "a. b" in [text for text, role in line if role is StyleRole.LINK]


class TestWhileItGrows:
    @pytest.mark.parametrize(
        ("source", "rows"),
        [
            ("Items:\n-", "Items:"),
            ("Items:\n- ", "Items:"),
            ("text\n#", "text"),
            ("text\n\n1.", "text"),
            ("```py\na\n``", " a"),
            ("```py\na\n#", " a\n #"),
            ("```py\na = `b", " a = `b"),
            ("this is **bo", "this is bo"),
            ("this is `co", "this is co"),
            ("this is **bold*", "this is bold*"),
        ],
    )
    def test_a_marker_that_is_not_complete_is_not_shown_as_text(self, source: str, rows: str) -> None:
        assert markdown(source, is_growing=True) == rows

    def test_at_the_end_everything_is_shown(self) -> None:
        assert markdown("text\n\n1.") == "text\n\n1."

    def test_pieces_that_are_closed_stay_the_same_objects(self) -> None:
        splitter = Splitter()
        known: list[object] = []
        for character in ANSWER * 2:
            splitter.extend(character)
            assert all(one is other for one, other in zip(known, splitter.closed, strict=False))
            known = list(splitter.closed)
        assert len(known) > 10


lines = st.sampled_from(
    [
        "",
        "text with **bold** and `code`. And more",
        "# heading",
        "- item",
        "  - nested",
        "3. third",
        "   continued",
        "```python",
        "def f(): pass",
        "```",
        "| a | b |",
        "|---|---|",
        "> quoted",
        "---",
        "    indented",
        "word " * 500,
        "x" * 2500,
        "日本語。" * 700,
    ]
)


@given(st.lists(lines, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_the_pieces_are_the_same_however_the_text_came(source_lines: list[str], data: st.DataObject) -> None:
    source = "\n".join(source_lines)
    splitter = Splitter()
    rest = source
    while rest:
        size = data.draw(st.integers(1, max(1, len(rest))))
        splitter.extend(rest[:size])
        splitter.open(is_growing=True)
        rest = rest[size:]
    assert [*splitter.closed, *splitter.open(is_growing=False)] == pieces_of(source)


@given(st.lists(lines, max_size=8), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_no_row_is_wider_than_its_place(source_lines: list[str], width: int) -> None:
    for piece in pieces_of("\n".join(source_lines)):
        for row in drawn([piece], width):
            assert cells(row.text) <= max(width, 12)


@pytest.mark.parametrize("unit", ["word and word. ", "x", "日本語。", "- item\n", "> quote\n", "| a |\n", "    code\n"])
@pytest.mark.parametrize("start", ["", "```\n", "| h |\n|---|\n", "- "])
def test_no_piece_of_a_long_text_is_long(start: str, unit: str) -> None:
    source = start + unit * (30_000 // len(unit))
    for piece in pieces_of(source):
        assert len(drawn([piece], 40)) < MAX_PROSE_LENGTH / 8
