"""`python -m stigmer_tui.sdk main.py`, through real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import stigmer_tui

pytestmark = pytest.mark.e2e

GOOD = """
    from stigmer_tui.sdk import Agent
    from texts import INSTRUCTIONS
    Agent("helper", instructions=INSTRUCTIONS)
"""


def run(folder: Path, *arguments: str, output: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(stigmer_tui.__file__).parent.parent)}
    if output is not None:
        environment["STIGMER_OUT_DIR"] = str(output)
    command = [sys.executable, "-m", "stigmer_tui.sdk", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        lines = text.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        (folder / f"{name}.py").write_text("\n".join(line[indent:] for line in lines) + "\n")


def note(output: Path) -> tuple[str, int, str]:
    """File, line and message of what went wrong; nothing but that was written."""
    (file,) = output.iterdir()
    data = json.loads(file.read_text())
    return Path(data["file"]).name, data["line"], data["message"]


def test_it_runs_like_a_script(tmp_path: Path) -> None:
    write(
        tmp_path,
        texts="INSTRUCTIONS = 'Answer in one sentence.'",
        main="""
            import sys
            from stigmer_tui.sdk import Agent
            from texts import INSTRUCTIONS

            if __name__ == "__main__":
                print(__file__, sys.argv)
                def annotated(x: int) -> int: ...
                print(annotated.__annotations__["x"] is int, __import__("__main__").INSTRUCTIONS)
                Agent("helper", instructions=INSTRUCTIONS)
                sys.exit(0)
        """,
    )
    output = tmp_path / "new" / "out"
    done = run(tmp_path.parent, str(tmp_path / "main.py"), output=output)
    main = str(tmp_path / "main.py")
    assert done.stdout == f"{main} ['{main}']\nTrue Answer in one sentence.\n"
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in output.iterdir()) == ["agent-0.pb", "dependencies.json", "places.json"]


def test_without_an_output_folder_it_only_checks(tmp_path: Path) -> None:
    write(tmp_path, texts="INSTRUCTIONS = 'Answer in one sentence.'", main=GOOD)
    assert run(tmp_path, "main.py").returncode == 0
    write(tmp_path, texts="INSTRUCTIONS = 'Short'")
    assert run(tmp_path, "main.py").returncode == 1


def test_a_failure_shows_the_projects_own_frames_only(tmp_path: Path) -> None:
    write(
        tmp_path,
        texts="""
            from stigmer_tui.sdk import Workflow

            def define():
                with Workflow("flow") as flow:
                    item = flow.http_get("fetch", "http://127.0.0.1")
                    if item.count == 0:
                        pass
        """,
        main="""
            import texts
            from stigmer_tui.sdk import Agent
            Agent("helper", instructions="Answer in one sentence.")
            texts.define()
        """,
    )
    output = tmp_path / "out"
    done = run(tmp_path, "main.py", output=output)
    frames = [line.strip() for line in done.stderr.splitlines() if line.startswith("  File")]
    assert frames == [
        f'File "{tmp_path}/main.py", line 4, in <module>',
        f'File "{tmp_path}/texts.py", line 6, in define',
    ]
    assert "stigmer_tui.sdk.DefinitionError: " in done.stderr
    assert done.returncode == 1
    assert note(output) == (
        "texts.py",
        6,
        '$context["fetch"].count == 0 is known only when the workflow runs, so Python cannot decide on it',
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 1\nx +", ("main.py", 2, "SyntaxError: invalid syntax")),
        ("\nprint(itm)", ("main.py", 2, "NameError: name 'itm' is not defined")),
        ("import json\njson.loads('{')", ("main.py", 2, "JSONDecodeError: Expecting property name enclosed in")),
        ("import nothing_there", ("main.py", 1, "ModuleNotFoundError: No module named 'nothing_there'")),
        ("raise ValueError", ("main.py", 1, "ValueError")),
        ("import sys\nsys.exit(3)", ("main.py", 2, "main.py ended with exit status 3")),
        ("from stigmer_tui.sdk import Workflow\n\nWorkflow('x')", ("main.py", 3, 'Workflow "x" has no tasks')),
        (
            "from stigmer_tui.sdk import Workflow\nwith Workflow('x') as f:\n  f.call_agent('a', 'b', message='c')",
            ("main.py", 3, 'This project has no agent "b"'),
        ),
    ],
)
def test_file_line_and_message(tmp_path: Path, code: str, expected: tuple[str, int, str]) -> None:
    (tmp_path / "main.py").write_text(code)
    output = tmp_path / "out"
    done = run(tmp_path, "main.py", output=output)
    file, line, message = note(output)
    assert (file, line) == expected[:2]
    assert message.startswith(expected[2])
    assert done.returncode == (3 if "sys.exit(3)" in code else 1)
    assert "stigmer_tui/sdk" not in done.stderr


def test_an_error_names_the_file_that_it_refers_to(tmp_path: Path) -> None:
    agent = 'from stigmer_tui.sdk import Agent\nAgent("helper", instructions="Answer in one sentence.")\n'
    (tmp_path / "shop.py").write_text(agent)
    (tmp_path / "main.py").write_text(f"import shop\n{agent}")
    output = tmp_path / "out"
    run(tmp_path, "main.py", output=output)
    assert note(output) == ("main.py", 3, 'The agent "helper" is defined already, in shop.py, line 2')


def test_causes_are_shown_too(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "try:\n  1 / 0\nexcept ZeroDivisionError as error:\n  raise ValueError('x') from error"
    )
    done = run(tmp_path, "main.py")
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "direct cause" in done.stderr
    assert "stigmer_tui/sdk" not in done.stderr


def test_what_is_found_late_is_shown_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("from stigmer_tui.sdk import Workflow\n\nWorkflow('x')\n")
    done = run(tmp_path, "main.py")
    assert done.stderr.startswith(
        f"Traceback (most recent call last):\n  File \"{tmp_path}/main.py\", line 3, in <module>\n    Workflow('x')\n"
    )


def test_wrong_arguments(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 2
    missing = run(tmp_path, "main.py")
    assert (missing.returncode, missing.stderr) == (2, f"There is no file {tmp_path}/main.py\n")


def test_what_defining_needs_is_all_that_is_loaded() -> None:
    heavy = ["asyncio", "dataclasses", "google.protobuf", "grpc", "inspect", "protovalidate", "yaml"]
    program = f"import sys, stigmer_tui.sdk; print([name for name in {heavy} if name in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(Path(stigmer_tui.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "[]\n"


def test_jq_is_never_loaded_where_a_project_is_written() -> None:
    """Point 12: it would compute constants in whatever process only wants to know whether they can be."""
    program = """
        import sys
        from stigmer_tui.sdk import Workflow, env, jq, length
        with Workflow("flow") as flow:
            item = flow.http_get("fetch", f"{env('BASE')}/item.json")
            flow.set("a", text=f"{item.title} {length(item.tags)}", region=env("REGION"))
            flow.set("b", total=jq("add", item.amounts), text="${ \\"a\\" * 900000000 }")
        print("stigmer_tui.definition.grammar" in sys.modules, "jq" in sys.modules)
    """
    environment = os.environ | {"PYTHONPATH": str(Path(stigmer_tui.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "True False\n"
