"""The watcher on real files: what editors do, what programs do, and what happens while nobody looks."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from stigmer_tui.project import watch
from stigmer_tui.project.folder_events import FileEvents, PolledFileEvents, SystemFileEvents, must_poll
from stigmer_tui.project.snapshot import ChangeKind
from stigmer_tui.project.watch import Change, Watcher, WatchProblem
from tests.project.projects import write_files

pytestmark = pytest.mark.e2e

SENTINEL = "sentinel.txt"


@pytest.fixture(params=["watchfiles", "polling"])
def any_notices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same behaviour, whatever the news come by."""
    monkeypatch.setattr(watch, "PolledFileEvents", partial(PolledFileEvents, interval=0.03))
    monkeypatch.delenv("WATCHFILES_FORCE_POLLING", raising=False)
    if request.param == "polling":
        monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")


@asynccontextmanager
async def watching(folder: Path, **files: str) -> AsyncIterator[Watcher]:
    write_files(folder, files or {"main.py": "one\ntwo\nthree\n"})
    async with asyncio.timeout(60), Watcher(folder) as watcher:
        yield watcher


async def next_change(watcher: Watcher) -> Change:
    event = await anext(watcher)
    assert isinstance(event, Change)
    return event


async def nothing_more(watcher: Watcher, folder: Path) -> None:
    """The next thing that is told is what is done now, and nothing is told with it."""
    (folder / SENTINEL).write_text("1\n")
    assert [file.path for file in (await next_change(watcher)).files] == [SENTINEL]


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def atomically(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.tmp")
    scratch.write_text(text)
    scratch.replace(path)


def like_vim(path: Path, text: str) -> None:
    swap = path.with_name(f".{path.name}.swp")
    swap.write_text("swap")
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_text(text)
    backup.unlink()
    swap.unlink()


def like_emacs(path: Path, text: str) -> None:
    lock = path.with_name(f".#{path.name}")
    lock.symlink_to("somebody@somewhere.1234")
    path.with_name(f"#{path.name}#").write_text(text)
    path.with_name(f"{path.name}~").write_text(path.read_text())
    path.write_text(text)
    path.with_name(f"#{path.name}#").unlink()
    lock.unlink()


def like_nano(path: Path, text: str) -> None:
    lock = path.with_name(f".{path.name}.swp")
    lock.write_bytes(b"b0nano")
    with path.open("r+") as file:
        file.truncate()
        file.write(text)
    lock.unlink()


def like_vs_code(path: Path, text: str) -> None:
    """Opened with truncation, written, flushed to the disk."""
    with path.open("w") as file:
        file.flush()
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def like_jetbrains(path: Path, text: str) -> None:
    fresh, old = path.with_name(f"{path.name}___jb_tmp___"), path.with_name(f"{path.name}___jb_old___")
    fresh.write_text(text)
    path.rename(old)
    fresh.rename(path)
    old.unlink()


def with_sed(path: Path, text: str) -> None:
    """`two` → `TWO`, whatever the text."""
    subprocess.run(["sed", "-i", "s/two/TWO/", str(path)], check=True)


def with_vim(path: Path, text: str) -> None:
    """The editor itself; `two` → `TWO`, whatever the text."""
    substitute = ["-c", "%s/two/TWO/e", "-c", "wq"]
    subprocess.run(["vim", "-u", "NONE", "-N", "-es", *substitute, str(path)], check=False, stdin=subprocess.DEVNULL)


needs_vim = pytest.mark.skipif(shutil.which("vim") is None, reason="there is no vim on this machine")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git on this machine")

SAVES = [
    *(in_place, atomically, like_vim, like_emacs, like_nano, like_vs_code, like_jetbrains, with_sed),
    pytest.param(with_vim, marks=needs_vim),
]


@pytest.mark.usefixtures("any_notices")
@pytest.mark.parametrize("save", SAVES)
async def test_a_save_is_one_change_whichever_the_editor(
    tmp_path: Path, save: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MAX_SAVE", 60.0)
    async with watching(tmp_path) as watcher:
        save(tmp_path / "main.py", "one\nTWO\nthree\n")
        assert [str(file) for file in (await next_change(watcher)).files] == ["main.py changed (+1 −1)"]
        save(tmp_path / "main.py", "one\nTWO\nthree\n")
        await nothing_more(watcher, tmp_path)


@pytest.mark.usefixtures("any_notices")
async def test_saving_the_same_again_is_no_change(tmp_path: Path) -> None:
    async with watching(tmp_path) as watcher:
        (tmp_path / "main.py").write_text("one\ntwo\nthree\n")
        (tmp_path / "main.py").touch()
        (tmp_path / "main.py").chmod(0o600)
        await nothing_more(watcher, tmp_path)


@pytest.mark.usefixtures("any_notices")
async def test_what_is_ignored_is_no_change(tmp_path: Path) -> None:
    async with watching(tmp_path, **{"main.py": "1\n", ".gitignore": "*.log\n/out/\n"}) as watcher:
        for name in ("a.log", "out/x", "__pycache__/main.pyc", ".venv/x.py", ".git/index", "dist/x", ".main.py.swp"):
            write_files(tmp_path, {name: "x"})
        await nothing_more(watcher, tmp_path)
        assert watcher.file_count == 3


@pytest.mark.usefixtures("any_notices")
async def test_a_burst_is_one_change(tmp_path: Path) -> None:
    files = {f"part_{number}.py": "1\n" for number in range(10)}
    async with watching(tmp_path, **files) as watcher:
        waiting = asyncio.create_task(next_change(watcher))
        await asyncio.sleep(0)
        for name in files:
            (tmp_path / name).write_text("2\n")
        change = await waiting
        assert [file.path for file in change.files] == sorted(files)
        assert str(change) == "part_0.py changed (+1 −1) and 9 more"
        await nothing_more(watcher, tmp_path)


@pytest.mark.usefixtures("any_notices")
async def test_removed_and_made_again_within_a_moment_is_one_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MAX_SAVE", 60.0)
    path = tmp_path / "main.py"
    async with watching(tmp_path) as watcher:
        waiting = asyncio.create_task(next_change(watcher))
        path.unlink()
        # Longer than a burst is quiet.
        await asyncio.sleep(3 * watch.QUIET)
        path.write_text("one\n")
        assert str(await waiting) == "main.py changed (+0 −2)"
        await nothing_more(watcher, tmp_path)


@pytest.mark.usefixtures("any_notices")
async def test_a_file_that_is_removed_is_told_in_the_end(tmp_path: Path) -> None:
    async with watching(tmp_path) as watcher:
        (tmp_path / "main.py").unlink()
        change = await next_change(watcher)
        assert str(change) == "main.py removed (+0 −3)"
        assert change.saved_at is None
        (tmp_path / "main.py").write_text("one\n")
        assert str(await next_change(watcher)) == "main.py added (+1 −0)"


@pytest.mark.usefixtures("any_notices")
async def test_what_happens_while_nobody_waits_is_told_next(tmp_path: Path) -> None:
    async with watching(tmp_path) as watcher:
        (tmp_path / "main.py").write_text("busy\n")
        await next_change(watcher)
        (tmp_path / "main.py").write_text("first\n")
        (tmp_path / "other.py").write_text("1\n")
        (tmp_path / "gone.py").write_text("1\n")
        (tmp_path / "main.py").write_text("second\nlines\n")
        (tmp_path / "gone.py").unlink()
        change = await next_change(watcher)
        assert [str(file) for file in change.files] == ["main.py changed (+2 −1)", "other.py added (+1 −0)"]
        await nothing_more(watcher, tmp_path)


async def test_a_change_and_back_while_nobody_waits_is_none(tmp_path: Path) -> None:
    async with watching(tmp_path) as watcher:
        (tmp_path / "main.py").write_text("other\n")
        (tmp_path / "main.py").write_text("one\ntwo\nthree\n")
        await nothing_more(watcher, tmp_path)


async def test_a_change_between_the_first_look_and_the_first_wait_is_told(tmp_path: Path) -> None:
    async with watching(tmp_path) as watcher:
        (tmp_path / "main.py").write_text("early\n")
        assert (await next_change(watcher)).files[0].path == "main.py"


async def test_who_asks_is_answered_when_all_that_was_saved_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 19: also where the system tells of nothing, as with a save that it has not told of yet."""

    async def listen(folders: Collection[str]) -> FileEvents:
        return PolledFileEvents(1000)

    monkeypatch.setattr(SystemFileEvents, "start", listen)
    monkeypatch.delenv("WATCHFILES_FORCE_POLLING", raising=False)
    told: list[str] = []

    async def consume() -> None:
        while True:
            told.append(str(await next_change(watcher)))

    async with watching(tmp_path) as watcher:
        consuming = asyncio.create_task(consume())
        await watcher.caught_up()
        assert told == []
        for number in range(3):
            (tmp_path / "main.py").write_text(f"{number}\n")
            await asyncio.gather(watcher.caught_up(), watcher.caught_up())
            assert len(told) == number + 1
        consuming.cancel()
        await asyncio.wait([consuming])
    async with watching(tmp_path) as watcher:
        asking = asyncio.create_task(watcher.caught_up())
        await asyncio.sleep(0)
    await asking


async def test_waiting_can_be_given_up_without_losing_anything(tmp_path: Path) -> None:
    async with watching(tmp_path) as watcher:
        for number in range(5):
            waiting = asyncio.create_task(next_change(watcher))
            await asyncio.sleep(0.005 * number)
            (tmp_path / "main.py").write_text(f"{number}\n")
            await asyncio.sleep(0.005)
            waiting.cancel()
            await asyncio.wait([waiting])
            if waiting.cancelled():
                assert str(await next_change(watcher)).startswith("main.py changed")


@pytest.mark.usefixtures("any_notices")
async def test_new_folders_are_followed(tmp_path: Path) -> None:
    async with watching(tmp_path) as watcher:
        write_files(tmp_path, {"parts/deep/texts.py": "1\n"})
        assert [file.path for file in (await next_change(watcher)).files] == ["parts/deep/texts.py"]
        write_files(tmp_path, {"parts/deep/texts.py": "1\n2\n"})
        assert str(await next_change(watcher)) == "parts/deep/texts.py changed (+1 −0)"
        (tmp_path / "empty").mkdir()
        await nothing_more(watcher, tmp_path)
        write_files(tmp_path, {"empty/now_not.py": "1\n"})
        assert str(await next_change(watcher)) == "empty/now_not.py added (+1 −0)"
        assert watcher.file_count == 4


class TestLinks:
    """Point 39: a save behind a link is a save."""

    @pytest.mark.usefixtures("any_notices")
    async def test_a_file(self, tmp_path: Path) -> None:
        project, shared = tmp_path / "project", tmp_path / "shared"
        write_files(shared, {"texts.py": "1\n"})
        write_files(project, {"main.py": "1\n"})
        (tmp_path / "way").mkdir()
        (tmp_path / "way" / "current").symlink_to("../shared/texts.py")
        (project / "texts.py").symlink_to("../way/current")
        async with watching(project) as watcher:
            for save in (in_place, atomically, like_vim):
                save(shared / "texts.py", f"{save.__name__}\n")
                assert str(await next_change(watcher)) == "texts.py changed (+1 −1)"
            # The link in between is turned to another file.
            write_files(shared, {"other.py": "1\n2\n3\n"})
            (tmp_path / "way" / "fresh").symlink_to("../shared/other.py")
            (tmp_path / "way" / "fresh").replace(tmp_path / "way" / "current")
            assert str(await next_change(watcher)) == "texts.py changed (+3 −1)"
            await nothing_more(watcher, project)

    @pytest.mark.usefixtures("any_notices")
    async def test_a_folder(self, tmp_path: Path) -> None:
        project, shared = tmp_path / "project", tmp_path / "shared"
        write_files(shared, {"deep/texts.py": "1\n", "__pycache__/x.pyc": "1"})
        write_files(project, {"main.py": "1\n"})
        (project / "common").symlink_to("../shared")
        (project / "node_modules").symlink_to("../shared")
        async with watching(project) as watcher:
            atomically(shared / "deep" / "texts.py", "2\n")
            assert str(await next_change(watcher)) == "common/deep/texts.py changed (+1 −1)"
            write_files(shared, {"new/more.py": "1\n"})
            assert str(await next_change(watcher)) == "common/new/more.py added (+1 −0)"
            write_files(shared, {"__pycache__/x.pyc": "2"})
            await nothing_more(watcher, project)


async def test_a_folder_that_moves_takes_its_files_along(tmp_path: Path) -> None:
    async with watching(tmp_path, **{"main.py": "1\n", "old/a.py": "1\n"}) as watcher:
        (tmp_path / "old").rename(tmp_path / "new")
        change = await next_change(watcher)
        assert [(file.path, file.kind) for file in change.files] == [
            ("new/a.py", ChangeKind.ADDED),
            ("old/a.py", ChangeKind.REMOVED),
        ]
        write_files(tmp_path, {"new/a.py": "2\n"})
        assert str(await next_change(watcher)) == "new/a.py changed (+1 −1)"


async def test_a_new_rule_to_ignore_holds_at_once(tmp_path: Path) -> None:
    async with watching(tmp_path, **{"main.py": "1\n", "data/x.csv": "1\n"}) as watcher:
        (tmp_path / ".gitignore").write_text("data/\n")
        assert {file.path for file in (await next_change(watcher)).files} == {".gitignore", "data/x.csv"}
        write_files(tmp_path, {"data/x.csv": "2\n"})
        await nothing_more(watcher, tmp_path)


async def test_ignored_folders_are_not_even_listened_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listened: list[str] = []

    async def listen(folders: Collection[str]) -> FileEvents:
        listened.extend(folders)
        return PolledFileEvents(0.01)

    monkeypatch.setattr(SystemFileEvents, "start", listen)
    files = {"main.py": "1\n", "parts/a.py": "1\n", ".venv/lib/deep/x.py": "1\n", "node_modules/a/b.js": "1\n"}
    async with watching(tmp_path, **files) as watcher:
        await nothing_more(watcher, tmp_path)
    assert sorted(listened) == [str(tmp_path), str(tmp_path / "parts")]


async def test_when_the_system_does_not_tell_it_says_so_and_looks_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listen(folders: Collection[str]) -> FileEvents:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SystemFileEvents, "start", listen)
    monkeypatch.setattr(watch, "PolledFileEvents", partial(PolledFileEvents, interval=0.03))
    async with watching(tmp_path) as watcher:
        trouble = await anext(watcher)
        assert isinstance(trouble, WatchProblem)
        assert "No space left on device" in trouble.message
        assert "max_user_watches" in trouble.advice
        (tmp_path / "main.py").write_text("one\n")
        assert str(await next_change(watcher)) == "main.py changed (+0 −2)"


async def test_a_project_that_disappears_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PolledFileEvents", partial(PolledFileEvents, interval=0.03))
    project = tmp_path / "shop"
    async with watching(project) as watcher:
        await nothing_more(watcher, project)
        project.rename(tmp_path / "elsewhere")
        assert str(await next_change(watcher)) == "main.py removed (+0 −3) and 1 more"
        assert isinstance(await anext(watcher), WatchProblem)
        (tmp_path / "elsewhere").rename(project)
        assert str(await next_change(watcher)) == "main.py added (+3 −0) and 1 more"


async def test_the_time_of_the_save_is_told(tmp_path: Path) -> None:
    async with watching(tmp_path) as watcher:
        (tmp_path / "main.py").write_text("one\n")
        change = await next_change(watcher)
        assert change.saved_at is not None
        assert change.saved_at.timestamp() == pytest.approx((tmp_path / "main.py").stat().st_mtime)


@pytest.mark.usefixtures("any_notices")
async def test_however_fast_things_change_the_last_state_is_told(tmp_path: Path) -> None:
    chance = random.Random(7)
    names = ["main.py", "a.py", "b/c.py", "b/d/e.py"]
    exists = {"main.py": True}

    async def write_wildly() -> None:
        for number in range(300):
            path = tmp_path / chance.choice(names)
            if chance.random() < 0.3:
                path.unlink(missing_ok=True)
            else:
                write_files(tmp_path, {str(path.relative_to(tmp_path)): f"{number}\n"})
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.004]))
        (tmp_path / SENTINEL).write_text("1\n")

    async with watching(tmp_path) as watcher, asyncio.TaskGroup() as group:
        group.create_task(write_wildly())
        while SENTINEL not in exists:
            for file in (await next_change(watcher)).files:
                exists[file.path] = file.kind is not ChangeKind.REMOVED
            await asyncio.sleep(chance.choice([0, 0.01, 0.05]))
    for name in names:
        assert exists.get(name, False) == (tmp_path / name).exists(), name


@pytest.mark.parametrize(
    ("value", "system", "expected"),
    [
        ("", "6.1.0-generic", False),
        ("", "5.15.90.1-microsoft-standard-WSL2", True),
        ("1", "6.1.0-generic", True),
        ("true", "6.1.0-generic", True),
        ("false", "6.1.0-generic", False),
        ("disabled", "5.15.90.1-microsoft-standard-WSL2", False),
    ],
)
def test_polling_is_a_choice_and_a_need_on_wsl(
    value: str, system: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.release", lambda: system)
    assert must_poll({"WATCHFILES_FORCE_POLLING": value}, tmp_path) is expected


@dataclass(frozen=True)
class Mount:
    mountpoint: str
    fstype: str


@pytest.mark.parametrize(
    ("fstype", "expected"),
    [("ext4", False), ("tmpfs", False), ("nfs4", True), ("smbfs", True), ("fuse.sshfs", True), ("virtiofs", True)],
)
async def test_a_folder_that_other_machines_write_is_polled(
    tmp_path: Path, fstype: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest mount counts, and no event of the system is needed."""
    mounts = [Mount("/", "ext4"), Mount(str(tmp_path), fstype)]
    monkeypatch.setattr("psutil.disk_partitions", lambda all: mounts)  # noqa: A006
    monkeypatch.delenv("WATCHFILES_FORCE_POLLING", raising=False)
    assert must_poll({}, tmp_path / "shop") is expected
    started: list[object] = []
    monkeypatch.setattr(SystemFileEvents, "start", lambda folders: started.append(folders))
    monkeypatch.setattr(watch, "PolledFileEvents", partial(PolledFileEvents, interval=0.03))
    if expected:
        async with watching(tmp_path / "shop") as watcher:
            (tmp_path / "shop" / "main.py").write_text("one\n")
            assert str(await next_change(watcher)) == "main.py changed (+0 −2)"
        assert started == []


@pytest.mark.parametrize("repository", [".git", "elsewhere"])
async def test_what_git_changes_is_one_change_when_it_has_finished(tmp_path: Path, repository: str) -> None:
    lock = tmp_path / repository / "index.lock"
    lock.parent.mkdir()
    files = {"main.py": "1\n", "old.py": "1\n", ".gitignore": "elsewhere/\n"}
    if repository != ".git":
        files[".git"] = f"gitdir: {repository}\n"
    async with watching(tmp_path, **files) as watcher:
        waiting = asyncio.create_task(next_change(watcher))
        lock.touch()
        for number in range(3):
            (tmp_path / "main.py").write_text(f"{number}\n")
            (tmp_path / f"new-{number}.py").write_text("1\n")
            # Longer than any burst of saves.
            await asyncio.sleep(0.3)
        (tmp_path / "old.py").unlink()
        assert not waiting.done()
        lock.unlink()
        change = await waiting
        assert [file.path for file in change.files] == ["main.py", "new-0.py", "new-1.py", "new-2.py", "old.py"]


@needs_git
async def test_a_switch_of_branches_is_one_change(tmp_path: Path) -> None:
    """By git itself, with so many files that it takes longer than a burst of saves is quiet."""

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def commit(text: str) -> None:
        write_files(tmp_path, {f"part_{number % 10}/file_{number}.py": text for number in range(400)})
        git("add", "--all")
        git("commit", "--message", text)

    git("init", "--initial-branch", "main")
    commit("one\n")
    git("switch", "--create", "other")
    commit("two\n")
    async with watching(tmp_path, **{"notes.txt": "1\n"}) as watcher:
        waiting = asyncio.create_task(next_change(watcher))
        await asyncio.sleep(0)
        await asyncio.to_thread(git, "switch", "main")
        assert len((await waiting).files) == 400
        await nothing_more(watcher, tmp_path)


async def test_a_lock_that_git_has_left_behind_holds_nothing_up(tmp_path: Path) -> None:
    lock = tmp_path / ".git" / "index.lock"
    lock.parent.mkdir()
    lock.touch()
    os.utime(lock, (0, 0))
    async with watching(tmp_path) as watcher:
        (tmp_path / "main.py").write_text("changed\n")
        assert [file.path for file in (await next_change(watcher)).files] == ["main.py"]
