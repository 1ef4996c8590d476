"""Scripts: what can be written, what it means, and where a mistake is."""

from __future__ import annotations

import pytest

from stigmer_tui.agents.scripts.player import THE_END
from stigmer_tui.api.agent_execution_pb2 import MessageType
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.script import DEFAULT_DELAY, ScriptCall, ScriptTurn, parse_script
from tests.agents.conftest import Agents, assignment


def test_turns_with_all_that_they_can_have() -> None:
    script = parse_script(
        """
        delay: 0
        turns:
          - say: One
            call: {ls: {path: /}}
          - pause: 1.5
            delay: 0.1
            call:
              - ls: {}
              - execute: {command: date}
        """,
        "a.yaml",
    )
    assert script.answers(0) == (
        (ScriptTurn("One", (ScriptCall("ls", {"path": "/"}),), 0, 0),),
        (ScriptTurn("", (ScriptCall("ls", {}), ScriptCall("execute", {"command": "date"})), 1.5, 0.1),),
    )


def test_turns_without_calls_belong_to_the_same_answer() -> None:
    script = parse_script("turns: [{say: a}, {say: b, call: {ls: {}}}, {say: c}, {say: d}]", "a.yaml")
    assert [[turn.say for turn in answer] for answer in script.answers(0)] == [["a", "b"], ["c", "d"]]
    assert script.answers(0)[0][0].delay == DEFAULT_DELAY


MISTAKES = {
    "": "a.yaml:1:1 must hold keys out of delay, messages, sub_agents, summary, turns",
    "delay: 1": "a.yaml:1:1 must have turns: a list of what the agent says and calls",
    "turns: []": "a.yaml:1:1 must have turns: a list of what the agent says and calls",
    "turns:\n  say: Hi": "a.yaml:1:1 must have turns: a list of what the agent says and calls",
    "turns:\n  - Hi": "a.yaml:2:5 must hold keys out of think, say, call, pause, delay",
    "turns:\n  - say: Hi\n  - pause: 1": "a.yaml:3:5 is a turn that neither says nor calls anything",
    "turns:\n  - say: Hi\n    sya: Hi": "a.yaml:3:5 has 'sya', which is none of think, say, call, pause, delay",
    "turns:\n  - say: Hi\n    pause: soon": "a.yaml:3:5 must be a number of seconds, not 'soon'",
    "delay: -1\nturns: [{say: Hi}]": "a.yaml:1:1 must be a number of seconds, not -1",
    "turns:\n  - call:\n      fly: {}": "a.yaml:3:7 has 'fly', which is none of edit_file, execute, glob, grep, ls,",
    "turns:\n  - call:\n      - ls: {}\n      - ls: /": "a.yaml:4:9 must give ls its arguments, such as {path: /}",
    "turns:\n  - say: Hi\n    call: ls": "a.yaml:3:5 must hold keys out of edit_file,",
    "turns:\n  - say: Hi {{name}}": "a.yaml:2:5 has {{name}}, where only these can be inserted: message, previous",
    "turns:\n  - call:\n      execute:\n        command: '{{it}}'": "a.yaml:4:9 has {{it}}, where only",
    "turns:\n  - say: Hi\n  - think: Hm\n    say: Ho": "a.yaml:3:5 comes in the middle of an answer",
    "turns:\n  - think: Hm {{it}}\n    say: Hi": "a.yaml:2:5 has {{it}}, where only",
    "turns:\n  - think: Hm": "a.yaml:2:5 is a turn that neither says nor calls anything",
    "turns: [": "a.yaml:2:1 is not valid YAML:",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_told_by_file_and_line(text: str) -> None:
    with pytest.raises(StigmerError) as caught:
        parse_script(text, "a.yaml")
    assert caught.value.message.startswith(MISTAKES[text])


async def test_a_script_that_ends_too_early_is_brought_to_an_end(agents: Agents) -> None:
    ledger = await agents.run(assignment("turns: [{say: Let me look., delay: 0, call: {ls: {}}}]"))
    assert ledger.answers == ["Let me look.", THE_END.say]


async def test_a_script_that_goes_on_is_played_to_its_end(agents: Agents) -> None:
    ledger = await agents.run(assignment("turns: [{say: One., delay: 0}, {say: Two., delay: 0}]"))
    assert ledger.answers == ["One.\n\nTwo."]


async def test_what_a_script_thinks_is_apart_from_what_it_says(agents: Agents) -> None:
    turns = "{think: 'Files of {{message}}?', call: {ls: {}}}, {think: 'None: {{result}}.', say: There are none.}"
    ledger = await agents.run(assignment(f"delay: 0\nturns: [{turns}]", "Bob"))
    kinds = [(message.type, message.content) for message in ledger.status.messages[1:]]
    assert kinds == [
        (MessageType.MESSAGE_SYSTEM, "Files of Bob?"),
        (MessageType.MESSAGE_TOOL, ""),
        (MessageType.MESSAGE_SYSTEM, f"None: {ledger.status.tool_calls[0].result}."),
        (MessageType.MESSAGE_AI, "There are none."),
    ]


async def test_a_script_whose_text_comes_to_nothing_still_ends(agents: Agents) -> None:
    ledger = await agents.run(assignment("turns: [{say: '{{execute}}'}]"))
    assert ledger.answers == [THE_END.say]


async def test_placeholders_stand_for_the_message_and_for_results_as_they_read_best(agents: Agents) -> None:
    script = """
    delay: 0
    turns:
      - call:
          - write_file: {file_path: /note.md, content: "For {{message}}:\\nmilk"}
          - execute: {command: "cat note.md"}
          - read_file: {file_path: /note.md}
          - ls: {}
      - say: "{{execute}} / {{ read_file }} / {{result}} / {{grep}}!"
    """
    ledger = await agents.run(assignment(script, "Bob"))
    assert ledger.answers == ["For Bob:\nmilk / For Bob:\nmilk / note.md  13 B / !"]


def test_messages_have_turns_of_their_own_and_the_last_ones_are_for_all_that_follow() -> None:
    script = parse_script("messages: [[{say: one}], [{say: two}, {say: three}]]", "script.yaml")
    said = [[turn.say for answer in script.answers(number) for turn in answer] for number in range(4)]
    assert said == [["one"], ["two", "three"], ["two", "three"], ["two", "three"]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("messages: []", "must have messages: a list of the turns for each of them"),
        ("messages: [[{say: a}], []]", "must have turns: a list of what the agent says and calls"),
        ("turns: [{say: a}]\nmessages: [[{say: a}]]", "must have either turns or messages, not both"),
    ],
)
def test_messages_without_turns_are_refused(text: str, problem: str) -> None:
    with pytest.raises(StigmerError, match=problem):
        parse_script(text, "script.yaml")
