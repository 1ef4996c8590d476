"""How a person at this machine is told that something has ended."""

from __future__ import annotations

import pytest

from stigmer_tui.core.local_notification import (
    LocalNotification,
    NotifyBy,
    desktop_command,
    sequence,
    tell,
    terminal_way,
)

DONE = LocalNotification("[tidy] claude — SUCCESS", "3.1 s\nDone")


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"TERM_PROGRAM": "iTerm.app", "TERM": "xterm-256color"}, NotifyBy.OSC9),
        ({"LC_TERMINAL": "iTerm2"}, NotifyBy.OSC9),
        ({"TERM": "xterm-kitty"}, NotifyBy.OSC9),
        ({"WT_SESSION": "1", "TERM": "xterm-256color"}, NotifyBy.OSC9),
        ({"TERM_PROGRAM": "WezTerm"}, NotifyBy.OSC777),
        ({"TERM_PROGRAM": "ghostty"}, NotifyBy.OSC777),
        ({"TERM": "foot"}, NotifyBy.OSC777),
        ({"TERM_PROGRAM": "tmux", "TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, NotifyBy.OSC9),
        ({"TERM_PROGRAM": "Apple_Terminal", "TERM": "xterm-256color"}, NotifyBy.OFF),
        ({}, NotifyBy.OFF),
    ],
)
def test_terminals_are_known_by_what_they_say_of_themselves(environment: dict[str, str], way: NotifyBy) -> None:
    assert terminal_way(environment) is way
    assert bool(sequence(DONE, NotifyBy.AUTO, environment)) is (way is not NotifyBy.OFF)


@pytest.mark.parametrize(
    ("by", "text"),
    [
        (NotifyBy.OSC9, "\x1b]9;[tidy] claude — SUCCESS: 3.1 s Done\a"),
        (NotifyBy.OSC777, "\x1b]777;notify;[tidy] claude — SUCCESS;3.1 s Done\a"),
        (NotifyBy.BELL, "\a"),
        (NotifyBy.DESKTOP, ""),
        (NotifyBy.OFF, ""),
    ],
)
def test_what_a_terminal_is_sent(by: NotifyBy, text: str) -> None:
    assert sequence(DONE, by, {}) == text


def test_tmux_hands_it_on() -> None:
    sent = sequence(LocalNotification("Done", ""), NotifyBy.OSC9, {"TMUX": "/tmp/tmux-0/default,1,0"})
    assert sent == "\x1bPtmux;\x1b\x1b]9;Done\a\x1b\\"


@pytest.mark.parametrize("by", [NotifyBy.OSC9, NotifyBy.OSC777])
def test_a_text_cannot_end_the_sequence(by: NotifyBy) -> None:
    hostile = LocalNotification("a\x07b\x1b]0;title\x07;c", "\x1b\\\x9c\x1bc\r\nd" + "e" * 5000)
    sent = sequence(hostile, by, {})
    assert sent.count("\x1b") == 1 and sent.count("\a") == 1 and sent.isprintable() is False
    assert all(sign.isprintable() for sign in sent[1:-1])
    assert len(sent) < 300


def test_a_number_at_the_beginning_is_no_command() -> None:
    assert sequence(LocalNotification("4;1;50", ""), NotifyBy.OSC9, {}) == "\x1b]9; 4;1;50\a"


def test_no_desktop_is_told_where_there_is_none() -> None:
    assert desktop_command(DONE, {"PATH": "/usr/bin"}, "linux") == []
    assert desktop_command(DONE, {"PATH": ""}, "darwin") == []


async def test_a_pipe_is_sent_nothing() -> None:
    written: list[str] = []
    await tell(DONE, NotifyBy.OSC9, {}, None)
    await tell(DONE, NotifyBy.OFF, {}, written.append)
    await tell(DONE, NotifyBy.AUTO, {"TERM": "dumb"}, written.append)
    assert written == []
    await tell(DONE, NotifyBy.BELL, {}, written.append)
    assert written == ["\a"]
