"""The events of a session as lines for people, and as JSON lines for programs."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.headless.json_output import JsonOutput
from stigmer_tui.headless.text_output import TextOutput
from stigmer_tui.workbench.abilities import Abilities
from stigmer_tui.workbench.events import (
    CodePrinted,
    ConnectionLost,
    Deployed,
    DeploymentFailed,
    Event,
    FilesSaved,
    FilesWatched,
    KeysHandedOver,
    LatencyMeasured,
    ListsChanged,
    ManifestsLoaded,
    Noticed,
    ProjectDetected,
    ProjectLoaded,
    RunChanged,
    RunDetached,
    RunReplaced,
    RunStarted,
    SecretsRecalled,
    SecretsRemembered,
    ServerConnected,
    ServerLost,
)
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, Node, NodeKind, Role
from stigmer_tui.workbench.state import (
    ApplySummary,
    Deployment,
    DeploymentItem,
    Level,
    ProjectProblem,
    ShownRun,
)
from stigmer_tui.workbench.usage import ModelCall, Usage
from tests.tui.host import FixedClock
from tests.workbench.stage import NOON, TALLY
from tests.workbench.trees import put, put_message

EXECUTION = Execution(TALLY.kind, "wfx_1", "tally")
RUN = ShownRun(EXECUTION, TALLY, why="main.py changed (+1 −1)")
APPLIED = ApplySummary(NOON, created=("tally",), orphaned=("old",))
DEPLOYMENT = Deployment(APPLIED, (DeploymentItem(TALLY.kind, "tally", "tally", "created", TALLY),), frozenset())

CASES: list[tuple[Event, list[str], list[dict[str, Any]]]] = [
    (ProjectDetected(), ["📁 Detected Stigmer project - applying latest code"], []),
    (ProjectLoaded("demo"), ["✓ Loaded Stigmer.yaml"], [{"event": "project", "name": "demo"}]),
    (ProjectLoaded("demo", "/shop"), ["✓ Loaded Stigmer.yaml in /shop"], [{"event": "project", "name": "demo"}]),
    (CodePrinted("hello", is_error=False), ["  hello"], []),
    (
        ManifestsLoaded(2),
        ["✓ Manifest loaded: 2 resource(s) discovered"],
        [{"event": "manifests", "resources": 2}],
    ),
    (
        Deployed(DEPLOYMENT),
        ["✓ Deployed: 1 workflow(s) (1 created, 1 orphaned)"],
        [{"event": "deployed", "created": ["tally"], "updated": [], "unchanged": [], "orphaned": ["old"]}],
    ),
    (
        FilesSaved("main.py changed", NOON),
        ["", "💾 Saved: main.py changed"],
        [{"event": "saved", "change": "main.py changed"}],
    ),
    (
        RunStarted(RUN),
        ["", "✓ Workflow execution started: tally", "Execution ID: wfx_1", ""],
        [
            {
                "event": "started",
                "execution_id": "wfx_1",
                "kind": "workflow",
                "resource": "tally",
                "why": "main.py changed (+1 −1)",
            }
        ],
    ),
    (
        KeysHandedOver(("A_KEY",), NOON),
        ["✓ Handed A_KEY to the daemon, which had no such key (kept in memory only)"],
        [{"event": "keys_handed_over", "names": ["A_KEY"]}],
    ),
    (
        SecretsRecalled(("API_TOKEN", "TOKEN")),
        ["✓ From the keyring: API_TOKEN, TOKEN"],
        [{"event": "secrets_recalled", "names": ["API_TOKEN", "TOKEN"]}],
    ),
    (
        SecretsRemembered(("TOKEN",)),
        ["✓ Kept in the keyring, for runs from this folder: TOKEN"],
        [{"event": "secrets_remembered", "names": ["TOKEN"]}],
    ),
    (ConnectionLost(EXECUTION), ["⚠️  Connection lost - looking for the server"], [{"event": "connection_lost"}]),
    (ServerLost("It is gone"), ["⚠️  It is gone"], [{"event": "server_lost", "message": "It is gone"}]),
    (RunReplaced(EXECUTION), ["⚠️  A newer run takes its place"], [{"event": "replaced", "execution_id": "wfx_1"}]),
    (
        RunDetached(EXECUTION),
        ["It goes on. See it to its end: stigmer-tui run --resume wfx_1"],
        [{"event": "detached", "execution_id": "wfx_1"}],
    ),
    (
        Noticed("careful", Level.WARNING, NOON),
        ["⚠️  careful"],
        [{"event": "notice", "level": "warning", "message": "careful"}],
    ),
    (
        Noticed("by the way", Level.INFORMATION, NOON),
        [],
        [{"event": "notice", "level": "information", "message": "by the way"}],
    ),
    (ServerConnected("127.0.0.1:1", Abilities()), [], []),
    (ListsChanged((TALLY,), ()), [], []),
    (LatencyMeasured(0.1), [], []),
]


class Printed:
    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()

    def text(self) -> TextOutput:
        return TextOutput(self.out, self.err, Redactor(["hush"]))

    def json(self) -> JsonOutput:
        return JsonOutput(self.out, self.err, Redactor(["hush"]), FixedClock())

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = [json.loads(line) for line in self.lines]
        assert all(event.pop("time") for event in events)
        return events


@pytest.mark.parametrize(("event", "lines", "events"), CASES, ids=[type(event).__name__ for event, _, _ in CASES])
def test_an_event(event: Event, lines: list[str], events: list[dict[str, Any]]) -> None:
    text, program = Printed(), Printed()
    text.text().take(event)
    program.json().take(event)
    assert (text.lines, program.events) == (lines, events)
    assert (text.err.getvalue(), program.err.getvalue()) == ("", "hello\n" if isinstance(event, CodePrinted) else "")


def test_that_files_are_watched_is_said_once() -> None:
    text, program = Printed(), Printed()
    for output in (text.text(), program.json()):
        for count in (3, 4):
            output.take(FilesWatched(count))
    assert text.lines == ["👀 Watching 3 file(s) - Ctrl+C ends"]
    assert program.events == [{"event": "watching", "files": 3}]


def test_warnings_of_a_deployment_come_before_it() -> None:
    printed = Printed()
    printed.text().take(Deployed(Deployment(APPLIED, (), frozenset(), ("careful",))))
    assert printed.lines[0] == "⚠️  careful"


@pytest.mark.parametrize("as_json", [False, True])
def test_an_error_does_not_repeat_what_the_code_has_printed(as_json: bool) -> None:
    printed = Printed()
    output = printed.json() if as_json else printed.text()
    error = StigmerError("main.py:4 NameError", "Traceback\n  x()")
    for _ in range(2):
        output.take(ProjectLoaded("demo"))
        for line in ("Traceback", "  x()"):
            output.take(CodePrinted(line, is_error=True))
        output.take(DeploymentFailed(error, ProjectProblem("main.py:4", "NameError")))
    assert printed.err.getvalue().count("Traceback") == 2
    assert printed.err.getvalue().count("Error: main.py:4 NameError\n") == 2
    output.failed(StigmerError("Another", "Do this"))
    assert printed.err.getvalue().endswith("Error: Another\n\nDo this\n")


@pytest.mark.parametrize("as_json", [False, True])
def test_no_secret_is_printed(as_json: bool) -> None:
    printed = Printed()
    output = printed.json() if as_json else printed.text()
    output.take(Noticed("it is hush", Level.WARNING, NOON))
    output.failed(StigmerError("no hush", "say hush"))
    assert "hush" not in printed.out.getvalue() + printed.err.getvalue()


def test_a_session_ends_with_what_all_of_it_has_used() -> None:
    out = io.StringIO()
    calls = tuple(ModelCall("turn/0", "m", input_tokens=10, output_tokens=5, cost=0.25) for _ in range(2))
    JsonOutput(out, io.StringIO(), Redactor(), FixedClock()).session("ses_1", "Ada", 2, Usage(calls))
    (event,) = map(json.loads, out.getvalue().splitlines())
    assert (event["event"], event["session_id"], event["executions"]) == ("session", "ses_1", 2)
    assert event["usage"] == {
        "requests": 2,
        "input_tokens": 20,
        "cached_tokens": 0,
        "output_tokens": 10,
        "cost": 0.5,
    }


def test_a_list_of_things_to_do_is_an_event_once_it_is_written() -> None:
    printed = Printed()
    execution = Execution(ResourceKind.AGENT, "agx_1", "clerk", state=RunState.RUNNING)
    written = {"todos": [{"content": "Look", "status": "completed"}, {"content": "Write", "status": "pending"}]}
    call = Node("1", NodeKind.TOOL_CALL, "write_todos", state=RunState.RUNNING, input=written)
    output = printed.json()
    put(execution, call)
    output.take(RunChanged(execution))
    put(execution, replace(call, state=RunState.COMPLETED))
    output.take(RunChanged(execution))
    assert [event["event"] for event in printed.events] == ["tool_call", "tool_call", "todos"]
    items = [{"content": "Look", "state": "completed"}, {"content": "Write", "state": "pending"}]
    assert printed.events[-1] == {"event": "todos", "items": items}


LINES = "".join(f"{number}\n" for number in range(30))


@pytest.mark.parametrize(
    ("so_far", "result", "printed"),
    [
        ("", "3\n[exit code 0]", ["3"]),
        ("one\n", "one\ntwo\n[exit code 0]", ["one", "two"]),
        ("one\ntw", "one\ntwo\n[exit code 1]", ["one", "two"]),
        ("one\n", "one\n[exit code 0]", ["one"]),
        ("one\n\n\n", "one\n[exit code 0]", ["one", "", ""]),
        ("", "[exit code 0]", []),
        ("0\n", f"{LINES}[exit code 0]", ["0", "… 18 characters left out …", *map(str, range(10, 30))]),
        ("one\n", "the middle is left out\n[exit code 0]", ["one"]),
    ],
)
def test_all_that_a_command_has_put_out_is_printed_once(so_far: str, result: str, printed: list[str]) -> None:
    out = io.StringIO()
    output = TextOutput(out, io.StringIO(), Redactor())
    execution = Execution(ResourceKind.AGENT, "agx_1", "clerk", state=RunState.RUNNING)
    call = Node("1", NodeKind.TOOL_CALL, "execute", state=RunState.RUNNING, input={"command": "make"}, output=so_far)
    put(execution, call)
    put_message(execution, 0, Message(Role.TOOL, "", calls=("1",)))
    output.take(RunChanged(execution))
    put(execution, replace(call, state=RunState.COMPLETED, output=result))
    output.take(RunChanged(execution))
    _, begin, *lines, end = out.getvalue().splitlines()
    assert (begin, end) == ("🔧 Tool: execute [Running]", "✓ Tool: execute [Completed]")
    assert lines == [f"  │ {line}" for line in printed]
