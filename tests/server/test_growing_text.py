"""Point 17: what a long text costs grows with the text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentMessage, ToolCall, ToolCallStatus
from stigmer_tui.api.call_outputs import output_of
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, CallOutput, MessageDelta, TextTail
from stigmer_tui.core.output_tail import MAX_TAIL
from stigmer_tui.server.execution_state import AgentExecutionState, GrowingText


@given(st.text(max_size=5), st.lists(st.tuples(st.integers(0, 30), st.text(max_size=5))), st.integers(0, 40))
def test_it_is_the_text_that_its_changes_make(first: str, changes: list[tuple[int, str]], start: int) -> None:
    text, expected = GrowingText(first), first
    for keep, tail in changes:
        assert text.change(keep, tail) == (keep < len(expected))
        expected = expected[:keep] + tail
        assert (text.length, text.since(start)) == (len(expected), expected[start:])
    assert text.whole() == expected


def grown(pieces: int) -> AgentExecutionState:
    """A state with a message of so many pieces of 100 characters, and a reader who has seen each of them."""
    state = AgentExecutionState(AgentExecution(), 0)
    state.apply(AgentExecutionDelta(messages=[MessageDelta(index=0, message=AgentMessage(content=""))]))
    cursor = state.cursor()
    for number in range(pieces):
        tail = TextTail(keep=number * 100, text=f"{number:100}")
        state.apply(AgentExecutionDelta(messages=[MessageDelta(index=0, tail=tail)]))
        assert state.since(cursor).messages[0].tail == tail
    return state


def test_17_a_message_does_not_keep_the_texts_that_it_had() -> None:
    """Its text is put into it when somebody asks for all of it, or when the next message begins."""
    state = grown(pieces=1000)
    assert state.unfinished.status.messages[0].content == ""
    assert len(state.execution.status.messages[0].content) == 100_000
    state.apply(AgentExecutionDelta(messages=[MessageDelta(index=0, tail=TextTail(keep=100_000, text="."))]))
    state.apply(AgentExecutionDelta(messages=[MessageDelta(index=1, message=AgentMessage(content="next"))]))
    assert state.unfinished.status.messages[0].content.endswith("999.")


def running_call() -> AgentExecutionState:
    state = AgentExecutionState(AgentExecution(), 0)
    call = ToolCall(id="c1", status=ToolCallStatus.TOOL_CALL_RUNNING)
    state.apply(
        AgentExecutionDelta(
            messages=[MessageDelta(index=0, message=AgentMessage(tool_calls=[call]))], tool_calls=[call]
        )
    )
    return state


def put_out(state: AgentExecutionState, before: int, text: str) -> None:
    state.apply(AgentExecutionDelta(outputs=[CallOutput(call_id="c1", before=before, text=text)]))


def test_readers_get_what_they_lack_of_an_output() -> None:
    state = running_call()
    first = state.cursor()
    put_out(state, 0, "one\n")
    second = state.cursor()
    put_out(state, 4, "two\n")
    assert [(each.before, each.text) for each in state.since(first).outputs] == [(0, "one\ntwo\n")]
    assert [(each.before, each.text) for each in state.since(second).outputs] == [(4, "two\n")]
    assert not state.since(second).outputs
    assert state.execution.status.messages[0].tool_calls[0].result == "one\ntwo\n"


def test_of_a_long_output_the_end_is_kept() -> None:
    state = running_call()
    cursor = state.cursor()
    for number in range(100):
        put_out(state, number * 1000, "x" * 1000)
    (output,) = state.since(cursor).outputs
    assert (output.before, len(output.text)) == (100_000 - MAX_TAIL, MAX_TAIL)
    assert output_of(state.execution.status.tool_calls[0]).end == 100_000


def test_the_result_takes_the_place_of_the_output() -> None:
    state = running_call()
    cursor = state.cursor()
    put_out(state, 0, "one\n")
    done = ToolCall(id="c1", status=ToolCallStatus.TOOL_CALL_COMPLETED, result="all")
    state.apply(AgentExecutionDelta(tool_calls=[done]))
    delta = state.since(cursor)
    assert (list(delta.tool_calls), len(delta.outputs)) == ([done], 0)
