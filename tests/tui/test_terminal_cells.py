"""What a terminal makes of our rows: every cell is where we think it is, whatever the text."""

from __future__ import annotations

import pyte
import pytest
from textual.geometry import Region

from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, Role
from stigmer_tui.workbench.transcript import Transcript
from tests.tui.hands import press
from tests.tui.host import Host
from tests.tui.samples import at
from tests.workbench.trees import put, put_message, tool_call

WIDTH = 50

NASTY = {
    "CJK": "日本語のテキスト、中文字符，한국어 문자열이 섞인 긴 줄",
    "combining": "e\u0301a\u0308o\u0302 Zal\u0321g\u0315o\u035c in a row that is long enough to wrap",
    "emoji": "👍 ok 🎉 done 🚀 and so on until the end of the line is reached",
    "joined emoji": "family 👨‍👩‍👧‍👦, heart ❤️, thumbs 👍🏽, keycap 1️⃣, scientist 👩🏽‍🔬",
    "right to left": "שלום עולם and مرحبا بالعالم \u202eoverridden\u202c",
    "tabs": "a\tb\tc\td",
    "control characters": "bell\x07 backspace\x08 escape\x1b vertical\x0b null\x00",
    "colours": "\x1b[41mred\x1b[0m \x1b[1mbold\x1b[22m \x1b[38;2;1;2;3mrgb",
    "cursor": "\x1b[2Jcleared\x1b[10;10Hmoved\x1b[?25l\x1b[5A\r over",
    "title and links": "\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1bc reset",
    "unseen": "zero\u200bwidth\u2060join\ufeffer soft\u00adhyphen",
}


def execution(text: str) -> Execution:
    run = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.COMPLETED)
    put_message(run, 0, Message(Role.AGENT, f"{text}\n\n- {text}\n\n| {text} | b |\n|---|---|\n| `{text}` | d |"))
    put_message(run, 1, Message(Role.AGENT, f"```\n{text}\n```\n\n> {text}"))
    failed = tool_call("c1", text, {"a": text}, RunState.FAILED, text, text, at(0), at(1))
    put(run, failed)
    return run


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
async def test_every_row_fills_its_width_exactly(text: str) -> None:
    app = Host(Transcript(execution(text)))
    async with app.run_test(size=(WIDTH, 60)):
        strips = app.entries.render_lines(Region(0, 0, WIDTH, 60))
        for strip in strips:
            screen = pyte.Screen(WIDTH + 20, 3)
            screen.cursor_position(2, 1)
            pyte.Stream(screen).feed(strip.render(app.console) + "|")
            assert screen.cursor.y == 1, "a row moved the cursor to another"
            assert screen.buffer[1][WIDTH].data == "|", strip.text
            assert screen.display[0].strip() == screen.display[2].strip() == ""


async def test_no_colour_of_a_text_gets_through() -> None:
    app = Host(Transcript(execution(NASTY["colours"])))
    async with app.run_test(size=(WIDTH, 60)):
        rendered = "".join(strip.render(app.console) for strip in app.entries.render_lines(Region(0, 0, WIDTH, 60)))
        assert "\x1b[41m" not in rendered
        assert "38;2;1;2;3" not in rendered


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8])
async def test_in_a_very_narrow_place_rows_are_no_wider(width: int) -> None:
    app = Host(Transcript(execution("text")))
    async with app.run_test(size=(width, 20)) as pilot:
        await press(pilot, "k")
        for strip in app.entries.render_lines(Region(0, 0, width, 20)):
            assert strip.cell_length == len(strip.text) == width
