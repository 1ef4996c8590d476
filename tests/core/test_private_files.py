"""Point 10: what is kept is for its owner only, whatever the umask and whatever was there before."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import open_private, read_private, write_private
from stigmer_tui.core.sqlite import Database
from stigmer_tui.daemon.token import create_token, read_token
from stigmer_tui.runners.journal import Journal
from stigmer_tui.workbench.session_cache import SessionCache


@pytest.fixture(params=[0o000, 0o022, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Of all files and folders below."""
    return {str(path.relative_to(folder)): oct(path.lstat().st_mode & 0o777) for path in folder.rglob("*")}


@pytest.mark.usefixtures("umask")
def test_everything_is_made_for_its_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path / "some" / "home")
    home.prepare()
    token = create_token(home.token)
    assert read_token(home.token) == token
    Database(home.database, ["CREATE TABLE t (x)"]).submit(lambda db: db.execute("INSERT INTO t VALUES (1)")).result()
    journal = Journal(home.journals / "workflows.db")
    SessionCache(home.cache, "/project").note_project()
    made = modes(tmp_path / "some")
    folders = {name for name, mode in made.items() if (tmp_path / "some" / name).is_dir()}
    assert {made[name] for name in folders} == {"0o700"}
    assert {made[name] for name in made.keys() - folders} == {"0o600"}
    assert {"home/data/workbench.db-wal", "home/data/journals/workflows.lock"} <= made.keys()
    journal.close()


def test_what_was_open_to_others_is_closed_at_the_start(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    outside = tmp_path / "outside"
    outside.touch(0o644)
    files = [home.database, home.log("server"), home.log("server").with_name("server.log.1"), home.cache / "x.json"]
    for path in files:
        path.touch()
        path.chmod(0o644)
    tool = home.workspace / "session" / "tool.sh"
    tool.parent.mkdir(mode=0o755)
    tool.touch()
    tool.chmod(0o755)
    (home.data / "link").symlink_to(outside)
    for folder in (home.data, home.logs, home.cache, home.workspace):
        folder.chmod(0o755)
    home.prepare()
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    folders = (home.data, home.logs, home.cache, home.workspace)
    assert {oct(folder.stat().st_mode & 0o777) for folder in folders} == {"0o700"}
    # What agents work on is theirs, behind a folder that is closed; what links lead to is not ours.
    assert (tool.stat().st_mode & 0o777, outside.stat().st_mode & 0o777) == (0o755, 0o644)


@pytest.mark.parametrize("exists", [True, False])
def test_a_token_that_is_a_link_is_refused(tmp_path: Path, exists: bool) -> None:
    home = Home(tmp_path)
    home.prepare()
    target = tmp_path / "elsewhere"
    if exists:
        target.write_text("a token of somebody else")
        target.chmod(0o644)
    home.token.symlink_to(target)
    for use in (read_token, create_token):
        with pytest.raises(StigmerError, match=r"data/token is a symbolic link, which is not followed") as refusal:
            use(home.token)
        assert refusal.value.advice
    assert target.exists() is exists
    if exists:
        assert target.stat().st_mode & 0o777 == 0o644


def test_other_files_that_are_links_are_refused_too(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.touch()
    link = tmp_path / "file.db"
    link.symlink_to(target)
    with pytest.raises(StigmerError, match="symbolic link"):
        Database(link, [])
    with pytest.raises(StigmerError, match="symbolic link"):
        open_private(link, os.O_WRONLY)
    # One that is written anew takes the place of the link.
    write_private(link, "new")
    assert (target.read_text(), link.is_symlink(), read_private(link)) == ("", False, "new")


def test_a_link_in_the_way_of_a_scratch_file_is_not_written_to(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / f".token.{os.getpid()}").symlink_to(target)
    write_private(tmp_path / "token", "new")
    assert (target.read_text(), (tmp_path / "token").read_text()) == ("precious", "new")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StigmerError, match=r"Cannot make the folder .*file: File exists"):
        Home(tmp_path / "file").prepare()
    with pytest.raises(StigmerError, match=r"Cannot make the folder .*data"):
        (tmp_path / "data").touch()
        Home(tmp_path).prepare()


def test_a_database_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    path.chmod(0o644)
    Database(path, []).close()
    assert path.stat().st_mode & 0o777 == 0o600
