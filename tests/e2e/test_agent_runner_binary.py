"""The real binary of the agent runner, once `make build-agent-runner` has built it; `make test-binary` does both."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from binary.install import install
from stigmer_tui import __version__
from stigmer_tui.daemon.agent_runner_binary import AgentRunnerBinary
from tests.e2e.projects import CLERK, TALKING
from tests.e2e.world import World

BUILT = Path(__file__).parents[2] / "dist" / "agent-runner"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not BUILT.exists(), reason="there is no binary; make build-agent-runner builds it"),
]

NEEDED = ("sh", "tar", "gzip", "tail", "mktemp", "dirname", "mv", "rm")
"""Programs of the system, by which the binary unpacks itself."""

INSIDE = """\
#!/bin/sh
exec unshare --map-root-user --mount sh -c '
mount --rbind /dev {root}/dev && mount --rbind /proc {root}/proc || exit
PATH=/bin exec {chroot} {root} /opt/agent-runner "$@"' sh "$@"
"""
"""The binary in another root. As an agent runner it is installed like a binary of ours."""


def test_an_agent_runs_in_the_binary(world: World) -> None:
    """Also its commands, whose keepers are the binary as well."""
    binary = AgentRunnerBinary(world.home, __version__)
    install(binary, BUILT)
    project = world.project(TALKING)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    finished = world.run("run", "--message", "Hello", "--output", "json", cwd=project)
    assert (finished.code, finished.err) == (0, "")
    assert finished.events[-1]["output"] == "You said: Hello"
    assert [path.read_text() for path in world.home.workspace.glob("*/ledger")] == ["looked\n"]
    unpacked = [path for path in world.home.binaries.rglob("*") if not path.is_symlink()]
    assert not [path for path in unpacked if path.stat().st_mode & 0o077], "others may read it"
    runners = [child for child in world.server().children() if "agent-runner" in child.exe()]
    assert [Path(runner.exe()).parent.parent for runner in runners] == [world.home.binaries]


def test_it_needs_no_python(world: World) -> None:
    """In a root file system with the C library, the programs that unpack it, devices, and nothing else."""
    root = world.folder / "root"
    for program in NEEDED:
        place_with_libraries(root, Path(os.path.realpath(shutil.which(program) or "")), f"bin/{program}")
    # What an interpreter is linked with, besides what it brings.
    for library in ("libdl.so.2", "libpthread.so.0", "libm.so.6", "libz.so.1", "librt.so.1", "libutil.so.1"):
        for path in Path("/").glob(f"lib/*/{library}"):
            place(root, path, str(path))
    place(root, BUILT, "opt/agent-runner")
    for folder in ("tmp", "dev", "proc"):
        (root / folder).mkdir()
    inside = world.folder / "inside"
    inside.write_text(INSIDE.format(root=root, chroot=shutil.which("chroot")), encoding="utf-8")
    inside.chmod(0o755)
    tried = subprocess.run([inside, "--version"], capture_output=True, text=True, check=False)
    if any(program in tried.stderr for program in ("unshare", "mount", "chroot")):
        pytest.skip(f"this system does not allow another root: {tried.stderr.strip()}")
    assert (tried.returncode, tried.stdout) == (0, f"agent-runner {__version__}\n"), tried.stderr

    install(AgentRunnerBinary(world.home, __version__), inside)
    project = world.project(TALKING)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    finished = world.run("run", "--message", "Hello", "--output", "json", cwd=project)
    assert (finished.code, finished.err) == (0, "")
    assert finished.events[-1]["output"] == "You said: Hello"
    workspace = root / str(world.home.workspace).lstrip("/")
    assert [path.read_text() for path in workspace.glob("*/ledger")] == ["looked\n"]
    assert not list(root.glob("**/python3*/os.py*"))


def place_with_libraries(root: Path, program: Path, target: str) -> None:
    place(root, program, target)
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+)", listed):
        place(root, Path(library), library)


def place(root: Path, source: Path, target: str) -> None:
    copy = root / target.lstrip("/")
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, copy)
