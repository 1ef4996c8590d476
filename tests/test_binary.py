"""The file that a binary is: it unpacks itself once, beside itself, and becomes the program in it."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from stigmer_tui import __version__
from stigmer_tui.agents.standalone import main
from stigmer_tui.core.kept_program import KEEPER_COMMAND, KeptProgram

SCRIPT = Path(__file__).parents[1] / "binary" / "unpack.sh"

pytestmark = pytest.mark.skipif(not shutil.which("tar"), reason="there is no tar")


def make_binary(folder: Path, program: str = 'echo "$0" "$@"') -> Path:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo("agent-runner/agent-runner")
        text = f"#!/bin/sh\n{program}\n".encode()
        entry.size, entry.mode = len(text), 0o755
        archive.addfile(entry, io.BytesIO(text))
    script = SCRIPT.read_text().replace("@ID@", "4711")
    script = script.replace("@LINE@", str(script.count("\n") + 1))
    binary = folder / "agent-runner"
    binary.write_bytes(script.encode() + content.getvalue())
    binary.chmod(0o700)
    return binary


def run(binary: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(binary), *arguments], capture_output=True, text=True, check=False)


def test_it_becomes_the_program_and_unpacks_itself_once(tmp_path: Path) -> None:
    binary = make_binary(tmp_path)
    inside = tmp_path / ".agent-runner-4711" / "agent-runner"
    assert run(binary, "a b", "c").stdout == f"{inside} a b c\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".agent-runner-4711", "agent-runner"]
    inside.write_text("#!/bin/sh\necho unpacked before\n")
    assert run(binary).stdout == "unpacked before\n"


def test_a_folder_with_a_space_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "my programs"
    folder.mkdir()
    assert run(make_binary(folder)).returncode == 0


def test_nothing_is_left_of_one_that_was_cut_off(tmp_path: Path) -> None:
    binary = make_binary(tmp_path)
    binary.write_bytes(binary.read_bytes()[:-40])
    assert run(binary).returncode != 0
    assert [path.name for path in tmp_path.iterdir()] == ["agent-runner"]


def test_the_program_in_it_is_its_own_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with KeptProgram() as kept:
        command = kept.program(["echo", "hello"])
        assert command == [sys.executable, KEEPER_COMMAND, str(kept.descriptors[0]), "exec", "echo", "hello"]


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"agent-runner {__version__}\n"


def test_it_refuses_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help-me"]) == 2
    assert capsys.readouterr().err.startswith("Error: ")
