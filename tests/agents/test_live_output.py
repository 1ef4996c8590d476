"""Output of a command while it runs: at once, without secrets, and never more than a person can follow."""

from __future__ import annotations

import asyncio

from stigmer_tui.agents.live_output import AT_ONCE, LiveOutput, output_receiver, received_output
from stigmer_tui.core.output_tail import MAX_TAIL, OutputTail
from stigmer_tui.core.redaction import Redactor


class Shown:
    """What was shown, and a way to wait for it."""

    def __init__(self) -> None:
        self.text = ""
        self._is_new = asyncio.Event()

    def add(self, text: str) -> None:
        self.text += text
        self._is_new.set()

    async def until(self, text: str) -> None:
        async with asyncio.timeout(30):
            while text not in self.text:
                self._is_new.clear()
                await self._is_new.wait()


async def test_it_is_shown_as_it_comes() -> None:
    shown = Shown()
    with received_output(Redactor([]), shown.add):
        output_receiver()(b"one\n")
        await shown.until("one\n")
        # Half a character.
        output_receiver()("tw\u00f6".encode()[:-1])
        await shown.until("tw")
        output_receiver()("\u00f6".encode()[-1:])
    assert shown.text == "one\ntw\u00f6"
    output_receiver()(b"nobody looks")
    assert shown.text == "one\ntw\u00f6"


async def test_a_flood_is_shown_by_its_end() -> None:
    shown = Shown()
    output = LiveOutput(Redactor([]), shown.add)
    for number in range(1600):
        output.add(f"{number:<65536}".encode())
    output.close()
    text = shown.text
    assert len(text) < AT_ONCE + 100
    assert "\u2026 105 MB left out \u2026" in text
    assert text.endswith(" " * 1000)


async def test_a_secret_is_shown_neither_in_pieces_nor_beside_a_gap() -> None:
    shown = Shown()
    output = LiveOutput(Redactor(["hunter2-hunter2"]), shown.add)
    output.add(b"it is hunter2")
    await shown.until("it is ")
    output.add(b"-hunter2, and")
    await shown.until("and")
    output.add(b"hunter2-" + b"x" * (3 * AT_ONCE) + b"-hunter2" + b"y" * (AT_ONCE - 6))
    output.close()
    text = shown.text
    assert text.startswith("it is [REDACTED], and")
    assert "hunter2" not in text
    assert "unter2y" not in text


def test_a_tail_takes_what_is_new_and_keeps_the_end() -> None:
    tail = OutputTail().grown(0, "abc").grown(3, "def")
    assert tail == OutputTail(0, "abcdef")
    assert (tail.since(4), tail.since(0), tail.since(9)) == (OutputTail(4, "ef"), tail, OutputTail(6, ""))
    assert tail.grown(5, "EF") == OutputTail(0, "abcdeEF")
    assert tail.grown(100, "gap") == OutputTail(100, "gap")
    assert tail.grown(6, "x" * MAX_TAIL) == OutputTail(6, "x" * MAX_TAIL)
