"""Sub-agents: conversations of their own, durable, at the same time, in scripts too (`docs/compatibility.md` 78)."""

from __future__ import annotations

import asyncio

import pytest

from stigmer_tui.api.agent_execution_pb2 import SubAgentStatus, ToolCallStatus
from stigmer_tui.api.agent_pb2 import AgentSpec, SubAgent
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.core.run_limits import RunLimits, read_limits
from stigmer_tui.definition import extensions
from stigmer_tui.runners.lease import StopReason
from tests.agents.conftest import EXECUTION, Agents, assignment
from tests.agents.ledger import Ledger
from tests.agents.test_resume import CutJournal
from tests.agents.waiting import exists

INSTRUCTIONS = "Hand on what you are asked."
READER = SubAgent(name="reader", description="Reads files.", instructions="Read what you are told to.")
SPEC = AgentSpec(instructions=INSTRUCTIONS, sub_agents=[READER])

SCRIPT = """
delay: 0
turns:
  - say: I ask the reader.
    call: {task: {subagent_type: reader, description: "Read /a.txt"}}
  - say: "It says: {{result}}"
sub_agents:
  reader:
    turns:
      - say: I look.
        call:
          - write_file: {file_path: /a.txt, content: hello}
          - read_file: {file_path: /a.txt}
      - say: "{{message}}: {{read_file}}"
"""


async def test_78_a_sub_agent_has_a_conversation_of_its_own(agents: Agents) -> None:
    ledger = await agents.run(assignment(SCRIPT, agent=SPEC))
    assert ledger.answers == ["I ask the reader.", "It says: Read /a.txt: hello"]
    assert ledger.kinds == ["HUMAN", "AI", "TOOL", "AI"]
    [call], [part] = ledger.calls, ledger.status.sub_agent_executions
    assert (part.id, part.name, part.input, part.output) == (call.id, "reader", "Read /a.txt", "Read /a.txt: hello")
    assert part.status == SubAgentStatus.SUB_AGENT_COMPLETED
    assert part.started_at < part.completed_at
    own = agents.parts[call.id]
    assert to_data(part.metadata) == {"child": f"{EXECUTION}-{call.id}"}
    assert own.answers == ["I look.", "Read /a.txt: hello"]
    assert [each.name for each in own.calls] == ["write_file", "read_file"]
    assert own.phase is Phase.COMPLETED
    [request] = agents.sub_agents
    assert request.agent.spec.instructions == READER.instructions


UNTIL_SEEN = """
delay: 0
turns:
  - call: {task: {subagent_type: reader, description: "Wait"}}
  - say: "{{result}}"
sub_agents:
  reader:
    turns:
      - call: {execute: {command: "until [ -e seen ]; do sleep 0.01; done"}}
      - say: Seen.
"""


async def test_78_states_of_a_sub_agent_are_reported_as_they_change(agents: Agents) -> None:
    def states(ledger: Ledger) -> list[int]:
        return [part.status for delta in ledger.reports for part in delta.sub_agents]

    ledger = Ledger()
    lease = agents.start(assignment(UNTIL_SEEN, agent=SPEC), ledger)
    assert lease.task is not None
    await ledger.until(lambda ledger: SubAgentStatus.SUB_AGENT_IN_PROGRESS in states(ledger))
    (agents.folder / "seen").touch()
    await lease.task
    assert states(ledger)[-1] == SubAgentStatus.SUB_AGENT_COMPLETED


TWO = """
delay: 0
turns:
  - call:
      - task: {subagent_type: reader, description: "one"}
      - task: {description: "two"}
  - say: Done.
sub_agents:
  reader:
    turns:
      - call: {execute: {command: "touch one; until test -e two; do sleep 0.01; done"}}
      - say: one
  general-purpose:
    turns:
      - call: {execute: {command: "touch two; until test -e one; do sleep 0.01; done"}}
      - say: two
"""


async def test_several_work_at_the_same_time(agents: Agents) -> None:
    ledger = await agents.run(assignment(TWO, agent=SPEC))
    assert [call.result for call in ledger.calls] == ["one", "two"]
    # Whichever begins first is reported first.
    assert {part.name for part in ledger.status.sub_agent_executions} == {"reader", "general-purpose"}


FAILING = """
delay: 0
turns:
  - call:
      - task: {subagent_type: nobody, description: "one"}
      - task: {subagent_type: reader, description: "two"}
  - say: Done.
"""


async def test_what_fails_is_an_error_of_the_call(agents: Agents) -> None:
    ledger = await agents.run(assignment(FAILING, agent=SPEC))
    unknown, without_script = ledger.calls
    assert unknown.error == "There is no sub-agent 'nobody'; there are: general-purpose, reader"
    assert without_script.error.startswith("reader has no script to play")
    assert ledger.phase is Phase.COMPLETED
    failed = SubAgentStatus.SUB_AGENT_FAILED
    assert [part.status for part in ledger.status.sub_agent_executions] == [failed, failed]


DEEP = """
delay: 0
turns:
  - call: {task: {description: "one"}}
  - say: "{{result}}"
sub_agents:
  general-purpose:
    turns:
      - call: {task: {description: "two"}}
      - say: "{{result}}"
    sub_agents:
      general-purpose:
        turns:
          - call: {task: {description: "three"}}
          - say: "{{result}}"
"""


async def test_sub_agents_have_sub_agents_up_to_a_limit(agents: Agents) -> None:
    await agents.run(assignment(DEEP))
    assert "task" in agents.parts["call-1-0-call-1-0"].calls[0].error
    assert [request.message for request in agents.sub_agents] == ["one", "two"]


WAITING = """
delay: 0
turns:
  - call: {task: {description: "wait"}}
  - say: Done.
sub_agents:
  general-purpose:
    turns:
      - say: I wait.
        call: {execute: {command: "touch waiting; sleep 1000"}}
"""


async def test_cancel_reaches_a_sub_agent(agents: Agents) -> None:
    ledger = Ledger()
    lease = agents.start(assignment(WAITING), ledger)
    await exists(agents.folder / "waiting")
    lease.stop(StopReason.CANCELLED, "enough")
    assert lease.task is not None
    async with asyncio.timeout(60):
        await lease.task
    [part] = agents.parts.values()
    assert (ledger.phase, part.phase) == (Phase.CANCELLED, Phase.CANCELLED)
    assert part.answers == ["I wait."]
    assert part.calls[0].status == ToolCallStatus.TOOL_CALL_FAILED
    assert ledger.status.sub_agent_executions[0].status == SubAgentStatus.SUB_AGENT_FAILED


async def test_the_limits_of_the_run_are_those_of_each_sub_agent_and_the_schema_is_not(agents: Agents) -> None:
    annotations = {extensions.LIMITS: '{"steps": 5}', extensions.OUTPUT: '{"type": "object"}'}
    script = SCRIPT.replace('"It says: {{result}}"', "'{}'")
    run = assignment(script, agent=SPEC, annotations=annotations)
    run.agent.execution.metadata.annotations[extensions.LIMITS] = '{"cost": 1}'
    await agents.run(run)
    [request] = agents.sub_agents
    own = request.agent.metadata.annotations
    assert read_limits(own[extensions.LIMITS]) == RunLimits(steps=5, cost=1)
    assert extensions.OUTPUT not in own


LOGGING = """
delay: 0
turns:
  - call: {task: {description: "Write it down"}}
  - say: "{{result}}"
sub_agents:
  general-purpose:
    turns:
      - say: I write.
        call: {execute: {command: "echo one >> log.txt"}}
      - call: {read_file: {file_path: /log.txt}}
      - say: "It is written: {{message}}"
"""

WRITES = 8
"""Three turns of the sub-agent and two of its agent, the beginning and the end of the command, and what the sub-agent
has spent."""


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(WRITES))
async def test_a_run_that_is_cut_off_anywhere_does_nothing_twice(agents: Agents, number: int, before: bool) -> None:
    cut = CutJournal(agents.journal, number, before)
    ledger = Ledger()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents, "journal", cut)
        lease = agents.start(assignment(LOGGING), ledger)
    assert lease.task is not None
    async with asyncio.timeout(60):
        await cut.died.wait()
    lease.stop(StopReason.LOST)
    cut.gone.set()
    await asyncio.wait([lease.task])

    following = agents.start(assignment(LOGGING, attempt=2, status=ledger.status), ledger)
    assert following.task is not None
    async with asyncio.timeout(60):
        await following.task
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["It is written: Write it down"])
    log = agents.folder / "log.txt"
    has_begun = cut.at == "begin call/call-1-0" and not before
    assert not log.exists() if has_begun else log.read_text() == "one\n"
    [part], [own] = ledger.status.sub_agent_executions, agents.parts.values()
    assert part.status == SubAgentStatus.SUB_AGENT_COMPLETED
    assert to_data(part.metadata) == {"child": f"{EXECUTION}-{part.id}"}
    assert own.answers == ["I write.", "It is written: Write it down"]
    assert {request.key for request in agents.sub_agents} == {part.id}


async def test_a_sub_agent_that_has_ended_is_not_run_again(agents: Agents) -> None:
    """Its agent was killed before the end of the call was in the journal."""
    await agents.run(assignment(LOGGING))
    ledger = Ledger()
    lease = agents.start(assignment(LOGGING, attempt=2), ledger)
    assert lease.task is not None
    async with asyncio.timeout(60):
        await lease.task
    assert ledger.answers == ["It is written: Write it down"]
    assert (agents.folder / "log.txt").read_text() == "one\n"
