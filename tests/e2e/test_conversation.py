"""A conversation in the app and without a screen, with an agent that plays a script: no model is asked."""

from __future__ import annotations

import json

from tests.e2e.world import World

CODE = """\
from stigmer_tui.sdk import Agent

Agent("clerk", instructions="Answer in one sentence.", script="clerk.yaml")
"""

SCRIPT = """\
delay: 0
messages:
  - - say: "Hello {{message}}, what do you do?"
  - - say: "So {{previous}} is a {{message}}."
  - - say: "As I said, {{previous}} it is."
"""


def test_three_turns_with_a_save_before_the_third(world: World) -> None:
    project = world.project(CODE)
    (project / "clerk.yaml").write_text(SCRIPT, encoding="utf-8")
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("Run clerk")
        window.type("Ada")
        window.press("enter")
        window.shows("Hello Ada, what do you do")
        window.shows("✓ completed")
        window.press("i")
        window.type("gardener")
        window.press("enter")
        window.shows("So Ada is a gardener")
        window.shows("turn 2")
        window.shows("✓ completed")
        script = (project / "clerk.yaml").read_text(encoding="utf-8")
        (project / "clerk.yaml").write_text(script.replace("As I said", "With new code"), encoding="utf-8")
        window.shows("Deployed again: the next message runs on the new code")
        window.type("thanks")
        window.press("enter")
        window.shows("from here on the new code answers")
        window.shows("With new code, gardener it is")
        window.shows("Hello Ada, what do you do")
        window.shows("turn 3")
        window.press("esc", "q")
        assert window.ends() == 0


def test_a_save_while_the_agent_answers_has_it_answer_again_in_the_same_session(world: World) -> None:
    project = world.project(CODE)
    slow = SCRIPT.replace('- - say: "So {{previous}} is', '- - pause: 600\n      say: "So {{previous}} is')
    (project / "clerk.yaml").write_text(slow, encoding="utf-8")
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("Run clerk")
        window.type("Ada")
        window.press("enter")
        window.shows("✓ completed")
        window.press("i")
        window.type("gardener")
        window.press("enter")
        window.shows("turn 2")
        (project / "clerk.yaml").write_text(SCRIPT, encoding="utf-8")
        window.shows("clerk answers the last message again")
        window.shows("So Ada is a gardener")
        window.shows("Hello Ada, what do you do")
        window.press("esc", "q")
        assert window.ends() == 0
    executions = world.run("execution", "list", "--output", "name").out.split()
    assert len(executions) == 3
    assert len(world.run("sessions", "list", "--output", "name").out.split()) == 1


def test_a_session_is_continued_shown_renamed_and_deleted_from_the_command_line(world: World) -> None:
    project = world.project(CODE)
    (project / "clerk.yaml").write_text(SCRIPT, encoding="utf-8")
    first = world.run("run", "clerk", "--message", "Ada", cwd=project)
    assert "Hello Ada, what do you do?" in first.out
    session = world.run("sessions", "list", "--output", "name").out.strip()
    second = world.run("run", "--session", session, "--message", "gardener", cwd=project)
    assert (second.code, "So Ada is a gardener." in second.out) == (0, True)
    execution = world.run("execution", "list", "--output", "name").out.split()[0]
    third = world.run("run", "--resume", execution, "--message", "thanks")
    assert (third.code, "As I said, gardener it is." in third.out) == (0, True)
    old = world.run("run", "--resume", execution)
    assert (old.code, "So Ada is a gardener." in old.out) == (0, True)
    assert world.run("sessions", "rename", session, "A gardener").code == 0
    assert "A gardener" in world.run("sessions", "list").out
    shown = world.run("sessions", "show", session).out
    assert shown.index("Hello Ada") < shown.index("So Ada is a gardener") < shown.index("As I said")
    *_, last = world.run("sessions", "show", session, "--output", "json").out.splitlines()
    assert json.loads(last).items() >= {"event": "session", "session_id": session, "executions": 3}.items()
    assert "with 3 executions" in world.run("sessions", "delete", session, "--yes").out
    gone = world.run("run", "--session", session, "--message", "hello")
    assert (gone.code, f"There is no session {session}" in gone.err) == (1, True)


def test_a_conversation_line_by_line(world: World) -> None:
    project = world.project(CODE)
    (project / "clerk.yaml").write_text(SCRIPT, encoding="utf-8")
    finished = world.run("run", "--interactive", cwd=project, stdin="Ada\n\ngardener\n")
    said = finished.out
    assert said.index("Hello Ada, what do you do?") < said.index("So Ada is a gardener.")
    assert finished.code == 0


def test_files_belong_to_a_message_and_to_its_fork(world: World) -> None:
    project = world.project(CODE)
    (project / "clerk.yaml").write_text(SCRIPT, encoding="utf-8")
    (project / "tea.md").write_text("Assam", encoding="utf-8")
    (project / "tea.bin").write_bytes(b"\0")
    refused = world.run("run", "clerk", "-m", "Ada", "--attach", "tea.bin", cwd=project)
    assert (refused.code, "tea.bin is of a type that no model takes" in refused.err) == (1, True)
    first = world.run("run", "clerk", "-m", "Ada", "--attach", "tea.md", cwd=project)
    assert "📎 tea.md (text/markdown, 5 B)" in first.out
    (session,) = world.run("sessions", "list", "--output", "name").out.split()
    second = world.run("run", "--session", session, "-m", "gardener", cwd=project)
    assert "📎" not in second.out
    (execution, _) = world.run("execution", "list", "--output", "name").out.split()
    request = world.run("execution", "show", execution, "--request", "1").out
    assert request.count("Assam") == 1
    with world.window(cwd=project) as window:
        window.shows("clerk")
        window.press("j", "j", "enter")
        window.shows("tea.md .text/markdown")
        window.press("i", *"Bob, see @te", "tab", "m", "tab")
        window.shows("with tea.md .5 B")
        window.press("enter")
        window.shows("Bob, see @tea.md, what do you do|So .* is a")
        window.press("q")


def test_what_a_person_mentions_goes_with_a_line_and_what_a_pipe_mentions_does_not(world: World) -> None:
    project = world.project(CODE)
    (project / "clerk.yaml").write_text(SCRIPT, encoding="utf-8")
    (project / "tea.md").write_text("Assam", encoding="utf-8")
    piped = world.run("run", "--interactive", cwd=project, stdin="see @tea.md\n")
    assert (piped.code, "📎" in piped.out) == (0, False)
    with world.window("run", "--interactive", "clerk", cwd=project) as window:
        window.shows("Deployed")
        window.press(*"see @tea.md", "enter")
        window.shows("📎 tea.md")
        window.press("ctrl+d")
        window.ends()
