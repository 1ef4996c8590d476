"""Agents with MCP servers: real programs, real HTTP. Numbers are those of `docs/compatibility.md`."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from stigmer_tui.agents.mcp.surroundings import ServerLimits
from stigmer_tui.api.agent_execution_pb2 import ToolCallStatus
from stigmer_tui.api.agent_pb2 import AgentSpec, DockerServer, HttpServer, McpServerDefinition, StdioServer
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.runners.lease import StopReason
from tests.agents.conftest import EXECUTION, Agents, assignment
from tests.agents.ledger import Ledger
from tests.agents.mcp_http import served

ROOT = Path(__file__).parents[2]
COMPLETED = ToolCallStatus.TOOL_CALL_COMPLETED
FAILED = ToolCallStatus.TOOL_CALL_FAILED


def notes(name: str = "notes", enabled: tuple[str, ...] = (), **variables: str) -> McpServerDefinition:
    """The server of the tests, as a program."""
    environment = {"PYTHONPATH": str(ROOT), **variables}
    stdio = StdioServer(command=sys.executable, args=["-m", "tests.agents.mcp_server"], env_placeholders=environment)
    return McpServerDefinition(name=name, stdio=stdio, enabled_tools=enabled)


def program(code: str, name: str = "odd") -> McpServerDefinition:
    """A server that is no good."""
    stdio = StdioServer(command=sys.executable, args=["-c", textwrap.dedent(code)])
    return McpServerDefinition(name=name, stdio=stdio)


def spec(*servers: McpServerDefinition) -> AgentSpec:
    return AgentSpec(instructions="Answer in one sentence.", mcp_servers=servers)


def calling(*calls: str, say: str = "{{result}}") -> str:
    turns = "".join(f"  - call: {call}\n" for call in calls)
    return f"delay: 0\nturns:\n{turns}  - say: '{say}'\n"


def results(ledger: Ledger) -> list[str]:
    assert ledger.phase is Phase.COMPLETED, ledger.status.error
    return [call.result for call in ledger.calls]


async def test_77_a_tool_of_a_server_is_called_like_any_other(agents: Agents) -> None:
    ledger = await agents.run(assignment(calling("{add: {a: 2, b: 3}}", say="It is {{add}}."), agent=spec(notes())))
    (call,) = ledger.calls
    assert (call.name, call.status, call.result) == ("add", COMPLETED, "5")
    assert to_data(call.args) == {"a": 2, "b": 3}
    assert ledger.answers == ["It is 5."]
    assert ledger.phase is Phase.COMPLETED


async def test_77_only_enabled_tools_can_be_called(agents: Agents) -> None:
    script = calling("{folder: {}}", "{add: {a: 1, b: 1}}")
    ledger = await agents.run(assignment(script, agent=spec(notes(enabled=("add",)))))
    assert [call.status for call in ledger.calls] == [FAILED, COMPLETED]
    assert "There is no tool 'folder'" in ledger.calls[0].error


async def test_77_variables_come_from_the_run_and_only_those_that_are_named(agents: Agents) -> None:
    script = calling("{variable: {name: T}}", "{variable: {name: OTHER}}", "{variable: {name: RUNNER_KEY}}")
    agents.environment = {**agents.environment, "RUNNER_KEY": "of the runner"}
    given = assignment(script, agent=spec(notes(T="t is ${T}")), environment={"T": "seven", "OTHER": "not for it"})
    assert results(await agents.run(given)) == ["t is seven", "not set", "not set"]


async def test_secrets_do_not_leave_the_run(agents: Agents) -> None:
    given = assignment(calling("{variable: {name: T}}"), agent=spec(notes(T="${T}")), secrets={"T": "s3cret-token"})
    ledger = await agents.run(given)
    assert results(ledger) == ["[REDACTED]"]
    assert "s3cret-token" not in str(ledger.reports)


async def test_what_a_server_writes_is_redacted_in_errors_even_where_it_is_cut(agents: Agents) -> None:
    server = program("import sys; sys.exit('x' * 495 + sys.argv[1])")
    server.stdio.args.append("${T}")
    given = assignment(calling("{add: {}}"), agent=spec(server), secrets={"T": "s3cret-token"})
    ledger = await agents.run(given)
    assert "xxx[REDACTED] …" in ledger.status.error
    assert "s3cre" not in ledger.status.error


async def test_a_variable_that_is_missing_is_said_before_anything_starts(agents: Agents) -> None:
    ledger = await agents.run(assignment(calling("{add: {}}"), agent=spec(notes(T="${TOKEN}"))))
    assert ledger.status.error == "The MCP server notes needs the variable TOKEN, which this run has not"
    assert not agents.folder.exists()


async def test_a_server_starts_in_the_working_folder_or_in_its_own(agents: Agents, tmp_path: Path) -> None:
    other = notes("other")
    other.stdio.working_dir = str(tmp_path)
    script = calling("{notes_folder: {}}", "{other_folder: {}}")
    ledger = await agents.run(assignment(script, agent=spec(notes(), other)))
    assert results(ledger) == [str(agents.folder), str(tmp_path)]


async def test_tools_of_the_same_name_are_told_apart_and_built_in_ones_keep_theirs(agents: Agents) -> None:
    script = calling(
        "{first_add: {a: 1, b: 1}}", "{second_add: {a: 2, b: 2}}", "{first_ls: {path: x}}", "{ls: {path: /}}"
    )
    ledger = await agents.run(assignment(script, agent=spec(notes("first"), notes("second"))))
    assert results(ledger) == ["2", "4", "listing of x", "/ is empty"]


SUB_AGENT_WITH_ONE = """
delay: 0
turns:
  - call: {first_add: {a: 1, b: 1}}
  - call: {task: {subagent_type: adder, description: "Add"}}
  - say: "{{task}}"
sub_agents:
  adder:
    turns:
      - call: {second_add: {a: 2, b: 2}}
      - say: "{{result}}"
"""


async def test_a_tool_has_the_same_name_in_a_sub_agent_that_has_only_one_of_the_servers(agents: Agents) -> None:
    """So that an approval of `second_add` holds there, too."""
    with_sub_agent = spec(notes("first"), notes("second"))
    adder = with_sub_agent.sub_agents.add(name="adder", description="Adds", instructions="Add what you are given.")
    adder.mcp_servers.append("second")
    ledger = await agents.run(assignment(SUB_AGENT_WITH_ONE, agent=with_sub_agent))
    assert results(ledger) == ["2", "4"]


async def test_a_tool_that_fails_is_a_failed_call_and_the_run_goes_on(agents: Agents) -> None:
    ledger = await agents.run(assignment(calling("{fail: {}}", "{add: {a: x}}"), agent=spec(notes())))
    first, second = ledger.calls
    assert (first.status, second.status) == (FAILED, FAILED)
    assert "no luck today" in first.error
    assert "valid" in second.error
    assert ledger.phase is Phase.COMPLETED


async def test_a_server_that_dies_during_a_call_fails_it_and_is_started_again_for_the_next(agents: Agents) -> None:
    ledger = await agents.run(assignment(calling("{die: {}}", "{add: {a: 1, b: 2}}"), agent=spec(notes())))
    died, after = ledger.calls
    assert died.status == FAILED
    assert died.error.startswith("The MCP server notes was lost during the call: it ended with exit code 3\n")
    assert "I am dying" in died.error
    assert after.result == "3"


async def test_a_list_that_changes_is_known_in_the_next_turn(agents: Agents) -> None:
    ledger = await agents.run(assignment(calling("{grow: {}}", "{grown: {}}"), agent=spec(notes())))
    assert results(ledger) == ["grown", "here I am"]


async def test_a_long_result_is_cut_and_one_that_is_too_long_is_an_error(agents: Agents) -> None:
    script = calling("{large: {size: 100000}}", "{large: {size: 10000000}}", "{add: {a: 1, b: 1}}")
    ledger = await agents.run(assignment(script, agent=spec(notes())))
    cut, refused, after = ledger.calls
    assert "characters left out" in cut.result
    assert len(cut.result) < 61_000
    assert refused.status == FAILED
    assert "it sent a message of more than 4.0 MB" in refused.error
    assert after.result == "2"


async def test_nothing_of_a_server_is_left_when_the_run_has_ended(agents: Agents) -> None:
    ledger = await agents.run(assignment(calling("{process: {}}"), agent=spec(notes())))
    assert not any(map(psutil.pid_exists, map(int, results(ledger)[0].split())))


async def test_nothing_of_a_server_is_left_when_the_run_is_cancelled(agents: Agents) -> None:
    script = "turns: [{call: {process: {}}}, {pause: 600, say: no}]"
    ledger = Ledger()
    lease = agents.start(assignment(script, agent=spec(notes())), ledger)
    async with asyncio.timeout(30):
        await ledger.until(lambda ledger: any(call.result for call in ledger.calls))
    lease.stop(StopReason.CANCELLED, "enough")
    assert lease.task is not None
    await lease.task
    assert ledger.phase is Phase.CANCELLED
    assert not any(map(psutil.pid_exists, map(int, ledger.calls[0].result.split())))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import sys; sys.exit('cannot find my config')", ["it ended with exit code 1", "cannot find my config"]),
        ("for i in range(2000): print('hello')", ["does not write MCP messages", "not a message: hello"]),
        ("print('x' * 5_000_000)", ["it sent a message of more than 4.0 MB"]),
        ("import time; time.sleep(600)", ["it was not ready within 1"]),
        ("print('hi', flush=True); import time; time.sleep(600)", ["it was not ready within 1", "not a message: hi"]),
    ],
)
async def test_a_server_that_does_not_come_up_fails_the_run_and_says_why(
    agents: Agents, code: str, expected: list[str]
) -> None:
    if "sleep" in code:
        agents.server_limits = ServerLimits(start=1)
    ledger = await agents.run(assignment(calling("{add: {}}"), agent=spec(program(code))))
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error.startswith("The MCP server odd did not come up: ")
    assert sys.executable in ledger.status.error
    for text in expected:
        assert text in ledger.status.error
    assert ledger.kinds == ["HUMAN"]


BAD = {
    "garbage": "while True: print('x' * 100_000)",
    "silence": "import time; time.sleep(600)",
    "one endless message": "import sys\nwhile True: sys.stdout.write('x' * 100_000)",
    "noise on the side": "import sys\nwhile True: sys.stderr.write('x' * 100_000)",
}


@pytest.mark.parametrize("code", BAD.values(), ids=BAD)
async def test_a_bad_server_harms_no_other_run(agents: Agents, code: str) -> None:
    agents.server_limits = ServerLimits(start=1)
    ledgers = [Ledger(), Ledger()]
    bad = assignment(calling("{add: {}}"), agent=spec(program(code)), execution_id=f"{EXECUTION}-bad")
    good = assignment(calling("{ls: {path: /}}", "{ls: {path: /}}"), execution_id=f"{EXECUTION}-good")
    leases = [agents.start(work, ledger) for work, ledger in zip((bad, good), ledgers, strict=True)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(lease.task for lease in leases if lease.task))
    assert [ledger.phase for ledger in ledgers] == [Phase.FAILED, Phase.COMPLETED]
    assert ledgers[0].status.error.startswith("The MCP server odd did not come up: ")


async def test_a_program_that_is_not_there(agents: Agents) -> None:
    missing = McpServerDefinition(name="gone", stdio=StdioServer(command="no-such-program"))
    ledger = await agents.run(assignment(calling("{add: {}}"), agent=spec(missing)))
    assert ledger.status.error == (
        "The MCP server gone did not come up: it ended with exit code 127\n"
        "  no-such-program\n  no-such-program: No such file or directory"
    )


async def test_an_enabled_tool_that_the_server_has_not(agents: Agents) -> None:
    ledger = await agents.run(assignment(calling("{add: {}}"), agent=spec(notes(enabled=("ad", "add")))))
    assert "it has no tool ad; its tools: add, append, die" in ledger.status.error


async def test_servers_start_at_the_same_time_and_all_are_gone_when_one_fails(agents: Agents) -> None:
    servers = [notes("one"), program("import sys; sys.exit(4)"), notes("two")]
    ledger = await agents.run(assignment(calling("{add: {}}"), agent=spec(*servers)))
    assert ledger.status.error.startswith("The MCP server odd did not come up: it ended with exit code 4")
    own = psutil.Process(os.getpid()).children(recursive=True)
    assert not [child for child in own if "tests.agents.mcp_server" in " ".join(child.cmdline())]


async def test_streamable_http_with_headers_and_query(agents: Agents) -> None:
    async with served("streamable") as server:
        http = HttpServer(url=server.url, headers={"x-token": "Bearer ${T}"}, query_params={"team": "${TEAM}"})
        agent = spec(McpServerDefinition(name="web", http=http))
        given = assignment(
            calling("{add: {a: 4, b: 4}}"), agent=agent, secrets={"T": "s3cret"}, environment={"TEAM": "a b"}
        )
        assert results(await agents.run(given)) == ["8"]
        posts = [request for request in server.requests if request["method"] == "POST"]
        assert posts
        assert {request["headers"]["x-token"] for request in posts} == {"Bearer s3cret"}
        assert {request["query"] for request in posts} == {"team=a+b"}


async def test_a_server_that_speaks_only_sse(agents: Agents) -> None:
    async with served("sse") as server:
        agent = spec(McpServerDefinition(name="web", http=HttpServer(url=server.url)))
        ledger = await agents.run(assignment(calling("{add: {a: 4, b: 5}}"), agent=agent))
        assert results(ledger) == ["9"]


async def test_an_address_where_nobody_listens(agents: Agents) -> None:
    agent = spec(McpServerDefinition(name="web", http=HttpServer(url="http://127.0.0.1:9/mcp")))
    ledger = await agents.run(assignment(calling("{add: {}}"), agent=agent))
    assert ledger.status.error.startswith("The MCP server web did not come up: ")
    assert "http://127.0.0.1:9/mcp" in ledger.status.error
    assert "onnect" in ledger.status.error


async def test_without_docker_one_sentence_says_so_before_anything_starts(agents: Agents) -> None:
    agents.environment = {"PATH": "/nonexistent"}
    agent = spec(McpServerDefinition(name="box", docker=DockerServer(image="mcp/fetch")))
    ledger = await agents.run(assignment(calling("{add: {}}"), agent=agent))
    assert ledger.status.error == (
        "The MCP server box needs Docker, and there is no program docker in the PATH of the daemon"
    )
    assert ledger.kinds == ["HUMAN"]


@pytest.fixture
def docker(tmp_path: Path, agents: Agents) -> Path:
    """A stand-in that runs the server of the tests instead of an image; returns the file with what it was told."""
    told = tmp_path / "docker-told"
    script = tmp_path / "bin" / "docker"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {told}\n'
        f'[ "$1" = run ] && PYTHONPATH={ROOT} exec {sys.executable} -m tests.agents.mcp_server\n'
        "exit 0\n"
    )
    script.chmod(0o755)
    agents.environment = {"PATH": f"{script.parent}:{os.environ['PATH']}"}
    return told


async def test_docker_is_told_everything_and_values_stay_out_of_its_command_line(agents: Agents, docker: Path) -> None:
    server = DockerServer(
        image="mcp/fetch:1",
        args=["--verbose"],
        env_placeholders={"T": "${T}"},
        network="none",
        container_name="fetcher",
    )
    server.volumes.add(host_path="/data", container_path="/in", read_only=True)
    server.ports.add(host_port=8080, container_port=80)
    agent = spec(McpServerDefinition(name="box", docker=server))
    given = assignment(calling("{variable: {name: T}}"), agent=agent, environment={"T": "seven"})
    assert results(await agents.run(given)) == ["seven"]
    version, run, removed = docker.read_text().splitlines()  # noqa: ASYNC240 - a line
    assert version.startswith("version")
    assert run == (
        "run -i --rm --name fetcher --network none --volume /data:/in:ro --publish 8080:80/tcp --env T "
        "mcp/fetch:1 --verbose"
    )
    assert removed == "rm --force fetcher"


@asynccontextmanager
async def answering(response: bytes) -> AsyncIterator[str]:
    """An address that answers every request alike; without a response, never."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            if response:
                writer.write(response)
                await writer.drain()
                writer.close()
            else:
                await reader.read()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    finally:
        server.close()


HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (HEAD % b"401 Unauthorized", "it answered 401 Unauthorized"),
        (HEAD % b"200 OK" + b"x" * 5_000_000, "it sent a message of more than 4.0 MB"),
        (HEAD % b"200 OK" + b"<html>", "Failed to parse JSON response"),
        (b"", "it was not ready within 1"),
    ],
)
async def test_an_address_that_is_no_mcp_server(agents: Agents, response: bytes, expected: str) -> None:
    async with answering(response) as url:
        server = McpServerDefinition(name="web", http=HttpServer(url=url, timeout_seconds=1))
        ledger = await agents.run(assignment(calling("{add: {}}"), agent=spec(server)))
    assert ledger.status.error.startswith("The MCP server web did not come up: ")
    assert expected in ledger.status.error


async def test_a_call_that_takes_too_long_is_an_error_and_the_server_stays(agents: Agents, tmp_path: Path) -> None:
    agents.server_limits = ServerLimits(call=3)
    script = calling(f"{{hang: {{file: '{tmp_path / 'begun'}'}}}}", "{add: {a: 1, b: 1}}")
    ledger = await agents.run(assignment(script, agent=spec(notes())))
    hung, after = ledger.calls
    assert (hung.status, hung.error) == (FAILED, "The MCP server notes did not answer within 3.0 s")
    assert after.result == "2"


ODD_SCHEMA = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    result = {
        "initialize": {
            "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
            "serverInfo": {"name": "odd", "version": "1"},
        },
        "tools/list": {"tools": [{"name": "pick", "inputSchema": {"type": "object", "properties": ["a", "b"]}}]},
    }.get(message["method"])
    if "id" in message:
        answer = {"result": result} if result else {"error": {"code": -32601, "message": "no"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""


async def test_a_schema_that_no_model_takes_is_said_before_a_model_is_asked(agents: Agents) -> None:
    ledger = await agents.run(assignment(calling("{pick: {}}"), agent=spec(program(ODD_SCHEMA))))
    assert "not valid: tools.0.inputSchema.properties: Input should be a valid dictionary" in ledger.status.error
