"""What a transcript shows, in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stigmer_tui.workbench.entries import EndEntry, Entry, MessageEntry, NodeEntry
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, ModelWait, Node, NodeKind, PutNode, Role
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import FAR, Transcript
from tests.workbench.outlines import shown
from tests.workbench.trees import change, graft, put, put_message, task, tool_call

START = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)


def at(milliseconds: int) -> datetime:
    return START + timedelta(milliseconds=milliseconds)


def agent(*messages: Message, state: RunState = RunState.RUNNING) -> Execution:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=state)
    for index, message in enumerate(messages):
        put_message(execution, index, message)
    return execution


def workflow(*tasks: Node, state: RunState = RunState.RUNNING) -> Execution:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=state)
    put(execution, *tasks)
    return execution


def human(text: str) -> Message:
    return Message(Role.HUMAN, text)


def says(text: str, model: str = "") -> Message:
    return Message(Role.AGENT, text, model=model)


def uses(*calls: str) -> Message:
    return Message(Role.TOOL, "", calls=calls)


class TestOfAnAgent:
    def test_messages_and_calls_stand_in_the_order_of_the_conversation(self) -> None:
        execution = agent(human("Hello"), says("I look."), uses("c1"), uses("c2"), says("Found."))
        for name in ("c1", "c2"):
            put(execution, tool_call(name, name, state=RunState.COMPLETED))
        assert shown(Transcript(execution)) == [
            "You: Hello",
            "Agent: I look.",
            "c1 completed",
            "c2 completed",
            "Found.…",
        ]

    def test_a_call_stands_where_its_message_does_even_when_it_is_heard_of_first(self) -> None:
        execution = agent(human("Hello"))
        outline = Transcript(execution)
        outline.refresh()
        put(execution, tool_call("c1", "grep"))
        put_message(execution, 1, uses("c1"))
        put_message(execution, 2, says("Found."))
        assert shown(outline) == ["You: Hello", "grep pending", "Agent: Found.…"]

    def test_a_call_that_no_message_names_comes_after_what_is_there(self) -> None:
        execution = agent(human("Hello"))
        outline = Transcript(execution)
        outline.refresh()
        put(execution, tool_call("c1", "grep", state=RunState.RUNNING))
        assert shown(outline) == ["You: Hello", "grep running"]
        put_message(execution, 1, says("Done."))
        assert shown(outline) == ["You: Hello", "grep running", "Agent: Done.…"]

    def test_a_call_stands_once_however_many_messages_name_it(self) -> None:
        execution = agent(Message(Role.AGENT, "I look.", calls=("c1",)), uses("c1"))
        put(execution, tool_call("c1", "grep"))
        assert shown(Transcript(execution)) == ["Agent: I look.", "grep pending"]

    def test_only_the_last_text_of_a_running_agent_grows(self) -> None:
        execution = agent(human("Hello"), says("One"))
        outline = Transcript(execution)
        assert shown(outline)[-1] == "Agent: One…"
        put_message(execution, 2, uses("c1"))
        put(execution, tool_call("c1", "grep"))
        assert shown(outline) == ["You: Hello", "Agent: One", "grep pending"]
        put_message(execution, 3, says("Two"))
        assert shown(outline)[-1] == "Two…"
        change(execution, state=RunState.COMPLETED)
        assert shown(outline)[-1] == "Two"

    def test_the_speaker_is_named_again_when_another_one_or_another_model_spoke(self) -> None:
        execution = agent(human("a"), says("b", "scripted"), says("c", "scripted"), says("d", "other"), human("e"))
        assert shown(Transcript(execution)) == ["You: a", "Agent: b", "c", "Agent: d", "You: e"]

    def test_space_is_left_before_what_is_said_and_between_a_question_and_what_is_done_about_it(self) -> None:
        execution = agent(human("Hello"), uses("c1"), uses("c2"), says("Found."), uses("c3"))
        for name in ("c1", "c2", "c3"):
            put(execution, tool_call(name, name))
        outline = Transcript(execution)
        outline.refresh()
        assert [entry.has_gap for entry in outline] == [False, True, False, True, False]

    def test_a_message_without_text_is_not_shown(self) -> None:
        assert shown(Transcript(agent(human("Hello"), says("")))) == ["You: Hello"]

    def test_a_tool_message_of_another_server_that_names_no_call_is_shown_as_text(self) -> None:
        assert shown(Transcript(agent(Message(Role.TOOL, "3 files")))) == ["Tool: 3 files"]

    def test_an_error_stands_at_the_end_whatever_comes_after_it(self) -> None:
        execution = agent(human("Hello"), state=RunState.FAILED)
        change(execution, error="No model")
        outline = Transcript(execution)
        assert shown(outline) == ["You: Hello", "failed: No model"]
        put_message(execution, 1, says("Late."))
        assert shown(outline) == ["You: Hello", "Agent: Late.", "failed: No model"]

    def test_a_failure_before_any_message_is_shown(self) -> None:
        execution = agent(state=RunState.FAILED)
        change(execution, error="No model")
        assert shown(Transcript(execution)) == ["failed: No model"]

    def test_a_completed_conversation_needs_no_ending(self) -> None:
        assert shown(Transcript(agent(human("Hello"), says("Hi"), state=RunState.COMPLETED))) == [
            "You: Hello",
            "Agent: Hi",
        ]


class TestOfAWorkflow:
    def test_tasks_stand_in_the_order_in_which_they_started_and_stay_there(self) -> None:
        first, second = (task(f"/{name}", name, "set") for name in ("first", "second"))
        execution = workflow(first, second)
        outline = Transcript(execution)
        assert shown(outline) == []
        put(execution, replace(second, state=RunState.RUNNING, started_at=at(1)))
        assert shown(outline) == ["second running"]
        put(execution, replace(first, state=RunState.RUNNING, started_at=at(2)))
        put(execution, replace(second, state=RunState.COMPLETED, started_at=at(1), completed_at=at(3)))
        assert shown(outline) == ["second completed", "first running"]

    def test_a_finished_execution_is_shown_in_the_order_of_the_starts_not_of_the_report(self) -> None:
        execution = workflow(
            task("/late", "late", "set", RunState.COMPLETED, started_at=at(9)),
            task("/early", "early", "set", RunState.COMPLETED, started_at=at(1)),
            task("/never", "never", "set", RunState.SKIPPED),
        )
        assert shown(Transcript(execution)) == ["early completed", "late completed"]

    def test_tasks_without_times_stand_as_they_were_reported(self) -> None:
        execution = workflow(task("a", "a", "", RunState.COMPLETED), task("b", "b", "", RunState.RUNNING))
        assert shown(Transcript(execution)) == ["a completed", "b running"]

    def test_a_task_inside_another_is_indented_and_names_its_iteration(self) -> None:
        execution = workflow(
            task("/each/0/charge", "charge", "http", RunState.COMPLETED, "/each", started_at=at(0)),
            task("/each", "each", "for", RunState.RUNNING, started_at=at(0)),
            task("/each/1/charge", "charge", "http", RunState.RUNNING, "/each", started_at=at(5)),
        )
        assert shown(Transcript(execution)) == ["each running", "  0/charge completed", "  1/charge running"]

    def test_the_conversation_of_an_agent_grows_below_its_task(self) -> None:
        execution = workflow(
            task("/ask", "ask", "agent", RunState.RUNNING, started_at=at(0)),
            task("/wait", "wait", "wait", RunState.RUNNING, started_at=at(1)),
        )
        run = graft(execution, "/ask", agent(human("The task's own message"), says("Well", "scripted")))
        outline = Transcript(execution)
        assert shown(outline) == ["ask running", "  Agent: Well…", "wait running"]
        put_message(execution, 2, uses("c1"), run)
        put(execution, tool_call("c1", "grep", state=RunState.RUNNING), scope=run)
        assert shown(outline) == ["ask running", "  Agent: Well", "  grep running", "wait running"]

    def test_a_task_is_shown_as_soon_as_something_happens_in_it(self) -> None:
        execution = workflow(task("/ask", "ask", "agent"))
        outline = Transcript(execution)
        assert shown(outline) == []
        graft(execution, "/ask", agent(human("Go"), says("Well")))
        assert shown(outline) == ["ask pending", "  Well…"]
        put(execution, task("/ask", "ask", "agent", RunState.RUNNING, started_at=at(0)))
        assert shown(outline) == ["ask running", "  Well…"]

    @pytest.mark.parametrize("parents", [("/a", ""), ("/b", "/a"), ("/c", "/a", "/b")], ids=["itself", "two", "three"])
    def test_tasks_that_are_around_each_other_are_shown_once_each(self, parents: tuple[str, ...]) -> None:
        names = "abc"[: len(parents)]
        tasks = [
            task(f"/{name}", name, "set", RunState.RUNNING, parent, started_at=at(number))
            for number, (name, parent) in enumerate(zip(names, parents, strict=True))
        ]
        execution = workflow(*tasks)
        for outline in (Transcript(execution), TaskTree(execution)):
            assert sorted(line.strip() for line in shown(outline)) == [f"{name} running" for name in names]

    def test_the_output_stands_at_the_end(self) -> None:
        execution = workflow(task("/a", "a", "set", RunState.COMPLETED, started_at=at(0)), state=RunState.COMPLETED)
        change(execution, output={"title": "an item"})
        assert shown(Transcript(execution)) == ["a completed", "completed: {'title': 'an item'}"]


def entries(execution: Execution) -> list[Entry]:
    outline = Transcript(execution)
    outline.refresh()
    return list(outline)


class TestEntries:
    def test_a_call_that_is_named_and_not_reported_yet_is_pending(self) -> None:
        execution = agent(human("Hello"), uses("c1"))
        (_, entry) = entries(execution)
        assert isinstance(entry, NodeEntry)
        assert (entry.node.name, entry.node.kind, entry.node.state) == ("c1", NodeKind.TOOL_CALL, RunState.PENDING)
        assert (entry.depth, entry.revision, entry.has_gap) == (0, 0, True)

    def test_what_an_agent_waits_for_stands_at_its_task(self) -> None:
        execution = workflow(task("/ask", "ask", "agent", RunState.RUNNING, started_at=at(0)))
        run = graft(execution, "/ask", agent(human("Go")))
        waiting = ModelWait("claude", at(1), "it is busy")
        execution.apply(PutNode(replace(execution.node(run), waiting=waiting), run[:-1]))
        (entry,) = entries(execution)
        assert isinstance(entry, NodeEntry)
        assert (entry.waiting, entry.is_told_below) == (waiting, False)

    def test_an_error_is_told_by_the_task_in_which_it_happened(self) -> None:
        execution = workflow(
            task("/each", "each", "for", RunState.FAILED, started_at=at(0), error="charge failed: no money"),
            task("/each/0/charge", "charge", "http", RunState.FAILED, "/each", started_at=at(1), error="no money"),
            state=RunState.FAILED,
        )
        change(execution, error="each failed: charge failed: no money")
        each, charge, ending = entries(execution)
        assert isinstance(each, NodeEntry)
        assert isinstance(charge, NodeEntry)
        assert isinstance(ending, EndEntry)
        assert (each.is_told_below, charge.is_told_below, charge.prefix) == (True, False, "0/")
        assert (ending.error, ending.cause, ending.has_gap, ending.depth) == ("", "charge", True, 0)

    def test_an_end_that_stands_alone_has_no_space_before_it(self) -> None:
        execution = agent(state=RunState.FAILED)
        change(execution, error="No model")
        (ending,) = entries(execution)
        assert isinstance(ending, EndEntry)
        assert (ending.has_gap, ending.error, ending.cause) == (False, "No model", "")
        assert ending.revision == execution.root.revision

    def test_the_length_of_a_text_is_that_of_what_is_said(self) -> None:
        execution = agent(human("Hello"), uses("c1"), says("Found it."), state=RunState.FAILED)
        change(execution, error="No model")
        put(execution, tool_call("c1", "grep"))
        outline = Transcript(execution)
        outline.refresh()
        assert [outline.text_length(entry.key) for entry in outline] == [5, 0, 9, 0]

    @pytest.mark.parametrize(("between", "is_named"), [(FAR - 2, False), (FAR - 1, True)])
    def test_who_spoke_far_back_is_named_again(self, between: int, is_named: bool) -> None:
        calls = (uses(f"c{number}") for number in range(between))
        last = entries(agent(says("One"), *calls, says("Two")))[-1]
        assert isinstance(last, MessageEntry)
        assert (last.message.text, last.has_heading) == ("Two", is_named)

    def test_only_the_first_message_of_a_run_below_is_left_out(self) -> None:
        execution = workflow(task("/ask", "ask", "agent", RunState.RUNNING, started_at=at(0)))
        graft(execution, "/ask", agent(human("Given"), says("Which?"), human("This."), state=RunState.COMPLETED))
        assert shown(Transcript(execution)) == ["ask running", "  Which?", "  This."]
        assert [entry.has_gap for entry in entries(execution)] == [False, False, False]

    def test_an_agent_that_speaks_first_is_shown_wherever_it_is(self) -> None:
        execution = workflow(task("/ask", "ask", "agent", RunState.RUNNING, started_at=at(0)))
        graft(execution, "/ask", agent(says("Welcome."), state=RunState.COMPLETED))
        assert shown(Transcript(execution)) == ["ask running", "  Welcome."]

    @pytest.mark.parametrize("state", [RunState.WAITING, RunState.COMPLETED, RunState.CANCELLED])
    def test_the_text_of_an_agent_that_does_not_speak_now_does_not_grow(self, state: RunState) -> None:
        (entry,) = entries(agent(says("One"), state=state))[:1]
        assert isinstance(entry, MessageEntry)
        assert not entry.is_growing

    def test_the_words_of_a_person_do_not_grow(self) -> None:
        (entry,) = entries(agent(human("Hello"), state=RunState.PENDING))
        assert isinstance(entry, MessageEntry)
        assert not entry.is_growing


def test_reasoning_is_named_also_after_a_note() -> None:
    execution = agent(Message(Role.SYSTEM, "asked again"), Message(Role.SYSTEM, "Hm", is_reasoning=True))
    headings = [entry.has_heading for entry in entries(execution) if isinstance(entry, MessageEntry)]
    assert headings == [True, True]
