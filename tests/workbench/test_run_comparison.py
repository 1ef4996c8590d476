"""Two runs, compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stigmer_tui.workbench.changed_files import CHANGES, ChangedFile, changed_files
from stigmer_tui.workbench.comparison_lines import comparison_lines, summary_of
from stigmer_tui.workbench.differences import SIGNS, LineKind
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, Node, NodeKind, PutMessage, PutNode, Role
from stigmer_tui.workbench.run_comparison import Comparison, compare_runs
from stigmer_tui.workbench.usage import ModelCall
from tests.workbench.stage import NOON

PATCH = """\
diff --git a/notes.md b/notes.md
index 1..2 100644
--- a/notes.md
+++ b/notes.md
@@ -1,2 +1,2 @@
 # Notes
-old
+{line}
diff --git a/was.py b/is.py
similarity index 100%
rename from was.py
rename to is.py
"""


def run(
    id_: str, *said: str, seconds: float = 1, tokens: int = 100, kind: ResourceKind = ResourceKind.AGENT
) -> Execution:
    execution = Execution(kind, id_, "helper", "go on", started_at=NOON)
    usage = execution.usage.with_calls([ModelCall("1", "m", input_tokens=tokens, output_tokens=10, cost=tokens / 1e4)])
    ended = NOON + timedelta(seconds=seconds)
    root = replace(execution.root, state=RunState.COMPLETED, completed_at=ended, usage=usage)
    execution.apply(PutNode(root, ()))
    for number, text in enumerate(said):
        execution.apply(PutMessage(number, Message(Role.AGENT, text), execution.root_key))
    return execution


def call(execution: Execution, name: str, output: str = "", **arguments: object) -> None:
    number = len(execution.messages())
    execution.apply(PutMessage(number, Message(Role.TOOL, "", calls=(f"call-{number}",)), execution.root_key))
    node = Node(f"call-{number}", NodeKind.TOOL_CALL, name, state=RunState.COMPLETED, input=arguments, output=output)
    execution.apply(PutNode(node, execution.root_key))


def compared(first: Execution, second: Execution) -> Comparison:
    return compare_runs(first, second, NOON)


def test_runs_that_did_the_same() -> None:
    comparison = compared(run("agx_1", "Hello"), run("agx_2", "Hello"))
    assert summary_of(comparison) == "The same steps"
    assert comparison.differences == ()
    assert [pair.is_same for pair in comparison.steps] == [True]


def test_figures_stand_beside_each_other() -> None:
    comparison = compared(run("agx_1"), run("agx_2", seconds=2.5, tokens=50))
    rows = {row.name: row[1:] for row in comparison.rows}
    assert rows["state"] == ("completed", "completed", "")
    assert rows["time"] == ("1.0 s", "2.5 s", "+1.5 s")
    assert rows["tokens in"] == ("100", "50", "−50")
    assert rows["cost"] == ("$0.0100", "$0.0050", "−$0.0050")
    assert "tasks" not in rows
    assert summary_of(comparison) == "The same steps · 1.5 s slower · 50 tokens fewer"


def test_steps_of_one_name_stand_side_by_side_and_others_alone() -> None:
    first, second = run("agx_1", "I look."), run("agx_2", "I look.")
    call(first, "ls", "a.md", path="/")
    call(second, "ls", "a.md b.md", path="/")
    call(second, "read_file", "text", file_path="/b.md")
    pairs = compared(first, second).steps
    assert [(pair.first and pair.first.name, pair.second and pair.second.name) for pair in pairs] == [
        ("Agent", "Agent"),
        ("ls", "ls"),
        (None, "read_file"),
    ]
    assert [pair.is_same for pair in pairs] == [True, False, False]
    assert pairs[1].first and pairs[1].first.about == "/"


def test_answers_line_by_line() -> None:
    comparison = compared(run("agx_1", "There is\nAssam"), run("agx_2", "There is\nEarl Grey"))
    (difference,) = comparison.differences
    assert difference.title == "Answer"
    assert [SIGNS[line.kind] + line.text for line in difference.lines] == [" There is", "-Assam", "+Earl Grey"]


def test_what_was_committed() -> None:
    runs = [run(f"agx_{line}", "Done", kind=ResourceKind.TASK) for line in ("new", "newer")]
    for execution, line in zip(runs, ("new", "newer"), strict=True):
        told = {"commits": ["abc tidy"], "files": 2, "insertions": 1, "deletions": 1}
        node = Node(CHANGES, NodeKind.TOOL_CALL, CHANGES, input=told, output=PATCH.format(line=line))
        execution.apply(PutNode(node, execution.root_key))
    assert changed_files(runs[0]) == (
        ChangedFile("is.py", 0, 0, ()),
        ChangedFile("notes.md", 1, 1, ("# Notes", "new")),
    )
    comparison = compared(*runs)
    assert comparison.figures[0].commits == 1
    (difference,) = comparison.differences
    assert difference.title == "notes.md  +1 −1 ⇄ +1 −1"
    assert [line.text for line in difference.lines if line.kind is not LineKind.CONTEXT] == ["new", "newer"]


def test_what_tools_wrote_is_gathered_by_file() -> None:
    execution = run("agx_1")
    call(execution, "write_file", file_path="/a.md", content="one\ntwo")
    call(execution, "edit_file", file_path="/a.md", old_string="two", new_string="three\nfour")
    assert changed_files(execution) == (ChangedFile("/a.md", 4, 1, ("one", "two", "three", "four")),)


def test_lines_are_as_wide_as_the_window_and_no_wider() -> None:
    first, second = run("agx_1", "word " * 100), run("agx_2", "茶 " * 100)
    call(first, "ls", path="/" + "a" * 300)
    lines = list(comparison_lines(compared(first, second), 100))
    steps = [SIGNS[line.kind] + line.text for line in lines if "│" in line.text]
    assert len(steps) == 2
    assert all(len(step) <= 100 for step in steps)
