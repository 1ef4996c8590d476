"""Synthesis of Python projects, with real processes."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_file import Project
from stigmer_tui.project.runtimes import SynthesisError
from stigmer_tui.project.subprocesses import OutputLine
from stigmer_tui.project.synthesis import Manifests, synthesize, time_limit
from tests.project.projects import python_project, write_files

pytestmark = pytest.mark.e2e

SLOW = """
    import subprocess, sys, time
    # One child in our session, one in a session of its own.
    children = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=new)
                for new in (False, True)]
    print(*[child.pid for child in children], flush=True)
    time.sleep(3600)
"""


async def fails(project: Project, environment: Mapping[str, str] | None = None) -> SynthesisError:
    with pytest.raises(SynthesisError) as raised:
        await synthesize(project, environment=environment)
    return raised.value


class Collected:
    """Lines as they come, and a way to wait for the first."""

    def __init__(self) -> None:
        self.lines: list[OutputLine] = []
        self.first = asyncio.Event()

    def __call__(self, line: OutputLine) -> None:
        self.lines.append(line)
        self.first.set()

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]


def processes_end(pids: list[int]) -> bool:
    """Within a time in which they would not have ended by themselves."""
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=60)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


async def test_a_project_of_three_tasks(tmp_path: Path) -> None:
    manifests = await synthesize(python_project(tmp_path))
    assert [agent.metadata.slug for agent in manifests.agents] == ["helper"]
    assert [task.name for task in manifests.workflows[0].spec.tasks] == ["fetch", "answer", "result"]
    assert manifests.dependencies == {"workflow:tally": ("agent:helper",)}


async def test_a_malformed_script_is_an_error_of_the_project(tmp_path: Path) -> None:
    """Point 24: found when the code is run, so that the script that is deployed stays."""
    code = """
        from stigmer_tui.sdk import Agent

        Agent("host", instructions="Answer in one sentence.", script="scripts/host.yaml")
    """
    error = await fails(python_project(tmp_path, code, **{"scripts/host.yaml": "turns:\n  - shout: hello\n"}))
    assert (str(error.file), error.line) == ("scripts/host.yaml", 2)


async def test_every_run_has_a_clean_folder_that_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    code = """
        import os
        from stigmer_tui.sdk import Agent
        assert os.listdir(os.environ["STIGMER_OUT_DIR"]) == []
        for name in {names}:
            Agent(name, instructions="Answer in one sentence.")
    """
    (tmp_path / "p").mkdir()
    assert len((await synthesize(python_project(tmp_path / "p", code.format(names=["a", "b"])))).agents) == 2
    assert len((await synthesize(python_project(tmp_path / "p", code.format(names=["c"])))).agents) == 1
    assert list(scratch.iterdir()) == []


async def test_output_comes_line_by_line_while_the_code_runs(tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    project = python_project(
        tmp_path,
        f"""
        import os, sys
        from stigmer_tui.sdk import Agent
        print("début")
        while not os.path.exists({str(go_on)!r}):
            pass
        print("warned", file=sys.stderr)
        sys.stdout.buffer.write(b"bad \\xff bytes\\r\\n" + b"x" * 200_000 + b"\\nno end of line")
        Agent("helper", instructions="Answer in one sentence.")
        """,
    )
    collected = Collected()
    async with asyncio.TaskGroup() as group:
        synthesis = group.create_task(synthesize(project, collected))
        await collected.first.wait()
        assert collected.texts == ["début"]
        go_on.touch()
    assert len(synthesis.result().agents) == 1
    assert OutputLine("warned", is_error=True) in collected.lines
    assert "bad � bytes" in collected.texts
    assert "no end of line" in collected.texts
    assert sum(text.count("x") for text in collected.texts) == 200_000


async def test_cancelling_ends_every_process_at_once(tmp_path: Path) -> None:
    project = python_project(tmp_path, SLOW)
    collected = Collected()
    synthesis = asyncio.create_task(synthesize(project, collected))
    await collected.first.wait()
    children = [int(pid) for pid in collected.texts[0].split()]
    (main,) = [process.pid for process in psutil.Process().children() if "main.py" in " ".join(process.cmdline())]
    synthesis.cancel()
    with pytest.raises(asyncio.CancelledError):
        await synthesis
    assert processes_end([main, *children])


async def test_the_time_limit_ends_every_process_and_says_what_to_do(tmp_path: Path) -> None:
    collected = Collected()
    project = python_project(tmp_path, SLOW)
    with pytest.raises(SynthesisError) as raised:
        await synthesize(project, collected, {**os.environ, "STIGMER_SYNTHESIS_TIMEOUT": "1.5"})
    assert raised.value.message == "main.py did not finish within 1.5 s"
    assert "STIGMER_SYNTHESIS_TIMEOUT" in raised.value.advice
    assert processes_end([int(pid) for pid in collected.texts[0].split()])


async def test_what_the_code_leaves_behind_is_ended_and_holds_nothing_up(tmp_path: Path) -> None:
    project = python_project(
        tmp_path,
        """
        import subprocess, sys
        from stigmer_tui.sdk import Agent
        Agent("helper", instructions="Answer in one sentence.")
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"]).pid)
        """,
    )
    collected = Collected()
    async with asyncio.timeout(60):
        await synthesize(project, collected)
    assert processes_end([int(collected.texts[0])])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
async def test_what_the_code_hides_is_ended(tmp_path: Path) -> None:
    """Point 5: processes in sessions of their own, whose parents have ended, without a trace in their environment."""
    project = python_project(
        tmp_path,
        """
        import os, subprocess, sys
        from stigmer_tui.sdk import Agent
        Agent("helper", instructions="Answer in one sentence.")
        for number in range(5):
            if os.fork() == 0:
                os.setsid()
                sleep = [sys.executable, "-c", "import time; time.sleep(3600)"]
                print(subprocess.Popen(sleep, env={}, start_new_session=True).pid, flush=True)
                os._exit(0)
            os.wait()
        """,
    )
    collected = Collected()
    await synthesize(project, collected)
    assert len(collected.texts) == 5
    assert not any(psutil.pid_exists(int(text)) for text in collected.texts)


async def test_an_error_names_file_and_line_and_keeps_the_tools_own_words(tmp_path: Path) -> None:
    project = python_project(tmp_path, "import parts.texts\n", **{"parts/texts.py": "x = 1\nprint(itm)\n"})
    error = await fails(project)
    assert error.message == "parts/texts.py:2 NameError: name 'itm' is not defined"
    assert (error.file, error.line) == (Path("parts/texts.py"), 2)
    assert 'main.py", line 1, in <module>' in error.advice
    assert error.advice.endswith("NameError: name 'itm' is not defined")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def broken(:\n", "main.py:1:12 SyntaxError: invalid syntax"),
        ("import sys\nsys.exit(4)\n", "main.py:2 main.py ended with exit status 4"),
        ("import os\nos._exit(5)\n", "main.py ended with exit status 5"),
        ("import os\nos.abort()\n", "main.py was ended by SIGABRT"),
        ("x = 1\n", "main.py finished and defined no agent and no workflow"),
        ("import os\nos._exit(0)\n", "main.py finished and defined no agent and no workflow"),
        (
            "from stigmer_tui.sdk import Agent\n\nAgent('A B', instructions='Answer in one sentence.')\n",
            "main.py:3 'A B' is not a valid agent name",
        ),
        (
            "import os\nopen(os.environ['STIGMER_OUT_DIR'] + '/agent-0.pb', 'w').write('no')\n",
            "agent-0.pb is not a valid Agent manifest",
        ),
    ],
)
async def test_errors(tmp_path: Path, code: str, message: str) -> None:
    error = await fails(python_project(tmp_path, code))
    assert error.message.startswith(message)


async def test_a_long_error_is_kept_whole(tmp_path: Path) -> None:
    error = await fails(python_project(tmp_path, "raise ValueError('x' * 5000)\n"))
    assert "x" * 5000 in error.advice


async def test_a_main_file_that_is_not_there(tmp_path: Path) -> None:
    project = python_project(tmp_path)
    project.main.unlink()
    assert (await fails(project)).message == f"{tmp_path}/main.py is not there"


def make_environment(folder: Path, *, with_us: bool) -> None:
    """A virtual environment as small as it can be: it finds this source, or nothing at all."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    arguments = '"$@"' if with_us else '-S -I "$@"'
    python.write_text(f"#!/bin/sh\nexport MARK=own\nexec {sys.executable} {arguments}\n")
    python.chmod(0o755)


@pytest.mark.parametrize("name", [".venv", "venv"])
async def test_the_projects_own_interpreter_is_used(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    code = """
        import os
        from stigmer_tui.sdk import Agent
        Agent(os.environ["MARK"], instructions="Answer in one sentence.")
    """
    make_environment(tmp_path / name, with_us=True)
    manifests: Manifests = await synthesize(python_project(tmp_path, code))
    assert manifests.agents[0].metadata.name == "own"


async def test_an_interpreter_without_us_is_told_how_to_get_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    make_environment(tmp_path / ".venv", with_us=False)
    error = await fails(python_project(tmp_path))
    assert "virtual environment has no stigmer-tui" in error.message
    assert error.advice == "Install it there: .venv/bin/python -m pip install stigmer-tui"


async def test_a_member_of_a_uv_workspace_runs_on_the_environment_of_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    (tmp_path / "uv.lock").touch()
    code = """
        import os
        from stigmer_tui.sdk import Agent
        Agent(os.environ["MARK"], instructions="Answer in one sentence.")
    """
    project = python_project(tmp_path / "packages" / "shop", code)
    make_environment(tmp_path / ".venv", with_us=True)
    assert (await synthesize(project)).agents[0].metadata.name == "own"
    (tmp_path / ".venv").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "elsewhere")
    assert (await synthesize(project)).agents[0].metadata.name == "own"


@pytest.mark.parametrize(
    ("has_environment", "is_of_uv", "advice"),
    [
        (False, False, "Make it one of its own: python3 -m venv .venv"),
        (False, True, "Make the project's environment: uv sync"),
        (True, True, "Add it to the project: uv add no_such_module"),
        (True, False, "Install it in the project's environment: .venv/bin/python -m pip install …"),
    ],
)
async def test_a_missing_module_is_told_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_environment: bool, is_of_uv: bool, advice: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    if has_environment:
        make_environment(tmp_path / ".venv", with_us=True)
    if is_of_uv:
        (tmp_path / "uv.lock").touch()
    error = await fails(python_project(tmp_path, "import no_such_module.part\n"))
    assert error.message == "main.py:1 ModuleNotFoundError: No module named 'no_such_module'"
    assert error.advice.splitlines()[-1].endswith(advice)


async def test_the_projects_folder_is_where_the_code_runs(tmp_path: Path) -> None:
    write_files(tmp_path, {"name.txt": "from-a-file"})
    code = """
        from stigmer_tui.sdk import Agent
        Agent(open("name.txt").read(), instructions="Answer in one sentence.")
    """
    manifests = await synthesize(python_project(tmp_path, code))
    assert manifests.agents[0].metadata.name == "from-a-file"


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_time_limit_that_is_none(text: str) -> None:
    with pytest.raises(StigmerError, match="STIGMER_SYNTHESIS_TIMEOUT is"):
        time_limit({"STIGMER_SYNTHESIS_TIMEOUT": text})


def test_the_default_time_limit() -> None:
    assert time_limit({}) == 60
    assert time_limit({"STIGMER_SYNTHESIS_TIMEOUT": "2.5"}) == 2.5
