"""Whole entries as rows, as the design draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from textwrap import dedent

import pytest

from stigmer_tui.tui.render.glyphs import ASCII, UNICODE, Glyphs, glyphs_for
from stigmer_tui.tui.render.styled_rows import StyleRole
from stigmer_tui.tui.widgets.viewport import Viewport
from stigmer_tui.workbench.entries import text_of
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, ModelWait, Role
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript
from tests.tui.host import FixedClock
from tests.tui.rows import window_text
from tests.tui.samples import agent_execution, at, workflow_execution
from tests.workbench.trees import change, graft, put, put_message, task, tool_call


def shown(outline: Outline, width: int = 74, height: int = 60, glyphs: Glyphs = UNICODE) -> str:
    window = Viewport(outline, FixedClock(), glyphs)
    window.resize(width, height)
    window.update()
    return window_text(window)


def call(**values: object) -> Execution:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)
    put(execution, tool_call("c1", **values))  # type: ignore[arg-type]
    return execution


def test_the_transcript_of_an_agent() -> None:
    assert shown(Transcript(agent_execution(RunState.FAILED))) == dedent("""\
        You
        ┃ What do my notes say?

        Agent  scripted
        ┃ I will read them first.
        ✓ read_file     /notes.md  limit=50  4 lines                          3 ms
        ✗ execute       ls /srv                                              18 ms
        ┃ ls: cannot access '/srv': No such file or directory
        ┃ exit code 2
        ┃
        ┃ arguments
        ┃ {"command": "ls /srv"}

        ┃ What the notes say
        ┃
        ┃ There are two things to do, and notes.md names them:
        ┃
        ┃ 1. Buy an item, the third of three
        ┃ 2. Sell it
        ┃    • not before noon
        ┃
        ┃  def price(item: Item) -> float:
        ┃      '''In euros.'''
        ┃      return item.price * 1.19  # with tax
        ┃
        ┃ item   price
        ┃ ─────  ─────
        ┃ first   1.50
        ┃ third  12.00
        ┃
        ┃ │ Quoted from the notes (notes.md).
        ┃
        ┃ That is

        ✗ failed
        ┃ The model refused to go on: quota exceeded""")


def test_the_transcript_of_a_workflow() -> None:
    assert shown(Transcript(workflow_execution()), 76) == dedent("""\
        ✓ greet          set                                                    1 ms
        ✓ fetch          http   GET 127.0.0.1:18080/item.json  200  1.3 kB     12 ms
        ▸ answer         agent  helper                                         4 s …
          ✓ read_file    /prices.csv  3.50                                      2 ms
          Agent  scripted
          ┃ The item is called “an item”, it is the third of three, and its price
          ┃ has not changed since▌
        ▸ each           for    3 of 40                                        4 s …
          ✓ 0/charge     http   POST 127.0.0.1:18080/charge  500              460 ms
          ✗ 1/charge     http   POST 127.0.0.1:18080/charge  500  attempt 5   460 ms
          ┃ HTTP 500 from POST 127.0.0.1:18080/charge: out of stock
          ┃
          ┃ input
          ┃ {"method": "POST", "order": 1}
          ▸ 2/charge     http                                                  2 s …""")


def test_the_tree_of_tasks() -> None:
    assert shown(TaskTree(workflow_execution()), 60) == dedent("""\
        ✓ greet         set                                     1 ms
        ✓ fetch         http   GET 127.0.0.1:18080/item.json…  12 ms
        ▸ answer        agent  helper                          4 s …
          ✓ read_file   /prices.csv  3.50                       2 ms
        ▸ each          for    3 of 40                         4 s …
          ✓ 0                                                 460 ms
            ✓ charge    http   POST 127.0.0.1:18080/charge…   460 ms
          ✗ 1                                                 460 ms
            ✗ charge    http   POST 127.0.0.1:18080/charge…   460 ms
            ┃ HTTP 500 from POST 127.0.0.1:18080/charge: out of
            ┃ stock
            ┃
            ┃ input
            ┃ {"method": "POST", "order": 1}
          ▸ 2                                                  2 s …
            ▸ charge    http                                   2 s …
        · result        set""")


def test_a_terminal_without_unicode_gets_plain_signs() -> None:
    execution = workflow_execution()
    put_message(execution, 2, Message(Role.AGENT, "- plain text\n\n> quoted"), (execution.id, "/answer", "agx_2"))
    rows = shown(Transcript(execution), 76, glyphs=ASCII)
    assert rows.isascii()
    assert "+ greet" in rows
    assert "| * plain text" in rows
    assert "| : quoted_" in rows


@pytest.mark.parametrize(("encoding", "glyphs"), [("utf-8", UNICODE), ("latin-1", ASCII), ("no-such", ASCII)])
def test_glyphs_follow_the_encoding(encoding: str, glyphs: Glyphs) -> None:
    assert glyphs_for(encoding) is glyphs


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ({"name": "ls"}, "· ls"),
        ({"name": "ls", "state": RunState.COMPLETED, "result": ""}, "✓ ls"),
        (
            {"name": "ls", "arguments": {"path": "/"}, "state": RunState.COMPLETED, "result": "1"},
            "✓ ls            /  1",
        ),
        ({"name": "ls", "state": RunState.COMPLETED, "result": "a\nb\n"}, "✓ ls              2 lines"),
        ({"name": "grep", "arguments": {"n": 3, "path": "a b\n c"}}, "· grep          a b c  n=3"),
        ({"name": "write", "arguments": {"content": "Hi", "file_path": "/note"}}, "· write         /note  content=Hi"),
        ({"name": "write", "arguments": {"content": "x" * 500}}, "· write         " + "x" * 33 + "…"),
        ({"name": "ls", "state": RunState.RUNNING, "started_at": at(4)}, "▸ ls" + " " * 45 + "…"),
        ({"name": "ls", "state": RunState.RUNNING, "started_at": at(-61)}, "▸ ls" + " " * 36 + "1 m 05 s …"),
        ({"name": "ls", "state": RunState.RUNNING, "started_at": at(99)}, "▸ ls" + " " * 45 + "…"),
        ({"name": "evil\x1b[2J\n\tname"}, "· evil name"),
    ],
)
def test_a_call_in_one_row(values: dict[str, object], row: str) -> None:
    assert shown(Transcript(call(**values)), 50) == row


def test_json_results_are_shown_as_such_and_broken_ones_as_text() -> None:
    failed = {"name": "get", "state": RunState.FAILED, "error": "no", "arguments": {}}
    assert shown(Transcript(call(**failed, result='[{"a": 1}]'))).split("\n")[-3:] == ["┃ [", '┃   {"a": 1}', "┃ ]"]
    assert shown(Transcript(call(**failed, result='{"a": '))).split("\n")[-1] == '┃ {"a":'


def test_results_nested_deeper_than_anybody_reads_do_no_harm() -> None:
    failed = {"name": "get", "state": RunState.FAILED, "arguments": {}}
    for depth in (100, 900, 100_000):
        assert "]" in shown(Transcript(call(**failed, result="[1," * depth + "1" + "]" * depth)), height=200)


def test_an_output_stands_below_its_heading() -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.COMPLETED)
    change(execution, output={"title": "an item"})
    assert shown(Transcript(execution)) == 'Output\n┃ {"title": "an item"}'


def test_a_cancelled_execution_says_so() -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.CANCELLED)
    put(execution, task("/a", "a", "set", RunState.CANCELLED, started_at=at(0), completed_at=at(1)))
    assert shown(Transcript(execution)).split("\n") == [
        "⊘ a             set                                                  1.0 s",
        "",
        "⊘ cancelled",
    ]


@pytest.mark.parametrize("width", range(1, 30))
def test_no_width_is_too_narrow(width: int) -> None:
    assert shown(Transcript(agent_execution()), width)
    assert shown(TaskTree(workflow_execution()), width)


def test_a_command_that_exits_with_a_number_has_failed() -> None:
    """Point 24: the number in the first row, what was printed below it."""
    failed = call(
        name="execute",
        arguments={"command": "echo out; exit 3"},
        state=RunState.FAILED,
        error="exit 3",
        result="out\n[exit code 3]",
        started_at=at(0),
        completed_at=at(0.1),
    )
    assert shown(Transcript(failed), 60) == dedent("""\
        ✗ execute       echo out; exit 3  exit 3              100 ms
        ┃ arguments
        ┃ {"command": "echo out; exit 3"}
        ┃
        ┃ result
        ┃ out
        ┃ [exit code 3]""")


def test_the_task_of_a_silent_agent_says_what_it_waits_for() -> None:
    """Point 24: in the transcript as in the tree, with the seconds, until the model says something."""
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.RUNNING)
    answer = task("/answer", "answer", "agent", RunState.RUNNING, detail="helper", child="agx_2", started_at=at(0))
    put(execution, answer)
    child = Execution(ResourceKind.AGENT, "agx_2", "helper", state=RunState.RUNNING)
    change(child, waiting=ModelWait("openai gpt-5-mini", at(0)))
    run = graft(execution, "/answer", child)
    row = "▸ answer           agent  helper  waiting for openai gpt-5-mini, 4 s             4 s …"
    outline = Transcript(execution)
    assert shown(outline, 86).split("\n")[0] == row
    assert shown(TaskTree(execution), 86) == row
    put(execution, replace(execution.node(run), waiting=None), scope=run[:-1])
    put_message(execution, 0, Message(Role.AGENT, "Hello"), run)
    assert "waiting" not in shown(outline, 86)


def deep_workflow(levels: int) -> Execution:
    """Loops in loops; each has a task of its own."""
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.RUNNING)
    around = ""
    for level in range(levels):
        put(execution, task(f"{around}/loop", "loop", "for", RunState.RUNNING, around, "1 of 2", started_at=at(level)))
        around += "/loop"
        name = "a-name-that-is-long" if level % 2 else "step"
        put(execution, task(f"{around}/0/{name}", name, "set", RunState.COMPLETED, around, started_at=at(level)))
        around += "/0"
        put(execution, task(f"{around}", "0", "do", RunState.RUNNING, around.rpartition("/")[0], started_at=at(level)))
    return execution


@pytest.mark.parametrize("width", [36, 56, 76, 120])
@pytest.mark.parametrize("view", [Transcript, TaskTree])
def test_columns_stand_in_line_at_every_depth(view: Callable[[Execution], Outline], width: int) -> None:
    """Point 26: however deep, and however long the names."""
    lines = [f"{line} " for line in shown(view(deep_workflow(9)), width, 80).split("\n")]
    columns = {line.index(kind) for line in lines for kind in (" set ", " for ", " do ") if kind in line}
    assert len(lines) >= 27
    assert len(columns) == 1
    assert max(map(len, lines)) <= width + 1


def test_a_text_of_several_lines_stands_below_its_key() -> None:
    """Point 26: to be read, not as one cut line of JSON; what is too long wraps."""
    failed = call(
        name="write", arguments={"content": "one\n  two\n" + "word " * 9, "path": "/a"}, state=RunState.FAILED
    )
    assert shown(Transcript(failed), 40).split("\n")[1:] == [
        "┃ arguments",
        "┃ {",
        '┃   "content":',
        "┃     one",
        "┃       two",
        "┃     word word word word word word word",
        "┃     word word",
        '┃   "path": "/a"',
        "┃ }",
    ]


def test_what_a_person_typed_is_shown_as_it_was_typed() -> None:
    """Point 41: line breaks are kept, and nothing is read as Markdown."""
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)
    put_message(execution, 0, Message(Role.HUMAN, "one\ntwo\n\n    three\n*four*\n"))
    assert shown(Transcript(execution), 40) == dedent("""\
        You
        ┃ one
        ┃ two
        ┃
        ┃     three
        ┃ *four*""")


def test_arguments_that_are_no_json_are_shown_as_they_came() -> None:
    """Point 41: without a key that nobody wrote; the clipboard gets them, too."""
    broken = call(name="ls", arguments={"": '{"path": "/a", '}, state=RunState.FAILED, error="not valid JSON: line 1")
    outline = Transcript(broken)
    assert shown(outline, 60) == dedent("""\
        ✗ ls            {"path": "/a",  not valid JSON: line 1
        ┃ arguments
        ┃ {"path": "/a",""")
    assert text_of(outline[0]) == 'ls {"path": "/a", \n\nnot valid JSON: line 1'


def test_what_a_coding_agent_committed_is_told_in_a_line() -> None:
    told = {"commits": ["abc tidy"], "files": 1, "insertions": 3, "deletions": 2, "branch": "task/tidy/ok"}
    execution = Execution(ResourceKind.TASK, "agx_1", "tidy", "ok", RunState.COMPLETED)
    put(execution, tool_call("changes", "changes", told, RunState.COMPLETED, result="@@ -1 +1 @@\n-old\n+new\n"))
    window = Viewport(Transcript(execution), FixedClock(), UNICODE)
    window.resize(74, 60)
    window.update()
    assert "changes       1 commit, 1 file +3 −2 on task/tidy/ok" in window_text(window)
    window.select_first()
    window.toggle()
    rows = [line.view.draw(line.piece).rows[line.row] for line in window.lines]
    assert "abc tidy" in window_text(window)
    (removed,), (added,) = ([row for row in rows if text in row.text] for text in ("-old", "+new"))
    assert any(role & StyleRole.FAILED for _, role in removed.spans)
    assert any(role & StyleRole.COMPLETED for _, role in added.spans)
