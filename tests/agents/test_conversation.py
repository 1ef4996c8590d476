"""What an agent remembers of its session (`docs/compatibility.md` 75)."""

from __future__ import annotations

import pytest
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart

from stigmer_tui.agents import conversation
from stigmer_tui.agents.conversation import History
from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
    AgentExecutionStatus,
    AgentMessage,
    MessageType,
    ToolCall,
)
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata
from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_struct
from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.definition.extensions import REPLACES
from tests.agents.conftest import Agents, assignment
from tests.agents.controller import controller
from tests.agents.provider_server import Answer, openai_events, provider_server


def human(text: str) -> AgentMessage:
    return AgentMessage(type=MessageType.MESSAGE_HUMAN, content=text)


def answer(text: str) -> AgentMessage:
    return AgentMessage(type=MessageType.MESSAGE_AI, content=text)


def tool(name: str, result: str = "", error: str = "") -> AgentMessage:
    call = ToolCall(id=f"id-{name}", name=name, args=to_struct({"path": "/"}), result=result, error=error)
    return AgentMessage(type=MessageType.MESSAGE_TOOL, tool_calls=[call])


def execution(number: int, *messages: AgentMessage, phase: Phase = Phase.COMPLETED) -> AgentExecution:
    return AgentExecution(
        metadata=ApiResourceMetadata(id=f"agx_{number:04}"),
        spec=AgentExecutionSpec(session_id="ses_1"),
        status=AgentExecutionStatus(messages=messages, phase=phase.for_agent),
    )


def texts(history: History) -> list[str]:
    return [str(part.content) for message in history.messages() for part in message.parts if hasattr(part, "content")]


def test_what_is_said_before_and_after_a_thought_is_one_response() -> None:
    thought = AgentMessage(type=MessageType.MESSAGE_SYSTEM, content="Hm.", metadata=to_struct({"reasoning": True}))
    told = History((execution(1, human("Tea?"), answer("Yes: "), thought, answer("Assam."), tool("brew", "hot")),))
    kinds = [[type(part) for part in message.parts] for message in told.messages()]
    assert kinds == [[UserPromptPart], [TextPart, TextPart, ToolCallPart], [ToolReturnPart]]


async def test_75_the_second_message_of_a_session_comes_with_the_first(agents: Agents) -> None:
    before = execution(1, human("My name is Bob."), answer("Hello Bob."))
    elsewhere = execution(2, human("My name is Eve."))
    elsewhere.spec.session_id = "ses_2"
    async with controller([elsewhere, before]) as server, provider_server(openai_events, Answer(["Bob."])) as provider:
        agents.channel = open_channel(server.address)
        agents.settings = ModelSettings(provider="openai", base_url=provider.url)
        ledger = await agents.run(assignment(message="What is my name?", session_id="ses_1", execution_id="agx_0003"))
        await agents.channel.close()
    assert ledger.kinds == ["HUMAN", "AI"]
    spoken = [(message["role"], message["content"]) for message in provider.bodies[0]["messages"][1:]]
    assert spoken == [("user", "My name is Bob."), ("assistant", "Hello Bob."), ("user", "What is my name?")]


async def test_a_script_begins_anew_with_each_message_of_a_session(agents: Agents) -> None:
    script = "turns: [{say: 'You said {{message}}.', delay: 0, call: {ls: {path: /}}}, {say: '{{result}}', delay: 0}]"
    before = execution(1, human("one"), answer("You said one."), tool("ls", "a.txt"), answer("a.txt"))
    async with controller([before]) as server:
        agents.channel = open_channel(server.address)
        ledger = await agents.run(assignment(script, "two", session_id="ses_1", execution_id="agx_0002"))
        await agents.channel.close()
    assert ledger.answers == ["You said two.", "/ is empty"]


async def test_a_script_answers_each_message_of_a_session_differently_and_knows_the_one_before(agents: Agents) -> None:
    script = "{delay: 0, messages: [[{say: One.}], [{say: 'Two, after {{previous}}.'}]]}"
    first = execution(1, human("one"), answer("One."))
    second = execution(2, human("two"), answer("Two, after one."))
    async with controller([first, second]) as server:
        agents.channel = open_channel(server.address)
        ledgers = [
            await agents.run(assignment(script, "next", session_id="ses_1", execution_id=f"agx_{number:04}"))
            for number in (1, 2, 3)
        ]
        await agents.channel.close()
    assert [ledger.answers for ledger in ledgers] == [["One."], ["Two, after one."], ["Two, after two."]]


async def test_a_script_knows_its_message_after_a_run_that_was_cancelled_during_a_call(agents: Agents) -> None:
    cancelled = execution(1, human("Wait"), tool("ls", error="cancelled"), phase=Phase.CANCELLED)
    second = "{say: 'two {{message}} {{previous}}{{result}}', delay: 0, call: {ls: {}}}"
    script = f"messages: [[{{say: one}}], [{second}, {{say: end}}]]"
    async with controller([cancelled]) as server:
        agents.channel = open_channel(server.address)
        ledger = await agents.run(assignment(script, "again", execution_id="agx_0002", session_id="ses_1"))
        await agents.channel.close()
    assert ledger.answers == ["two again Wait", "end"]


async def test_all_of_a_long_session_is_read_page_by_page(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "READ_AT_ONCE", 3)
    many = [execution(number, human(f"message {number}"), answer("Yes.")) for number in range(1, 9)]
    async with controller(many) as server:
        channel = open_channel(server.address)
        found = await conversation.load_history(channel, execution(9, human("last")), Redactor([]))
        await channel.close()
    assert texts(found) == [text for number in range(1, 9) for text in (f"message {number}", "Yes.")]


async def test_what_was_answered_again_is_not_told_to_the_model(agents: Agents) -> None:
    first, cancelled, again = (execution(number, human(f"message {number}")) for number in (1, 2, 3))
    again.metadata.annotations[REPLACES] = cancelled.metadata.id
    current = execution(4, human("last"))
    async with controller([first, cancelled, again]) as server:
        channel = open_channel(server.address)
        assert texts(await conversation.load_history(channel, current, Redactor([]))) == ["message 1", "message 3"]
        current.metadata.annotations[REPLACES] = again.metadata.id
        assert texts(await conversation.load_history(channel, current, Redactor([]))) == ["message 1"]
        await channel.close()


async def test_a_session_that_cannot_be_read_fails_the_run_in_words(agents: Agents) -> None:
    agents.channel = open_channel("127.0.0.1:1")
    ledger = await agents.run(assignment("turns: [{say: Hi}]", session_id="ses_1"))
    await agents.channel.close()
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error.startswith("Cannot read the history of session ses_1: ")


def test_an_answer_stands_with_its_calls_and_the_results_follow() -> None:
    spoken = execution(
        1, human("Look"), answer("I look."), tool("ls", "a.txt"), tool("glob", error="no"), answer("Done.")
    )
    asked, called, returned, said = History((spoken,)).messages()
    assert isinstance(asked, ModelRequest)
    assert isinstance(returned, ModelRequest)
    assert [type(part) for part in asked.parts] == [UserPromptPart]
    assert [type(part) for part in called.parts] == [TextPart, ToolCallPart, ToolCallPart]
    assert isinstance(said, ModelResponse)
    first, second = returned.parts
    assert isinstance(first, ToolReturnPart)
    assert isinstance(second, ToolReturnPart)
    assert (first.content, first.outcome, second.content, second.outcome) == ("a.txt", "success", "no", "failed")


def test_24_a_command_that_failed_is_remembered_by_its_output() -> None:
    (_, _, returned) = History(
        (execution(1, human("Build"), tool("execute", "oh\n[exit code 3]", "exit 3")),)
    ).messages()
    (part,) = returned.parts
    assert isinstance(part, ToolReturnPart)
    assert (part.content, part.outcome) == ("oh\n[exit code 3]", "success")


async def test_what_has_not_ended_is_not_remembered_and_order_is_that_of_creation() -> None:
    going_on = execution(3, human("three"), phase=Phase.IN_PROGRESS)
    failed = execution(2, human("two"), phase=Phase.FAILED)
    async with controller([going_on, failed, execution(1, human("one"), answer("first"))]) as server:
        channel = open_channel(server.address)
        found = await conversation.load_history(channel, execution(4, human("four")), Redactor([]))
        await channel.close()
    assert texts(found) == ["one", "first", "two"]
