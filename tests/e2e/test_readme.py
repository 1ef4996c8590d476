"""What the guide says about what is deployed, and about runs without a screen, done as it is printed, offline."""

from __future__ import annotations

import re
import shlex

from tests.e2e.world import Finished, World
from tests.guide import section


def printed(title: str) -> list[str]:
    """The commands, without what is said of them; what stands in brackets is left out."""
    lines = re.findall(r"^    stigmer-tui (.*)$", section(title), re.MULTILINE)
    return [re.sub(r" \[[^]]*\]", "", line.partition("  #")[0]).strip() for line in lines]


def test_what_is_deployed(world: World) -> None:
    """In the order of the guide, but what deletes and cancels comes last."""
    project = world.new_project()
    (manifest,) = re.findall(r"```yaml\n(.*?)```", section("What is deployed"), re.DOTALL)
    (project / "clerk.yaml").write_text(manifest, encoding="utf-8")
    assert world.run("run", "host", "-m", "Hello", cwd=project).code == 0
    execution = world.run("execution", "list", "--output", "name").out.split()[0]
    editor = world.folder / "editor"
    edit = "s/^  instructions: .*/  instructions: Answer in one short line./"
    editor.write_text(f"#!/bin/sh\nsed -i '{edit}' \"$1\"\n", encoding="utf-8")
    editor.chmod(0o700)
    editing = World(world.folder, {"EDITOR": str(editor), "VISUAL": str(editor)})

    def done(command: str) -> Finished:
        words = shlex.split(command.replace("ID", execution).replace("FILE.yaml", "clerk.yaml"))
        return editing.run(*words, cwd=project)

    commands = printed("What is deployed")
    expected = {
        "list": "settle-orders",
        "describe agent host": "settle-orders",
        "get agent host --output yaml": "kind: Agent",
        "execution list": execution,
        "execution show ID": "Execution completed",
        'execution list --search "state:completed since:2h hello"': execution,
        "execution compare ID ID": "The same steps",
        "edit agent host": "host",
        "apply -f FILE.yaml": "1 created",
    }
    asking = {"delete agent host", "environment set prod REGION=eu secret:TOKEN"}
    other = {"execution cancel ID", "run -f FILE.yaml", "FILE.yaml"}
    assert set(commands) == expected.keys() | asking | other
    for command in commands:
        if command in expected:
            finished = done(command)
            assert (finished.code, expected[command] in finished.out) == (0, True), (command, finished)
    with world.window("environment", "set", "prod", "REGION=eu", "secret:TOKEN", cwd=project) as window:
        window.shows("TOKEN")
        window.type("s3cret\r")
        assert window.ends() == 0
    assert "REGION" in world.run("get", "environment", "prod", "--output", "yaml").out
    ended = done("execution cancel ID")
    assert ended.code == 1, ended
    # There is no model here, and the agent has no script.
    assert done("run -f FILE.yaml").code == 1
    with world.window("clerk.yaml", cwd=project) as window:
        window.shows("clerk")
        window.shows("Daemon +✓ ready")
        window.press("q")
        assert window.ends() == 0
    with world.window("delete", "agent", "host", cwd=project) as window:
        window.shows("settle-orders")
        window.type("y\r")
        assert window.ends() == 0
    assert world.run("get", "agent", "host").code == 1


def test_without_a_screen(world: World) -> None:
    project = world.new_project()
    (project / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (project / "notes.md").write_text("Assam", encoding="utf-8")
    first, resume, attach, everything, apply, diff = printed("Without a screen")
    ran = world.run(*shlex.split(f"{first} host"), cwd=project)
    assert ran.code == 0, ran
    execution = world.run("execution", "list", "--output", "name").out.split()[0]
    for command, words in (
        (resume.replace("ID", execution), "Execution completed"),
        (attach.replace("NAME", "host"), "Execution completed"),
        (everything, "3 completed"),
        (apply, "unchanged"),
        (diff, "All that the project defines is deployed"),
    ):
        finished = world.run(*shlex.split(command), cwd=project)
        assert (finished.code, words in finished.out) == (0, True), (command, finished)


def test_the_last_line_of_a_run_that_is_only_started_attaches_to_it(world: World) -> None:
    project = world.new_project()
    started = world.run("run", "host", "--no-follow", cwd=project)
    hint = started.out.strip().splitlines()[-1].partition("stigmer-tui ")[2]
    attached = world.run(*shlex.split(hint), cwd=project)
    assert (attached.code, "Execution completed" in attached.out) == (0, True), (started, attached)
