"""A run as a file: as a test, as a script, as data, or for people to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from stigmer_tui.core.agent_tools import TASK
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.yaml_output import to_yaml
from stigmer_tui.definition.recording import RecordedAgent, recording_data
from stigmer_tui.testing.cases import TestCase, case_text
from stigmer_tui.testing.expectations import (
    MISSING,
    Expectations,
    ExpectedCall,
    Failure,
    Limits,
    Part,
    TextMatch,
    at_path,
)
from stigmer_tui.testing.records import MADE_AGAIN, RunRecord
from stigmer_tui.workbench.project_tests import Form

"""Of a project."""

NOT_DRAFTED = (None, Part.CONDITION, Part.JUDGE)
"""What only a person can write, and what is no expectation."""


def drafted(run: RunRecord) -> Expectations:
    """What became of the run, for a person to make less of."""
    is_completed = run.state == "completed"
    calls = tuple(ExpectedCall(call.tool, dict(call.arguments)) for call in run.calls)
    return Expectations(
        state=run.state,
        text=TextMatch(equals=run.text) if run.is_agent and is_completed else None,
        output=dict(run.output) if not run.is_agent and is_completed and isinstance(run.output, dict) else {},
        calls=calls,
        in_order=len(calls) > 1 and run.is_agent and not any(call.tool == TASK for call in calls),
        files={path: TextMatch() for path in _written(run)},
        at_most=Limits(turns=run.turns or None, tokens=run.tokens or None),
    )


def redrafted(expected: Expectations, run: RunRecord, failures: Sequence[Failure]) -> Expectations:
    """What has failed is drafted anew; all else stays, as do conditions and rubrics, which nobody can draft."""
    draft, parts = drafted(run), {failure.part for failure in failures}
    keys = {part: {failure.key for failure in failures if failure.part is part} for part in parts}
    limits = {name: getattr(run, name) for name in keys.get(Part.AT_MOST, ())}
    return replace(
        expected,
        state=draft.state if Part.STATE in parts else expected.state,
        text=draft.text if Part.TEXT in parts else expected.text,
        output=_again(expected.output, keys.get(Part.OUTPUT, set()), lambda path: at_path(run.output, path)),
        calls=draft.calls if Part.CALLS in parts else expected.calls,
        files=_again(expected.files, keys.get(Part.FILES, set()), lambda path: draft.files.get(path, MISSING)),
        at_most=replace(expected.at_most, **limits),
    )


def _again(expected: Mapping[str, Any], failed: Set[str], draft: Callable[[str], Any]) -> dict[str, Any]:
    """With other values where it has failed; without those that there are not."""
    values = {key: draft(key) if key in failed else value for key, value in expected.items()}
    return {key: value for key, value in values.items() if value is not MISSING}


def _written(run: RunRecord) -> Iterator[str]:
    """Of each file once."""
    paths = [call.arguments.get("file_path") for call in run.calls if call.tool == "write_file"]
    yield from (str(path) for path in dict.fromkeys(paths) if path)


def test_of(run: RunRecord, path: Path) -> TestCase:
    return TestCase(path.stem, path, run.is_agent, run.name, run.message, drafted(run), run.recording, run.variables)


test_of.__test__ = False  # type: ignore[attr-defined]


def free_path(folder: Path, name: str, ending: str = "yaml") -> Path:
    """`NAME.yaml`, or one with a number where there is one already."""
    path, number = folder / f"{name}.{ending}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.{ending}"
    return path


def text_of(run: RunRecord, form: Form, path: Path) -> str:
    """A run in one of these forms; the path is where a test stands. Raises StigmerError where it has none."""
    match form:
        case Form.TEST:
            return as_test(run, path)
        case Form.SCRIPT:
            return as_script(run)
        case Form.JSON:
            return as_json(run)
        case Form.MARKDOWN:
            return as_markdown(run)


def as_test(run: RunRecord, path: Path) -> str:
    return case_text(test_of(run, path))


def as_script(run: RunRecord) -> str:
    """What the agent said and called, as a script that it can carry. Raises StigmerError for a workflow."""
    if not run.is_agent or not run.agents:
        raise StigmerError("Only the run of an agent can become a script", "Export it with --as test.")
    first, *others = run.agents
    script = _script(first)
    of_others = {agent.agent: _script(agent) for agent in others}
    return to_yaml({**script, "sub_agents": of_others} if of_others else script)


def _script(agent: RecordedAgent) -> dict[str, Any]:
    turns = []
    for turn in agent.turns:
        calls = [{call.tool: dict(call.arguments)} for call in turn.calls]
        turns.append({**({"say": turn.say} if turn.say else {}), **({"call": calls} if calls else {})})
    return {"turns": [turn for turn in turns if turn] or [{"say": "(nothing)"}]}


def as_json(run: RunRecord) -> str:
    data = {
        "id": run.id,
        "kind": "agent" if run.is_agent else "workflow",
        "name": run.name,
        "message": run.message,
        "state": run.state,
        "error": run.error,
        "seconds": run.seconds,
        "text": run.text,
        "output": run.output,
        "calls": [{"tool": call.tool, "arguments": dict(call.arguments)} for call in run.calls],
        "turns": run.turns,
        "tokens": run.tokens,
        "cost": run.cost,
        "recording": recording_data(run.recording),
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def as_markdown(run: RunRecord) -> str:
    return "\n".join(_markdown(run)).rstrip() + "\n"


def _markdown(run: RunRecord) -> Iterator[str]:
    yield f"# {run.name}"
    yield f"\n`{run.id}` · {run.state} · {run.seconds:.1f} s"
    if run.error:
        yield f"\n> {run.error}"
    if run.message:
        yield f"\n**Message:** {run.message}"
    for agent in run.agents:
        yield f"\n## {agent.agent}\n\n{_quoted(agent.message)}"
        for turn in agent.turns:
            if turn.say:
                yield f"\n{turn.say}"
            for call in turn.calls:
                yield f"\n- `{call.tool}` `{json.dumps(dict(call.arguments), ensure_ascii=False)}`"
                if call.is_played and call.tool not in MADE_AGAIN:
                    yield f"\n{_block(call.answer or call.error)}"
    for http in run.http:
        yield f"\n- `{http.request}`\n\n{_block(http.error or json.dumps(http.answer, ensure_ascii=False, indent=2))}"
    if not run.is_agent:
        yield f"\n## Output\n\n{_block(json.dumps(run.output, ensure_ascii=False, indent=2))}"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def _block(text: str) -> str:
    """Indented, since it may hold a fence itself."""
    return "\n".join(f"    {line}" for line in text.splitlines())
