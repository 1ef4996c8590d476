"""The daemon comes and goes under the app: what is wanted meanwhile is not lost, what is shown goes on."""

from __future__ import annotations

import json
from pathlib import Path

from stigmer_tui.daemon.record import read_record
from tests.e2e.shop import open_shop
from tests.e2e.world import World

GREETING = """
from stigmer_tui.sdk import Workflow

with Workflow("greet", namespace="demo") as flow:
    flow.set("hello", text="{text}")
"""


WAITING = """
from stigmer_tui.sdk import Workflow

with Workflow("patient", namespace="demo") as flow:
    flow.wait("pause", seconds=2)
    flow.set("hello", text="good morning")
"""


def test_a_run_that_is_asked_for_before_the_daemon_is_there_is_one_of_the_latest_code(world: World) -> None:
    project = world.project(GREETING.format(text="first"))
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("q")
        window.ends()
    assert world.run("server", "stop").code == 0
    (project / "main.py").write_text(GREETING.format(text="second"), encoding="utf-8")
    with world.window(cwd=project) as window:
        window.shows("greet")
        window.press("enter")
        window.shows("✓ completed")
        window.shows('"text": "second"')
        window.press("q")
        assert window.ends() == 0


CHARGING = """
from stigmer_tui.sdk import Workflow

with Workflow("charge", namespace="demo") as flow:
    flow.http_post("pay", "{url}/charge", body={{"for": "{text}"}})
    flow.set("hello", text="{text}")
"""


def test_a_save_while_nobody_watches_and_a_key_are_one_run(world: World) -> None:
    """Point 19: a counting server was charged twice."""
    with open_shop() as shop:
        project = world.project(CHARGING.format(url=shop.url, text="first"))
        with world.window(cwd=project) as window:
            window.shows("1 created")
            for number, (text, key) in enumerate((("first", "enter"), ("second", "r"), ("third", "r")), 1):
                (project / "main.py").write_text(CHARGING.format(url=shop.url, text=text), encoding="utf-8")
                window.press(key)
                window.shows(f'"text": "{text}"')
                window.shows("✓ completed")
                assert shop.asked["/charge"] == number
                if number == 1:
                    window.press("w")
                    window.shows("not watching|Watch +off|watch on")
            window.press("q")
            assert window.ends() == 0
        assert shop.asked["/charge"] == 3


def test_a_shown_run_goes_on_when_somebody_restarts_the_daemon(world: World) -> None:
    project = world.project(WAITING)
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("▸ pause|◔ pause")
        assert world.run("server", "stop").code == 0
        window.shows("The daemon was stopped")
        assert world.run("server", "start").code == 0
        window.shows("✓ completed")
        window.shows('"text": "good morning"')
        window.no_longer_shows("Press r to")
        window.press("q")
        assert window.ends() == 0


def test_a_server_that_is_not_ours_is_looked_for_until_it_is_there(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other")
    other.folder.mkdir()
    assert other.run("server", "start", "--no-auth").code == 0
    try:
        address = json.loads(other.run("server", "status", "--output", "json").out)["address"]
        assert other.run("server", "stop").code == 0
        world.variables = {"STIGMER_SERVER_ADDR": address}
        with world.window(cwd=world.project(GREETING.format(text="hello"))) as window:
            window.shows(f"Cannot reach the server at {address}")
            assert other.run("server", "start", "--no-auth", "--address", address).code == 0
            window.shows("1 created")
            window.press("enter")
            window.shows('"text": "hello"')
            window.press("q")
            assert window.ends() == 0
        assert read_record(world.home) is None
    finally:
        other.close()
