"""The daemon as a whole: start, stop, memory, rest, and what a run costs on the way through it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil

from binary.install import install
from stigmer_tui import __version__
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.agent_runner_binary import AgentRunnerBinary
from stigmer_tui.daemon.record import read_record
from tests.benchmarks.report import heading, line, percentile
from tests.e2e.world import World

BUILT = Path(__file__).parents[2] / "dist" / "agent-runner"
"""The binary of the agent runner, where `make build-agent-runner` has built it."""

MEGABYTE = 1e6
IDLE_SECONDS = 10.0

THREE_TASKS = """
from stigmer_tui.sdk import Workflow

with Workflow("three", namespace="bench") as flow:
    first = flow.set("first", number=1)
    second = flow.set("second", number=first.number)
    flow.set("third", number=second.number)
"""

REQUESTS = """
from stigmer_tui.sdk import Workflow

with Workflow("requests", namespace="bench") as flow:
    for number in range(200):
        flow.http_get(f"get-{{number}}", "http://127.0.0.1:{port}/")
"""


def main() -> None:
    with instance() as environment:
        heading("Daemon")
        starts = [_timed(environment, "server", "start") for _ in _stopped(environment, 3)]
        line("start to the first answer, whole command", percentile(starts, 0.5), "s", 1.0)
        _settle(environment)
        memory = sum(process.memory_info().rss for process in _processes(environment))
        line("memory of server and runners, idle", memory / MEGABYTE, "MB", 250)
        line("processor of server and runners, idle", _idle_cpu(environment), "%", 0.5)
        stops = [_timed(environment, "server", "stop")]
        line("stop, whole command", percentile(stops, 0.5), "s", 1.0)
        if BUILT.exists():
            install(AgentRunnerBinary(Home(Path(environment["STIGMER_HOME"])), __version__), BUILT)
            _timed(environment, "server", "start")
            _settle(environment)
            times = [_timed(environment, "server", "restart", "agents") for _ in range(3)]
            line("agent runner as a binary, restarted until it is ready", percentile(times, 0.5), "s", 1.5)
        heading("Runs")
        _timed(environment, "server", "start")
        _settle(environment)
        with project(environment, THREE_TASKS) as folder:
            times = [_timed(environment, "run", folder=folder) for _ in range(5)]
            line("headless run of three tasks in a project, whole command", percentile(times, 0.5), "s", 0.6)
            times = [_timed(environment, "run", "three") for _ in range(9)]
            line("run NAME of the same outside a project, whole command", percentile(times, 0.5), "s", 0.20)
        with answering() as port, project(environment, REQUESTS.format(port=port)) as folder:
            _timed(environment, "apply", folder=folder)
            # Outside the project nothing is applied: what is measured is the run.
            times = [_timed(environment, "run", "requests") for _ in range(3)]
            line("200 HTTP tasks in a row, whole command", percentile(times, 0.5), "s", 0.6)


@contextmanager
def instance() -> Iterator[dict[str, str]]:
    """The environment of a daemon of its own, which is stopped at the end."""
    with tempfile.TemporaryDirectory() as folder, closing(World(Path(folder))) as world:
        yield world.environment


@contextmanager
def project(environment: Mapping[str, str], code: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Stigmer.yaml").write_text("name: bench\nruntime: python\n")
        (folder / "main.py").write_text(code)
        yield folder


@contextmanager
def answering() -> Iterator[int]:
    """Port of a server that answers every request at once."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            # In one write: two small ones would wait for each other's acknowledgement, 40 ms each time.
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def _timed(environment: Mapping[str, str], *arguments: str, folder: Path | None = None) -> float:
    """Seconds of a whole command, from exec to exit."""
    command = [sys.executable, "-m", "stigmer_tui", *arguments]
    started = time.perf_counter()
    subprocess.run(command, env=dict(environment), cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


def _stopped(environment: Mapping[str, str], times: int) -> Iterator[int]:
    for number in range(times):
        _timed(environment, "server", "stop")
        yield number


def _processes(environment: Mapping[str, str]) -> list[psutil.Process]:
    record = read_record(Home(Path(environment["STIGMER_HOME"])))
    server = psutil.Process(record.pid) if record else psutil.Process()
    return [server, *server.children()]


def _settle(environment: Mapping[str, str]) -> None:
    """Until everything that loads in the background is loaded: the processors have nothing to do for a second."""
    while _cpu_percent(environment, 1.0) > 1.0:
        continue


def _idle_cpu(environment: Mapping[str, str]) -> float:
    return _cpu_percent(environment, IDLE_SECONDS)


def _cpu_percent(environment: Mapping[str, str], seconds: float) -> float:
    processes = _processes(environment)

    def spent() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes)

    before, started = spent(), time.perf_counter()
    time.sleep(seconds)
    return 100 * (spent() - before) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
