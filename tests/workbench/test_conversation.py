"""A conversation: what continues it, what forks it, what a save does to it, and how it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.definition.extensions import FILES
from stigmer_tui.workbench.conversation import NEW_CODE, Conversation
from stigmer_tui.workbench.entries import MessageEntry, text_of
from stigmer_tui.workbench.execution_tree import Execution, run_of
from stigmer_tui.workbench.model import Resource, ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, PutMessage, Role
from stigmer_tui.workbench.outline import Changed, Inserted
from stigmer_tui.workbench.state import RunInput, Value
from tests.workbench.stage import FakeCode, StagedSession, at_work
from tests.workbench.trees import change

AGENT = Resource(ResourceKind.AGENT, "agt_1", "helper", "helper")
INPUT = RunInput("one", {"TONE": Value("kind")})


def said(session: StagedSession) -> list[str]:
    return [run_input.message for _, run_input in session.server.created]


def ids(session: StagedSession) -> list[str]:
    return [execution.id for execution in session.shown.conversation]


def replaced(session: StagedSession) -> list[str]:
    return list(session.shown.execution.replaces)


async def begun(session: StagedSession) -> None:
    """A first message has been answered."""
    session.start(AGENT, INPUT)
    await session.until(lambda: session.server.following == {"agx_1"})
    await answered(session, 1)


async def answered(session: StagedSession, number: int) -> None:
    session.server.end(f"agx_{number}")
    await session.until(
        lambda: session.shown.execution.id == f"agx_{number}" and session.shown.execution.state.is_final
    )
    await session.settled()


async def sent(session: StagedSession, message: str, number: int) -> None:
    session.send(message)
    await session.until(lambda: session.server.following == {f"agx_{number}"})


async def test_a_message_continues_the_session_with_the_same_variables(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        await begun(session)
        await sent(session, "two", 2)
        await answered(session, 2)
        await sent(session, "three", 3)
        assert ids(session) == ["agx_1", "agx_2", "agx_3"]
        assert {execution.session for execution in session.shown.conversation} == {"ses_1"}
        assert session.server.created[2] == ("helper", RunInput("three", INPUT.environment))
        assert session.shown.number == 1


async def test_a_message_to_an_agent_at_work_waits_for_its_answer(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        session.start(AGENT, INPUT)
        await session.until(lambda: session.server.following == {"agx_1"})
        session.send("two")
        session.send("three")
        await session.settled()
        assert said(session) == ["one"]
        assert "The message is sent when helper has answered" in session.notices
        session.server.end("agx_1")
        await session.until(lambda: session.server.following == {"agx_2"})
        await session.settled()
        assert said(session) == ["one", "two"]
        session.server.end("agx_2")
        await session.until(lambda: session.server.following == {"agx_3"})
        assert said(session) == ["one", "two", "three"]


async def test_a_message_that_waits_is_not_sent_to_another_run(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        session.start(AGENT, INPUT)
        await session.until(lambda: session.server.following == {"agx_1"})
        session.send("two")
        session.start(AGENT, RunInput("else"))
        await session.until(lambda: session.server.following == {"agx_2"})
        await session.until(lambda: any("was not sent" in notice for notice in session.notices))
        assert said(session) == ["one", "else"]
        assert "Another run is shown now; the message was not sent\n\ntwo" in session.notices


async def test_a_save_between_two_messages_keeps_the_conversation(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(affected=(AGENT,), defined=(AGENT,))) as session:
        await begun(session)
        await sent(session, "two", 2)
        await answered(session, 2)
        session.watcher.save()
        session.watcher.notice()
        await session.deployed(2)
        assert said(session) == ["one", "two"]
        assert "Saved main.py · 1 updated · the next message to helper runs on it" in session.notices
        assert session.shown.has_newer_code
        await sent(session, "three", 3)
        assert ids(session) == ["agx_1", "agx_2", "agx_3"]
        assert not session.shown.has_newer_code


async def save(session: StagedSession) -> None:
    session.watcher.save()
    session.watcher.notice()
    await session.deployed(2)


async def test_a_save_while_the_agent_answers_has_it_answer_again_in_the_same_session(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(affected=(AGENT,), defined=(AGENT,))) as session:
        await begun(session)
        await sent(session, "two", 2)
        await save(session)
        await session.until(lambda: session.server.following == {"agx_3"})
        assert session.server.cancelled == ["agx_2"]
        assert said(session) == ["one", "two", "two"]
        assert ids(session) == ["agx_1", "agx_3"]
        assert session.shown.execution.session == "ses_1"
        assert replaced(session) == ["agx_2"]
        assert "Saved main.py · 1 updated · helper answers the last message again" in session.notices
        await answered(session, 3)
        await sent(session, "three", 4)
        assert replaced(session) == []
        assert ids(session) == ["agx_1", "agx_3", "agx_4"]


async def test_what_was_replaced_stays_so_in_a_fork_at_what_took_its_place(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(affected=(AGENT,), defined=(AGENT,))) as session:
        await begun(session)
        await sent(session, "two", 2)
        await save(session)
        await session.until(lambda: session.server.following == {"agx_3"})
        session.resend("agx_3", "another two")
        await session.until(lambda: session.server.following == {"agx_4"})
        assert session.shown.execution.session.startswith("fork")
        assert replaced(session) == ["agx_2"]


async def test_a_first_message_is_answered_again_in_its_session_where_a_second_one_waits(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(affected=(AGENT,), defined=(AGENT,))) as session:
        session.start(AGENT, INPUT)
        await session.until(lambda: session.server.following == {"agx_1"})
        session.send("two")
        await session.settled()
        await save(session)
        await session.until(lambda: session.server.following == {"agx_2"})
        await session.settled()
        assert said(session) == ["one", "one"]
        await answered_again(session)
        assert ids(session) == ["agx_2", "agx_3"]
        assert {execution.session for execution in session.shown.conversation} == {"ses_1"}


async def answered_again(session: StagedSession) -> None:
    session.server.end("agx_2")
    await session.until(lambda: session.server.following == {"agx_3"})


async def test_a_single_message_begins_anew_in_a_new_session(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(affected=(AGENT,), defined=(AGENT,))) as session:
        await begun(session)
        await save(session)
        await session.until(lambda: session.server.following == {"agx_2"})
        assert ids(session) == ["agx_2"]
        assert session.shown.execution.session == "ses_2"


async def test_what_was_just_saved_is_deployed_before_a_message_is_sent(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(affected=(AGENT,), defined=(AGENT,))) as session:
        await begun(session)
        session.watcher.save()
        await sent(session, "two", 2)
        assert session.code.runs == 2
        assert ids(session) == ["agx_1", "agx_2"]


async def test_a_message_that_is_edited_forks_the_conversation_there(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        await begun(session)
        for number, message in ((2, "two"), (3, "three")):
            await sent(session, message, number)
            await answered(session, number)
        session.resend("agx_2", "another two", "[]")
        await session.until(lambda: session.server.following == {"agx_4"})
        assert session.shown.input.annotations == {FILES: "[]"}
        assert ids(session) == ["agx_1", "agx_4"]
        assert session.shown.execution.session.startswith("fork")
        assert session.shown.input.message == "another two"
        assert [execution.id for execution in session.server.conversations["ses_1"]] == ["agx_1", "agx_2", "agx_3"]


async def test_running_again_sends_the_last_message_again_and_ends_it_first(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        await begun(session)
        await sent(session, "two", 2)
        session.rerun()
        await session.until(lambda: session.server.following == {"agx_3"})
        assert session.server.cancelled == ["agx_2"]
        assert said(session) == ["one", "two", "two"]
        assert ids(session) == ["agx_1", "agx_3"]


@pytest.mark.parametrize(("opened", "shown", "then"), [(1, [1], "fork"), (2, [1, 2], "ses_1")])
async def test_an_old_run_is_opened_with_what_was_before_it_and_continued_from_there(
    tmp_path: Path, opened: int, shown: list[int], then: str
) -> None:
    async with at_work(tmp_path) as session:
        await begun(session)
        await sent(session, "two", 2)
        await answered(session, 2)
        old = session.server.conversations["ses_1"][opened - 1]
        session.server.open = _opens(old)  # type: ignore[method-assign]
        session.open(run_of(old, AGENT.id))
        await session.until(lambda: len(session.shown.conversation) == opened and session.shown.number == 0)
        assert ids(session) == [f"agx_{number}" for number in shown]
        session.send("three")
        await session.until(lambda: session.server.following == {"agx_3"})
        assert session.shown.execution.session.startswith(then)
        assert ids(session) == [*(f"agx_{number}" for number in shown), "agx_3"]


def _opens(execution: Execution):  # type: ignore[no-untyped-def]
    async def open_(run: object) -> Execution:
        return execution

    return open_


# The transcript of a conversation


def execution(number: int, code: str = "1") -> Execution:
    made = Execution(ResourceKind.AGENT, f"agx_{number}", "helper", session="ses_1", code=code)
    made.apply(PutMessage(0, Message(Role.HUMAN, f"message {number}"), made.root_key))
    return made


def answer(made: Execution, text: str) -> None:
    made.apply(PutMessage(1, Message(Role.AGENT, text), made.root_key))


def texts(conversation: Conversation) -> list[str]:
    return [text_of(entry) for entry in conversation]


def test_the_transcripts_of_a_conversation_follow_each_other() -> None:
    first, second = execution(1), execution(2)
    answer(first, "one")
    conversation = Conversation()
    conversation.extend([first])
    assert conversation.refresh() == [Inserted(0, 2)]
    assert conversation.goes_on_with([first, second])
    conversation.extend([first, second])
    assert conversation.refresh() == [Inserted(2, 1)]
    answer(second, "tw")
    assert conversation.refresh()[0] == Inserted(3, 1)
    answer(second, "two")
    assert conversation.refresh() == [Changed(3)]
    assert texts(conversation) == ["message 1", "one", "message 2", "two"]
    assert [entry.has_gap for entry in conversation] == [False, True, True, True]
    assert [conversation.index(conversation.key(index)) for index in range(4)] == [0, 1, 2, 3]
    assert [conversation.execution_at(conversation.key(index)) for index in range(4)] == [first, first, second, second]
    assert conversation.text_length(conversation.key(3)) == 3


def test_a_fork_is_another_conversation() -> None:
    first, second, third = execution(1), execution(2), execution(3)
    conversation = Conversation()
    conversation.extend([first, second])
    assert not conversation.goes_on_with([first, third])
    assert not conversation.goes_on_with([first])
    assert conversation.goes_on_with([first, second, third])


def test_a_line_says_where_new_code_answers() -> None:
    conversation = Conversation()
    conversation.extend([execution(1), execution(2), execution(3, code="2"), execution(4, code="")])
    assert len(conversation) == 0
    assert conversation.refresh() == [Inserted(0, 5)]
    assert texts(conversation) == ["message 1", "message 2", NEW_CODE, "message 3", "message 4"]
    line = conversation[2]
    assert isinstance(line, MessageEntry)
    assert line.message.role is Role.SYSTEM
    assert conversation.text_length(line.key) == len(NEW_CODE)
    assert conversation.execution_at(line.key).id == "agx_3"


def test_an_answer_that_ends_grows_no_more() -> None:
    made = execution(1)
    change(made, state=RunState.RUNNING)
    answer(made, "one")
    conversation = Conversation()
    conversation.extend([made])
    conversation.refresh()
    growing = conversation[1]
    assert isinstance(growing, MessageEntry) and growing.is_growing
    change(made, state=RunState.COMPLETED)
    assert conversation.refresh() == [Changed(1)]
