"""Runs of a project's code in forks of a waiting interpreter, with real processes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from stigmer_tui.project.project_file import Project
from stigmer_tui.project.runtimes import SynthesisError
from stigmer_tui.project.subprocesses import OutputLine
from stigmer_tui.project.synthesis import synthesize
from stigmer_tui.project.warm_interpreter import WarmInterpreter
from tests.project.projects import python_project, write_files
from tests.project.test_python_synthesis import SLOW, Collected, processes_end

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="forks are used on Linux only")]

AGENT = """
    from stigmer_tui.sdk import Agent
    Agent("helper", instructions="Answer in one sentence.")
"""


@pytest.fixture
async def warm() -> AsyncIterator[WarmInterpreter]:
    async with WarmInterpreter() as interpreter:
        yield interpreter


async def prints(warm: WarmInterpreter, project: Project, environment: Mapping[str, str] | None = None) -> list[str]:
    """What the code prints. Afterwards the next server is ready."""
    lines: list[OutputLine] = []
    await synthesize(project, lines.append, environment, warm.run_package)
    await warm.ready()
    return [line.text for line in lines]


STATE = """
import gc, json, os, random, resource, signal, sys, threading
from stigmer_tui.sdk import Agent

Agent("helper", instructions="Answer in one sentence.")
OF_ONE_RUN = ("STIGMER_OUT_DIR", "STIGMER_COMMAND", "STIGMER_WRITTEN_FILES")
state = {
    "folder": os.getcwd(),
    "arguments": sys.argv,
    "path": sys.path,
    "environment": {name: value for name, value in os.environ.items() if name not in OF_ONE_RUN},
    "input": sys.stdin.read(),
    "input_file": os.readlink("/proc/self/fd/0"),
    "streams": [[s.encoding, s.errors, s.line_buffering, s.write_through] for s in (sys.stdin, sys.stdout, sys.stderr)],
    "is_leader": os.getsid(0) == os.getpid() == os.getpgrp(),
    "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals() - {32, 33})],
    "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "limits": [resource.getrlimit(limit) for limit in range(10)],
    "umask": os.umask(0o22),
    "threads": threading.active_count(),
    "recursion": sys.getrecursionlimit(),
    "collector": [gc.isenabled(), gc.get_threshold()],
    "name": __name__,
    "main": sys.modules["__main__"].__file__,
    "hooks": [sys.excepthook is sys.__excepthook__, sys.gettrace(), sys.getprofile()],
}
print(json.dumps(state))
print(random.random())
print(json.dumps({n: v for n in os.listdir("/proc/self/fd") if (v := os.path.lexists(f"/proc/self/fd/{n}")
      and os.readlink(f"/proc/self/fd/{n}")) and not v.startswith(("/proc", "pipe", "/memfd:stigmer-request"))}))
"""


async def test_a_fork_has_the_state_of_a_new_interpreter(warm: WarmInterpreter, tmp_path: Path) -> None:
    project = python_project(tmp_path, STATE)
    new, new_random, new_files = await prints(warm, project)
    runs = [await prints(warm, project) for _ in range(2)]
    assert warm.forks == 2
    for state, _, files in runs:
        assert json.loads(state) == json.loads(new)
        assert sorted(json.loads(files).values()) == sorted(json.loads(new_files).values())
    assert len({new_random, *(number for _, number, _ in runs)}) == 3


async def test_nothing_of_a_run_is_left_to_the_next_one(warm: WarmInterpreter, tmp_path: Path) -> None:
    code = """
        import os, stigmer_tui.sdk as sdk
        print(hasattr(sdk, "mark"), "MARK" in os.environ, os.getcwd())
        sdk.mark = os.environ["MARK"] = "1"
        os.chdir("/")
        sdk.Agent("helper", instructions="Answer in one sentence.")
    """
    project = python_project(tmp_path, code)
    assert [await prints(warm, project) for _ in range(3)] == [[f"False False {tmp_path}"]] * 3
    assert warm.forks == 2


async def test_what_a_program_does_at_its_end_is_done(warm: WarmInterpreter, tmp_path: Path) -> None:
    code = """
        import atexit, part, threading, time
        from stigmer_tui.sdk import Agent
        Agent("helper", instructions="Answer in one sentence.")
        file = open("written.txt", "w")
        file.write("not closed")
        atexit.register(print, "at exit")
        threading.Thread(target=lambda: (time.sleep(0.05), print("from a thread"))).start()
    """
    project = python_project(tmp_path, code, **{"part.py": "f = open('part.txt', 'w')\nf.write('neither')\n"})
    await prints(warm, python_project(tmp_path, AGENT))
    project = python_project(tmp_path, code)
    assert await prints(warm, project) == ["from a thread", "at exit"]
    assert warm.forks == 1
    assert [(tmp_path / name).read_text() for name in ("written.txt", "part.txt")] == ["not closed", "neither"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = [\n", "main.py:1:5 SyntaxError: '[' was never closed"),
        ("import sys\nsys.exit(4)\n", "main.py:2 main.py ended with exit status 4"),
        ("import os\nos._exit(5)\n", "main.py ended with exit status 5"),
        ("import os\nos.abort()\n", "main.py was ended by SIGABRT"),
        ("x = 1\n", "main.py finished and defined no agent and no workflow"),
    ],
)
async def test_errors_are_those_of_a_new_interpreter(
    warm: WarmInterpreter, tmp_path: Path, code: str, message: str
) -> None:
    await prints(warm, python_project(tmp_path, AGENT))
    project = python_project(tmp_path, code)
    with pytest.raises(SynthesisError) as forked:
        await synthesize(project, run_package=warm.run_package)
    with pytest.raises(SynthesisError) as new:
        await synthesize(project)
    assert forked.value.message == new.value.message == message
    assert forked.value.advice == new.value.advice
    assert warm.forks == 1


async def test_cancelling_ends_every_process(warm: WarmInterpreter, tmp_path: Path) -> None:
    await prints(warm, python_project(tmp_path, AGENT))
    collected = Collected()
    project = python_project(tmp_path, SLOW)
    synthesis = asyncio.create_task(synthesize(project, collected, run_package=warm.run_package))
    await collected.first.wait()
    assert warm.forks == 0
    synthesis.cancel()
    with pytest.raises(asyncio.CancelledError):
        await synthesis
    assert processes_end([int(pid) for pid in collected.texts[0].split()])
    await prints(warm, python_project(tmp_path, AGENT))
    assert warm.forks == 1


async def test_the_time_limit_ends_every_process(warm: WarmInterpreter, tmp_path: Path) -> None:
    environment = {**os.environ, "STIGMER_SYNTHESIS_TIMEOUT": "1.5"}
    await prints(warm, python_project(tmp_path, AGENT), environment)
    collected = Collected()
    with pytest.raises(SynthesisError, match=r"did not finish within 1\.5 s"):
        await synthesize(python_project(tmp_path, SLOW), collected, environment, warm.run_package)
    assert processes_end([int(pid) for pid in collected.texts[0].split()])


def server_of(warm: WarmInterpreter) -> psutil.Process:
    server: Any = warm._server
    return psutil.Process(server.process.pid)


async def test_a_killed_keeper_leaves_nothing_behind(warm: WarmInterpreter, tmp_path: Path) -> None:
    await prints(warm, python_project(tmp_path, AGENT))
    collected = Collected()
    synthesis = asyncio.create_task(synthesize(python_project(tmp_path, SLOW), collected, run_package=warm.run_package))
    await collected.first.wait()
    server = server_of(warm)
    (keeper,) = server.children()
    pids = [server.pid, *(process.pid for process in server.children(recursive=True))]
    keeper.kill()
    with pytest.raises(SynthesisError, match=r"main\.py was ended by SIGKILL"):
        await synthesis
    assert processes_end(pids)


async def test_a_server_that_is_gone_is_replaced(warm: WarmInterpreter, tmp_path: Path) -> None:
    project = python_project(tmp_path, AGENT + "    print('ran')\n")
    await prints(warm, project)
    server = server_of(warm)
    server.kill()
    psutil.wait_procs([server], timeout=60)
    assert await prints(warm, project) == ["ran"]
    assert warm.forks == 0
    assert await prints(warm, project) == ["ran"]
    assert warm.forks == 1


async def test_it_ends_with_its_owner(tmp_path: Path) -> None:
    async with WarmInterpreter() as warm:
        await prints(warm, python_project(tmp_path, AGENT))
        server = server_of(warm)
    assert processes_end([server.pid])


async def test_it_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    python_project(tmp_path, AGENT)
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(tmp_path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout
    pid = int(await owner.stdout.readline())
    owner.kill()
    await owner.wait()
    assert processes_end([pid])


OWNER = """
import asyncio, sys
from pathlib import Path
from stigmer_tui.project.project_file import load_project
from stigmer_tui.project.synthesis import synthesize
from stigmer_tui.project.warm_interpreter import WarmInterpreter

async def main():
    async with WarmInterpreter() as warm:
        await synthesize(load_project(Path(sys.argv[1])), run_package=warm.run_package)
        await warm.ready()
        print(warm._server.process.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_imports_of_the_code_are_loaded_beforehand(warm: WarmInterpreter, tmp_path: Path) -> None:
    code = AGENT + "    import decimal, part, sys\n    print(part.before)\n"
    files = {"part.py": "import sys\nbefore = 'wave' in sys.modules\nimport wave\n"}
    project = python_project(tmp_path, code, **files)
    assert [await prints(warm, project) for _ in range(3)] == [["False"], ["False"], ["True"]]
    (tmp_path / "part.py").write_text("before = 'changed'\n")
    assert await prints(warm, project) == ["changed"]
    assert warm.forks == 3


THREAD = "import threading, time; threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()"


@pytest.mark.parametrize("effect", ["print('noise')", THREAD])
async def test_imports_with_effects_are_left_to_each_run(warm: WarmInterpreter, tmp_path: Path, effect: str) -> None:
    library = tmp_path / "site-packages"
    write_files(library, {"noisy.py": f"{effect}\n"})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(library), os.environ.get("PYTHONPATH", "")))}
    project = python_project(tmp_path / "p", AGENT + "    import noisy\n    print(noisy)\n")
    runs = [await prints(warm, project, environment) for _ in range(4)]
    assert warm.forks == 3
    assert all(run == runs[0] for run in runs)


async def test_a_change_of_what_is_loaded_needs_a_new_interpreter(warm: WarmInterpreter, tmp_path: Path) -> None:
    library = tmp_path / "site-packages"
    write_files(library, {"texts.py": "text = 'old'\n"})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(library), os.environ.get("PYTHONPATH", "")))}
    project = python_project(tmp_path / "p", AGENT + "    import texts\n    print(texts.text)\n")
    for _ in range(3):
        assert await prints(warm, project, environment) == ["old"]
    assert warm.forks == 2
    write_files(library, {"texts.py": "text = 'new one'\n"})
    assert await prints(warm, project, environment) == ["new one"]
    assert warm.forks == 2
    assert await prints(warm, project, environment) == ["new one"]
    assert warm.forks == 3


async def test_another_environment_needs_a_new_interpreter(warm: WarmInterpreter, tmp_path: Path) -> None:
    project = python_project(tmp_path, AGENT)
    await prints(warm, project)
    await prints(warm, project, {**os.environ, "ANOTHER": "1"})
    assert warm.forks == 0
    await prints(warm, project, {**os.environ, "ANOTHER": "1", "STIGMER_WRITTEN_FILES": str(tmp_path / "report")})
    assert warm.forks == 1


async def test_a_file_with_the_name_of_a_loaded_module_is_imported_as_by_a_new_interpreter(
    warm: WarmInterpreter, tmp_path: Path
) -> None:
    project = python_project(tmp_path, AGENT + "    import textwrap, queue\n    print(queue.__file__)\n")
    for _ in range(3):
        await prints(warm, project)
    assert warm.forks == 2
    write_files(tmp_path, {"queue.py": "x = 1\n"})
    assert await prints(warm, project) == [str(tmp_path / "queue.py")]
