"""Test files: what is written is what is read, and a mistake is named with its place."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition import recording
from stigmer_tui.definition.recording import RecordedHttpCall, RecordedTool, Recording
from stigmer_tui.testing import cases, export
from stigmer_tui.testing.cases import case_text, read_case
from stigmer_tui.testing.records import Variable
from tests.testing.records import CLERK, record


def example(text: str | None) -> str:
    """The indented part of a docstring."""
    lines = inspect.cleandoc(text or "").splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines if line.startswith("    ") or not line)


def test_a_drafted_test_is_read_as_it_was_written(tmp_path: Path) -> None:
    tool = RecordedTool("grams", "How much", {"type": "object"})
    agent = replace(CLERK, server_tools=(tool,), uses=("MCP server stock",), provider="openai", model="gpt")
    posted = RecordedHttpCall("POST http://a/", [1], body=[2])
    http = [posted, RecordedHttpCall("GET http://b/", error="gone", status=410)]
    variables = {"REGION": Variable("eu", False), "TOKEN": Variable("", True)}
    path = tmp_path / "clerk.yaml"
    case = export.test_of(record(agents=[agent], http=http, variables=variables), path)
    path.write_text(case_text(case), encoding="utf-8")
    assert read_case(path) == case
    assert case.expected.at_most.turns == 2
    assert case.expected.in_order


def test_the_examples_of_the_reference_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "clerk.yaml"
    before, _, _ = example(cases.__doc__).partition("recording:")
    played = "\n".join(f"  {line}" for line in example(recording.__doc__).splitlines())
    path.write_text(f"{before}recording:\n{played}\n", encoding="utf-8")
    case = read_case(path)
    assert case.expected.at_most.cost == 0.02
    assert case.recording.http == (
        RecordedHttpCall("GET https://shop.example/stock.json", {"assam": 3}),
        RecordedHttpCall("POST https://shop.example/orders", {"number": 12}, body={"tea": "Assam"}),
    )


BEGINNING = "version: 1\nagent: clerk\n"

MISTAKES = {
    "": "a.yaml:1:1 must hold keys out of version, agent",
    "version: 2\nagent: a": "a.yaml:1:1 version is 2, and this version of stigmer-tui reads 1: export the run again",
    "version: 1": "a.yaml:1:1 must say what runs: either agent or workflow",
    BEGINNING + "expekt: {}": "a.yaml:3:1 expekt is no key here; did you mean expect?",
    BEGINNING + "expect: {text: {contain: x}}": "a.yaml:3:17 contain is no key here; did you mean contains?",
    BEGINNING + "expect: {state: done}": "a.yaml:3:10 state is one of completed, failed, cancelled, not 'done'",
    BEGINNING + "expect: {at_most: {turns: few}}": "a.yaml:3:20 turns must be a number, not 'few'",
    BEGINNING + "expect: {text: {matches: '('}}": "a.yaml:3:17 matches is no regular expression",
    BEGINNING + "expect: {calls: [{ls: {}, glob: {}}]}": "a.yaml:3:18 must be the name of a tool",
    BEGINNING + "recording: {agents: [{agent: a}]}": "a.yaml:3:22 lacks turns",
    BEGINNING + "recording: {agents: [{agent: a, turns: [{say: [1]}]}]}": "a.yaml:3:42 say must be a text",
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.items(), ids=MISTAKES.values())
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StigmerError) as error:
        read_case(path)
    assert error.value.message.removeprefix(f"{tmp_path}/").startswith(message)


def test_a_script_of_a_run_says_and_calls_the_same() -> None:
    text = export.as_script(record())
    assert "read_file:" in text
    assert "say: Assam" in text
    with pytest.raises(StigmerError, match="Only the run of an agent"):
        export.as_script(record(is_agent=False))


def test_the_recording_of_a_run_is_read_as_it_was_written() -> None:
    assert '"tokens": 40' in export.as_json(record())
    assert export.as_markdown(record()).startswith("# clerk\n\n`agx_1` · completed · 1.5 s\n")
    assert record().recording == Recording((CLERK,), ())
