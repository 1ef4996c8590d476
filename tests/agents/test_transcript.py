"""The transcript: order, what is reported when, and that no secret is in it."""

from __future__ import annotations

from stigmer_tui.agents.texts import RedactedText
from stigmer_tui.agents.transcript import NOT_ENDED, TranscriptRecorder
from stigmer_tui.api.agent_execution_pb2 import AgentExecutionStatus, MessageType, ToolCall, ToolCallStatus
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.core.redaction import Redactor

SECRET = "sk-1234567890"


def transcript(*secrets: str) -> TranscriptRecorder:
    return TranscriptRecorder(Redactor(secrets))


def taken(transcript: TranscriptRecorder) -> AgentExecutionDelta:
    delta = transcript.take()
    assert delta is not None
    return delta


def test_begins_with_the_phase_the_time_and_what_the_person_said() -> None:
    it = transcript()
    it.begin("Hello", "10:00")
    delta = taken(it)
    assert (Phase(delta.phase), delta.started_at) == (Phase.IN_PROGRESS, "10:00")
    assert [(change.index, change.message.content) for change in delta.messages] == [(0, "Hello")]
    assert it.take() is None


def test_growing_text_is_reported_by_its_tail() -> None:
    it = transcript()
    it.begin("Hello", "10:00")
    it.start_message("scripted", "10:01")
    it.append_text("One ")
    taken(it)
    it.append_text("two ")
    it.append_text("three")
    (change,) = taken(it).messages
    assert (change.index, change.tail.keep, change.tail.text) == (1, 4, "two three")


def test_an_answer_says_what_wrote_it_and_what_it_cost() -> None:
    it = transcript()
    it.start_message("claude", "10:01")
    it.append_text("Hi")
    taken(it)
    it.end_message({"output_tokens": 7})
    (change,) = taken(it).messages
    assert to_data(change.message.metadata) == {"model": "claude", "output_tokens": 7}
    assert change.message.content == "Hi"


def test_a_character_that_arrives_in_halves_is_shown_whole() -> None:
    text = RedactedText(Redactor())
    shown = []
    for piece in ("a\ud83d", "\ude00b", "\ud83d"):
        text.add(piece)
        shown.append(text.take())
    assert [*shown, text.take(complete=True)] == ["a", "😀b", "", "�"]


def test_a_call_stands_in_its_message_and_in_the_list_of_calls() -> None:
    it = transcript()
    it.call("c1", "ls", "10:00", {"path": "/", "depth": 2})
    it.start_call("c1", "10:01")
    it.complete_call("c1", "a.txt", "10:02")
    delta = taken(it)
    (call,) = delta.tool_calls
    assert (call.name, to_data(call.args), call.result) == ("ls", {"path": "/", "depth": 2}, "a.txt")
    assert (call.status, call.started_at, call.completed_at) == (ToolCallStatus.TOOL_CALL_COMPLETED, "10:01", "10:02")
    assert delta.messages[0].message.tool_calls[0] == call


def test_calls_that_are_open_at_the_end_have_failed() -> None:
    it = transcript()
    it.call("c1", "ls", "10:00")
    it.call("c2", "ls", "10:00")
    it.complete_call("c1", "", "10:01")
    it.end("cancelled", "10:02")
    first, second = taken(it).tool_calls
    assert (first.error, second.error) == ("", "cancelled")
    assert second.status == ToolCallStatus.TOOL_CALL_FAILED
    assert it.open_calls() == []


def test_what_the_model_thinks_is_apart_from_what_it_says() -> None:
    it = transcript()
    it.start_reasoning("10:00")
    it.append_text("Hm, ")
    it.append_text("tea.")
    it.end_message()
    it.start_message("claude", "10:01")
    it.append_text("Assam")
    thought, said = (change.message for change in taken(it).messages)
    assert (thought.type, thought.content) == (MessageType.MESSAGE_SYSTEM, "Hm, tea.")
    assert to_data(thought.metadata) == {"reasoning": True}
    assert (said.content, it.answer) == ("Assam", "")
    it.end_message()
    assert it.answer == "Assam"


def test_what_a_call_puts_out_is_reported_as_it_grows_and_kept_when_it_is_interrupted() -> None:
    it = transcript()
    it.call("c1", "execute", "10:00")
    it.start_call("c1", "10:01")
    it.add_output("c1", "one\n")
    assert taken(it).outputs[0].text == "one\n"
    it.add_output("c1", "two\n")
    delta = taken(it)
    assert (delta.outputs[0].before, delta.outputs[0].text, len(delta.tool_calls)) == (4, "two\n", 0)
    it.end("cancelled", "10:02")
    (call,) = taken(it).tool_calls
    assert (call.error, call.result) == ("cancelled", f"one\ntwo\n{NOT_ENDED}")


def test_what_a_call_has_put_out_survives_its_runner() -> None:
    running = ToolCall(id="c1", name="execute", status=ToolCallStatus.TOOL_CALL_RUNNING, result="end of it\n")
    running.component_metadata.metadata["left_out"] = 2_000
    it = transcript()
    it.begin("Hello", "10:00", AgentExecutionStatus(tool_calls=[running]))
    it.call("c1", "execute", "11:00")
    it.fail_call("c1", "interrupted", "11:01")
    (call,) = taken(it).tool_calls
    assert call.result == f"\u2026 2.0 k characters left out \u2026\nend of it\n{NOT_ENDED}"
    assert "left_out" not in call.component_metadata.metadata


def test_a_call_that_ends_has_its_result_alone() -> None:
    it = transcript()
    it.call("c1", "execute", "10:00")
    it.add_output("c1", "one\n")
    it.complete_call("c1", "one\n[exit code 0]", "10:02")
    delta = taken(it)
    assert (len(delta.outputs), delta.tool_calls[0].result) == (0, "one\n[exit code 0]")


def test_a_call_is_shown_while_its_arguments_are_being_written() -> None:
    it = transcript()
    it.start_message("claude", "10:00")
    it.append_text("Let me ")
    it.call("c1", "write_file", "10:01")
    it.append_text("see.")
    first = taken(it)
    assert [change.message.content for change in first.messages] == ["Let me see.", ""]
    assert first.tool_calls[0].status == ToolCallStatus.TOOL_CALL_PENDING
    it.call("c1", "write_file", "10:02", {"content": "x" * 30_000})
    (call,) = taken(it).tool_calls
    assert to_data(call.args)["content"] == "x" * 20_000 + "… (cut here; 30 k characters in all)"


def test_what_an_earlier_runner_has_reported_is_replaced_or_stays_as_failed() -> None:
    known = AgentExecutionStatus()
    earlier = transcript()
    earlier.begin("Hello", "10:00")
    earlier.start_message("claude", "10:01")
    earlier.append_text("I wri")
    for call_id in ("c1", "c2"):
        earlier.call(call_id, "write_file", "10:02")
    for change in taken(earlier).messages:
        known.messages.append(change.message)
        known.tool_calls.extend(change.message.tool_calls)

    it = transcript()
    it.begin("Hello", "10:00", known)
    it.call("c3", "ls", "11:00")
    it.complete_call("c3", "", "11:01")
    it.end("cut off", "11:02")
    delta = taken(it)
    assert [change.index for change in delta.messages] == [0, 1, 2, 3]
    assert [[call.id for call in change.message.tool_calls] for change in delta.messages] == [
        [],
        ["c3"],
        ["c1"],
        ["c2"],
    ]
    assert {call.id: call.error for call in delta.tool_calls} == {"c1": "cut off", "c2": "cut off", "c3": ""}


def test_secrets_are_redacted_everywhere() -> None:
    it = transcript(SECRET)
    it.begin(f"use {SECRET}", "10:00")
    it.note(f"note {SECRET}", "10:00")
    it.start_message("scripted", "10:00")
    it.append_text(f"said {SECRET}.")
    it.end_message()
    it.call("c1", "execute", "10:00", {"command": f"curl -H {SECRET}", "list": [SECRET]})
    it.complete_call("c1", f"got {SECRET}", "10:00")
    it.call("c2", "ls", "10:00")
    it.fail_call("c2", f"no {SECRET}", "10:00")
    text = str(taken(it))
    assert SECRET not in text
    assert text.count("[REDACTED]") == 11


def test_a_secret_that_arrives_in_pieces_is_never_shown_in_part() -> None:
    it = transcript(SECRET)
    it.start_message("scripted", "10:00")
    shown = ""
    for piece in (*f"The key is {SECRET}, or sk-1", "2"):
        it.append_text(piece)
        for change in (it.take() or AgentExecutionDelta()).messages:
            shown += change.message.content or change.tail.text
        assert "sk-1" not in shown
    it.end_message()
    shown += taken(it).messages[0].tail.text
    assert shown == "The key is [REDACTED], or sk-12"


def test_17_a_growing_text_is_put_into_its_message_once() -> None:
    """A message keeps the room of every text that it had."""
    transcript = TranscriptRecorder(Redactor())
    transcript.begin("Hello", "")
    transcript.start_message("model", "")
    for number in range(100):
        transcript.append_text(f"{number} ")
        delta = transcript.take()
        assert delta is not None
    assert transcript._messages[-1].content == ""
    transcript.end_message()
    assert transcript._messages[-1].content.startswith("0 1 2 ")
