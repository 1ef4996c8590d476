"""Synthesis of Go projects with the real Go tool; manifests that the Go SDK once wrote stand in for the SDK."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import psutil
import pytest

from stigmer_tui.project.project_file import Project
from stigmer_tui.project.runtimes import SynthesisError, what_to_run
from stigmer_tui.project.synthesis import synthesize
from tests.project.projects import go_project, write_files

RECORDED = Path(__file__).parent.parent / "manifests"

needs_go = [pytest.mark.e2e, pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go on this machine")]

MAIN = f"""
    package main

    import (
        "fmt"
        "os"
        "path/filepath"
    )

    func main() {{
        data, err := os.ReadFile("{RECORDED}/research-agent-0.pb")
        if err == nil {{
            err = os.WriteFile(filepath.Join(os.Getenv("STIGMER_OUT_DIR"), "agent-0.pb"), data, 0o644)
        }}
        fmt.Println("written", greeting, err)
    }}
"""
GREETING = "package main\n\nconst greeting = `hello`\n"
MODULE = "module example.test/shop\n\ngo 1.21\n"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "off")
    monkeypatch.setenv("GOFLAGS", "-mod=readonly")
    monkeypatch.setenv("GOTOOLCHAIN", "local")


async def fails(project: Project) -> SynthesisError:
    with pytest.raises(SynthesisError) as raised:
        await synthesize(project)
    return raised.value


def main_without(name: str) -> str:
    return MAIN.replace(f"{name}, ", "")


class TestWithGo:
    pytestmark = needs_go

    async def test_one_file_needs_no_module(self, tmp_path: Path) -> None:
        lines: list[str] = []
        project = go_project(tmp_path, main_without("greeting"))
        manifests = await synthesize(project, lambda line: lines.append(line.text))
        assert [agent.metadata.name for agent in manifests.agents] == ["paper-reader"]
        assert lines == ["written <nil>"]
        assert not (tmp_path / ".stigmer").exists()

    async def test_a_package_of_several_files(self, tmp_path: Path) -> None:
        files = {"go.mod": MODULE, "texts.go": GREETING, "main_test.go": "package main\n"}
        manifests = await synthesize(go_project(tmp_path, MAIN, files))
        assert len(manifests.agents) == 1

    async def test_files_that_are_ignored_stay_out(self, tmp_path: Path) -> None:
        ignored = "//go:build ignore\n\npackage main\n\nfunc main() {}\n"
        project = go_project(tmp_path, main_without("greeting"), {"tool.go": ignored})
        assert len((await synthesize(project)).agents) == 1

    async def test_the_compilers_words_with_file_and_line(self, tmp_path: Path) -> None:
        files = {"go.mod": MODULE, "texts.go": "package main\n\nvar greeting int = `hello`\n"}
        error = await fails(go_project(tmp_path, MAIN, files))
        assert (error.file, error.line) == (Path("texts.go"), 3)
        assert error.message.startswith("texts.go:3:20 cannot use `hello`")
        assert "./texts.go:3" in error.advice
        assert "exit status" not in error.advice

    async def test_a_panic_names_the_line_of_the_project(self, tmp_path: Path) -> None:
        main = "package main\n\nfunc main() {\n\tvar m map[string]int\n\tm[`a`] = 1\n}\n"
        error = await fails(go_project(tmp_path, main))
        assert error.message == "main.go:5 panic: assignment to entry in nil map"

    async def test_an_error_that_the_program_reports(self, tmp_path: Path) -> None:
        main = 'package main\n\nimport "log"\n\nfunc main() {\n\tlog.Fatal("failed to convert to proto")\n}\n'
        error = await fails(go_project(tmp_path, main))
        assert error.message.startswith("main.go failed: ")
        assert error.message.endswith("failed to convert to proto")

    async def test_a_program_that_writes_nothing(self, tmp_path: Path) -> None:
        error = await fails(go_project(tmp_path, "package main\n\nfunc main() {}\n"))
        assert error.message == "main.go finished and defined no agent and no workflow"
        assert "log.Fatal(err)" in error.advice

    async def test_the_module_is_tidied_when_the_build_needs_it(self, tmp_path: Path) -> None:
        files = {
            "go.mod": MODULE + "\nreplace example.test/words => ./words\n",
            "words/go.mod": "module example.test/words\n\ngo 1.21\n",
            "words/words.go": "package words\n\nconst Greeting = `hello`\n",
        }
        main = main_without("greeting").replace('"path/filepath"', '"path/filepath"\n\n        "example.test/words"')
        main = main.replace('"written", err', '"written", words.Greeting, err')
        lines: list[str] = []
        await synthesize(go_project(tmp_path, main, files), lambda line: lines.append(line.text))
        assert "written hello <nil>" in lines
        assert "require example.test/words" in (tmp_path / "go.mod").read_text()

    async def test_the_module_is_left_alone_otherwise(self, tmp_path: Path) -> None:
        untidy = MODULE + "\nrequire example.test/unused v1.0.0\n"
        await synthesize(go_project(tmp_path, main_without("greeting"), {"go.mod": untidy}))
        assert (tmp_path / "go.mod").read_text() == untidy

    async def test_a_module_that_cannot_be_tidied(self, tmp_path: Path) -> None:
        main = 'package main\n\nimport _ "example.test/nothing"\n\nfunc main() {}\n'
        error = await fails(go_project(tmp_path, main, {"go.mod": MODULE}))
        assert "example.test/nothing" in error.message + error.advice
        assert error.message.startswith(("go mod tidy failed", "main.go:3"))

    async def test_cancelling_ends_the_program_too(self, tmp_path: Path) -> None:
        main = """
            package main

            import (
                "fmt"
                "os"
                "time"
            )

            func main() {
                fmt.Println(os.Getpid())
                time.Sleep(time.Minute)
            }
        """
        pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        synthesis = asyncio.create_task(
            synthesize(go_project(tmp_path, main), lambda line: pid.set_result(int(line.text)))
        )
        program = psutil.Process(await pid)
        synthesis.cancel()
        with pytest.raises(asyncio.CancelledError):
            await synthesis
        _, alive = psutil.wait_procs([program], timeout=60)
        assert all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


async def test_without_go_it_says_so(tmp_path: Path) -> None:
    project = go_project(tmp_path, MAIN)
    with pytest.raises(SynthesisError, match="there is no Go here") as raised:
        await synthesize(project, environment={**os.environ, "PATH": str(tmp_path)})
    assert "Install Go" in raised.value.advice


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "main.go"),
        ({"main_test.go": "package main\n"}, "main.go"),
        ({"texts.go": "package main\n"}, "."),
        ({"tool.go": "//go:build ignore\n\npackage main\n"}, "main.go"),
        ({"tool.go": "// +build ignore\n\npackage main\n"}, "main.go"),
        ({"texts.go": "package main\n\n// Not a constraint here:\n//go:build ignore\n"}, "."),
        ({"texts.go": "package main\n", "main.go": "//go:build ignore\n\npackage main\n"}, "main.go"),
    ],
)
def test_what_is_run(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    write_files(tmp_path, {"main.go": "package main\n", **files})
    assert what_to_run(tmp_path / "main.go") == expected
