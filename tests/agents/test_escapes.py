"""Ways out of an agent's folder, each a row: none of them reads, lists or changes anything outside."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stigmer_tui.agents.sandbox.confinement import Confinement, command_environment, find_confinement
from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.agents.tools.files import FileTools
from stigmer_tui.agents.tools.search import SearchTools
from stigmer_tui.agents.tools.shell import ShellTool
from stigmer_tui.core.errors import StigmerError
from tests.agents.test_commands import end_of

SECRET = "not yours"
KEY = "sk-of-the-runner"


@dataclass(frozen=True, slots=True)
class Place:
    """The folder `work` of an agent, beside a folder whose name begins alike."""

    work: Path
    outside: Path

    @classmethod
    def at(cls, path: Path) -> Place:
        place = cls(path / "work", path / "work-of-others")
        place.work.mkdir()
        place.outside.mkdir()
        (place.outside / "secret.txt").write_text(SECRET)
        return place

    def fill(self, text: str) -> str:
        """With the paths of both in their places."""
        return text.replace("WORK", str(self.work)).replace("OUTSIDE", str(self.outside))

    def assert_untouched(self) -> None:
        assert [entry.name for entry in self.outside.iterdir()] == ["secret.txt"]
        assert (self.outside / "secret.txt").read_text() == SECRET
        assert sorted(entry.name for entry in self.outside.parent.iterdir()) == ["work", "work-of-others"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.at(tmp_path)


PATHS = {
    "up": "/../work-of-others/secret.txt",
    "up, relative": "../work-of-others/secret.txt",
    "up from below": "/a/../../work-of-others/secret.txt",
    "up from deep below": "/a/b/c/../../../../work-of-others/secret.txt",
    "up, with single dots between": "/./.././work-of-others/secret.txt",
    "up, again and again": f"/{'../' * 200}etc/passwd",
    "absolute": "OUTSIDE/secret.txt",
    "absolute, doubled slashes": "//OUTSIDE//secret.txt",
    "absolute, a name that begins alike": "WORK-of-others/secret.txt",
    "absolute, up from the folder": "WORK/../work-of-others/secret.txt",
    "absolute, up from the folder and back": "WORK/../work/../work-of-others/secret.txt",
    "home": "~/secret.txt",
    "home of somebody": "~root/.bashrc",
    "home in a variable": "$HOME/../work-of-others/secret.txt",
    "working folder of the process": "/proc/self/cwd/../work-of-others/secret.txt",
    "root of the process": "/proc/self/root/OUTSIDE/secret.txt",
    "root of another process": "/proc/1/root/OUTSIDE/secret.txt",
    "environment of the process": "/proc/self/environ",
    "an open file": "/dev/fd/0",
    "backslashes": "..\\work-of-others\\secret.txt",
    "percent signs": "/%2e%2e/work-of-others/secret.txt",
    "full-width dots": "/\uff0e\uff0e/work-of-others/secret.txt",
    "a two dot leader": "/\u2025/work-of-others/secret.txt",
    "slashes of mathematics": "..\u2215work-of-others\u2215secret.txt",
    "dots with a joiner": "/.\u200d./work-of-others/secret.txt",
    "text from right to left": "/\u202e../work-of-others/secret.txt",
    "a blank after the dots": "/.. /work-of-others/secret.txt",
    "a line break": "/..\n/work-of-others/secret.txt",
    "a zero": "/a\0/../../work-of-others/secret.txt",
    "a URL": "file://OUTSIDE/secret.txt",
}


def link(target: str, name: str = "way") -> Callable[[Place], object]:
    return lambda place: (place.work / name).symlink_to(place.fill(target))


def chain(place: Place) -> None:
    (place.work / "a").symlink_to("b")
    (place.work / "b").symlink_to("c")
    (place.work / "c").symlink_to(place.outside)


def replaced_folder(place: Place) -> None:
    place.work.rmdir()
    place.work.symlink_to(place.outside)


LINKS: dict[str, tuple[Callable[[Place], object], str]] = {
    "a link to a folder": (link("OUTSIDE"), "/way/secret.txt"),
    "a link to a file": (link("OUTSIDE/secret.txt"), "/way"),
    "a relative link": (link("../work-of-others"), "/way/secret.txt"),
    "a link up from a folder that there is": (link("WORK/../work-of-others"), "/way/secret.txt"),
    "a link to the root": (link("/"), "/way/OUTSIDE/secret.txt"),
    "a link to the folder above": (link(".."), "/way/work-of-others/secret.txt"),
    "a link to a name that begins alike": (link("WORK-of-others"), "/way/secret.txt"),
    "a chain of links": (chain, "/a/secret.txt"),
    "a link to what there is not yet": (link("OUTSIDE/new.txt"), "/way"),
    "a link to a folder that there is not yet": (link("OUTSIDE/new"), "/way/new.txt"),
    "a link to the working folder of the process": (link("/proc/self/cwd"), "/way/secret.txt"),
    "a link to the environment of the process": (link("/proc/self/environ"), "/way"),
    "a link to an open file": (link("/dev/fd/0"), "/way"),
    "a link with an odd name": (link("OUTSIDE", "w\u00e4y\u202e"), "/w\u00e4y\u202e/secret.txt"),
    "the folder itself became a link": (replaced_folder, "/secret.txt"),
}


def answers(folder: Folder, path: str) -> Iterator[str]:
    """What each tool on files says to a path."""
    files, search = FileTools(folder), SearchTools(folder)
    above = path.rpartition("/")[0] or "/"
    calls: tuple[Callable[[], str], ...] = (
        lambda: files.read_file(path),
        lambda: files.ls(path),
        lambda: files.ls(above),
        lambda: search.grep("yours", path),
        lambda: search.grep("yours", above, output_mode="content"),
        lambda: search.glob("**/*", above),
        lambda: search.glob(path),
        lambda: files.edit_file(path, "not", "all"),
        lambda: files.write_file(path, "changed"),
        lambda: files.write_file(f"{above}/new.txt", "new"),
    )
    for call in calls:
        try:
            yield call()
        except StigmerError as refusal:
            yield refusal.message


@pytest.mark.parametrize("name", PATHS)
def test_a_path_leads_nowhere_else(place: Place, name: str) -> None:
    for answer in answers(Folder(place.work), place.fill(PATHS[name])):
        assert SECRET not in answer and "root:" not in answer
    place.assert_untouched()


@pytest.mark.parametrize("name", LINKS)
def test_a_link_leads_nowhere_else(place: Place, name: str) -> None:
    folder = Folder(place.work)
    prepare, path = LINKS[name]
    prepare(place)
    for answer in answers(folder, place.fill(path)):
        assert SECRET not in answer and "PATH=" not in answer
    place.assert_untouched()


HOLDING = "exec 9> held; echo > begun; while :; do sleep 0.01; done"
"""A process that holds a pipe open for as long as it lives."""

PROCESSES = {
    "in the background": "sh -c '{}' &",
    "in a session of its own": "setsid sh -c '{}' &",
    "without a parent": "(setsid sh -c \"sh -c '{}' & exit\" &)",
    "deaf to signals": "trap '' HUP INT TERM; sh -c '{}' &",
    "without its output": "nohup sh -c '{}' > /dev/null 2>&1 &",
    "without an environment": "env -i PATH=$PATH setsid sh -c '{}' &",
    "under another name": "cp /bin/sh ./innocent; ./innocent -c '{}' &",
    "from elsewhere": "(exec sh -c '{}' 2> /dev/null) & wait_for_nobody=1",
    "stopped": "sh -c 'exec 9> held; echo > begun; kill -STOP $$' &",
    "one that has killed its parent": "(sh -c '{}' &) ; until test -e begun; do sleep 0.01; done; kill -9 $$",
    "behind a keeper that was killed": "sh -c '{}' & until test -e begun; do sleep 0.01; done; kill -9 $PPID",
}
"""Ways to outlive a command."""


@pytest.fixture(params=["folder only", "bubblewrap"])
async def confinement(request: pytest.FixtureRequest, tmp_path: Path) -> Confinement:
    return Confinement() if request.param == "folder only" else await bubblewrap(tmp_path)


async def bubblewrap(folder: Path) -> Confinement:
    found = await find_confinement(folder)
    if not found.bubblewrap:
        pytest.skip("bubblewrap does not work here")
    return found


async def execute(place: Place, confinement: Confinement, command: str, limit: float = 60) -> str:
    environment = command_environment({**os.environ, "ANTHROPIC_API_KEY": KEY}, {}, place.work)
    mark = f"escapes-{os.getpid()}-{place.work.parent.name}"
    shell = ShellTool(Folder(place.work), confinement, environment, mark, limit)
    try:
        return await shell.execute(place.fill(command))
    except StigmerError as failure:
        return getattr(failure, "output", failure.message)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
@pytest.mark.parametrize("name", PROCESSES)
async def test_no_process_outlives_its_command(place: Place, confinement: Confinement, name: str) -> None:
    os.mkfifo(place.work / "held")
    reader = os.open(place.work / "held", os.O_RDONLY | os.O_NONBLOCK)
    try:
        launch = PROCESSES[name].replace("{}", HOLDING)
        await execute(place, confinement, f"{launch}\nuntil test -e begun; do sleep 0.01; done")
        assert (place.work / "begun").exists()
        await asyncio.wait_for(end_of(reader), 60)
    finally:
        os.close(reader)
    place.assert_untouched()


COMMANDS = {
    "a folder that it went to": ("cd / ; cd OUTSIDE", "pwd", "WORK\n[exit code 0]"),
    "a variable that it has set": ("export HOME=OUTSIDE", 'echo "$HOME"', "WORK\n[exit code 0]"),
    "a function of the shell": ("ls() { cat OUTSIDE/secret.txt; }", "ls", "[exit code 0]"),
    "an alias": ("alias pwd='cat OUTSIDE/secret.txt'", "pwd", "WORK\n[exit code 0]"),
    "files that shells read": ("echo 'echo stays' > .profile; cp .profile .bashrc", "true", "[exit code 0]"),
    "limits": ("ulimit -f 0; umask 777", "echo a > a; cat a", "a\n[exit code 0]"),
    "input": ("true", "cat", "[exit code 0]"),
    "keys of the runner": ("true", "env | grep -c sk-of", "0\n[exit code 1]"),
}
"""What a command could leave for the next one, or find: it, the next one, and what that says."""


@pytest.mark.parametrize("name", COMMANDS)
async def test_nothing_of_a_command_is_left_for_the_next(place: Place, confinement: Confinement, name: str) -> None:
    before, after, said = COMMANDS[name]
    await execute(place, confinement, before)
    assert await execute(place, confinement, after) == place.fill(said)
    place.assert_untouched()


CONFINED = {
    "read by path": "cat OUTSIDE/secret.txt",
    "read from above": "cd .. && cat work-of-others/secret.txt",
    "list": "ls OUTSIDE",
    "write": "echo changed > OUTSIDE/secret.txt",
    "append": "echo changed >> ../work-of-others/secret.txt",
    "a new file": "touch OUTSIDE/new",
    "remove": "rm -rf OUTSIDE",
    "move the folder": "cd .. && mv work gone && ln -s work-of-others work",
    "through a link": "ln -s OUTSIDE way; cat way/secret.txt; echo changed > way/secret.txt",
    "through a hard link": "ln OUTSIDE/secret.txt mine && cat mine && echo changed > mine",
    "through the process": "cat /proc/self/cwd/../work-of-others/secret.txt /proc/1/root/OUTSIDE/secret.txt",
    "by a redirection of input": "read line < OUTSIDE/secret.txt; echo $line",
    "by an archive": "tar cf - OUTSIDE | tar xOf -",
    "in another user namespace": "unshare -rm cat OUTSIDE/secret.txt",
    "by mounting": "mount --bind OUTSIDE . && cat secret.txt",
    "the runner's environment": "cat /proc/[0-9]*/environ | tr '\\0' '\\n'",
    "kill the runner": f"kill -9 {os.getpid()} && echo '{SECRET}'",
}
"""What only bubblewrap prevents: without it, a command can do what the user of the daemon can."""


@pytest.mark.parametrize("name", CONFINED)
async def test_a_confined_command_reaches_nothing_outside(
    place: Place, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("STIGMER_LLM_API_KEY", KEY)
    said = await execute(place, await bubblewrap(place.work), CONFINED[name])
    assert SECRET not in said and KEY not in said
    place.assert_untouched()


def test_there_are_at_least_sixty() -> None:
    assert len(PATHS) + len(LINKS) + len(PROCESSES) + len(COMMANDS) >= 60


def test_what_a_link_was_made_of_while_a_file_is_changed_stays_outside(place: Place) -> None:
    """A hard link cannot be told from a file: to change it makes a file of its own."""
    os.link(place.outside / "secret.txt", place.work / "mine.txt")
    FileTools(Folder(place.work)).edit_file("/mine.txt", "not", "all")
    assert (place.work / "mine.txt").read_text() == "all yours"
    place.assert_untouched()
