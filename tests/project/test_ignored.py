"""Which files nobody watches."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.project.snapshot import take_snapshot
from tests.project.projects import write_files


def watched(project: Path) -> set[str]:
    return set(take_snapshot(project).files)


@pytest.mark.parametrize(
    "path",
    [
        ".git/index",
        ".venv/lib/site.py",
        "venv/bin/python",
        "node_modules/x/index.js",
        "web/node_modules/x.js",
        "__pycache__/main.pyc",
        "parts/__pycache__/x.pyc",
        ".stigmer/agent-0.pb",
        "dist/x.whl",
        "build/x",
        ".mypy_cache/x.json",
        "shop.egg-info/PKG-INFO",
        ".main.py.swp",
        ".main.py.swo",
        ".main.py.swx",
        "4913",
        "main.py~",
        "#main.py#",
        ".#main.py",
        "main.py___jb_tmp___",
        "main.py___jb_old___",
        ".main.py.kate-swp",
        ".goutputstream-AB12CD",
        "sedX1y2Z3",
        "main.py.tmp",
        ".DS_Store",
    ],
)
def test_build_output_and_what_editors_leave_are_ignored(tmp_path: Path, path: str) -> None:
    write_files(tmp_path, {"main.py": "", path: "x"})
    assert watched(tmp_path) == {"main.py"}


@pytest.mark.parametrize(
    "path", [".env", ".github/x.yml", "main.go", "texts/system.md", "4913.py", "builds.py", "sed.py", "data.swift"]
)
def test_everything_else_is_watched(tmp_path: Path, path: str) -> None:
    write_files(tmp_path, {path: "x"})
    assert watched(tmp_path) == {path}


def test_gitignore_files_hold_below_their_folders(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            ".gitignore": "*.log\n/out/\n!important.log\n",
            "a.log": "",
            "important.log": "",
            "out/x": "",
            "parts/out/x": "",
            "parts/.gitignore": "*.txt\n!*.log\n",
            "parts/a.txt": "",
            "parts/a.log": "",
            "a.txt": "",
        },
    )
    assert watched(tmp_path) == {
        ".gitignore",
        "important.log",
        "parts/out/x",
        "parts/.gitignore",
        "parts/a.log",
        "a.txt",
    }


def test_a_project_can_take_a_rule_back(tmp_path: Path) -> None:
    write_files(tmp_path, {".gitignore": "!build/\n", "build/main.go": ""})
    assert "build/main.go" in watched(tmp_path)


def test_the_repository_around_a_project_has_a_say(tmp_path: Path) -> None:
    write_files(tmp_path, {".git/HEAD": "", ".gitignore": "*.log\n", "flows/.gitignore": "*.csv\n"})
    project = tmp_path / "flows" / "shop"
    write_files(project, {"a.log": "", "a.csv": "", "main.py": ""})
    assert watched(project) == {"main.py"}


def test_a_project_that_its_repository_ignores_is_watched_all_the_same(tmp_path: Path) -> None:
    write_files(tmp_path, {".git/HEAD": "", ".gitignore": "/demo/\n*.log\n"})
    project = tmp_path / "demo"
    write_files(project, {"main.py": "", "a.log": "", "dist/x": ""})
    assert watched(project) == {"main.py", "a.log"}


def test_links_to_folders_outside_are_followed_and_special_files_are_left_out(tmp_path: Path) -> None:
    write_files(tmp_path, {"elsewhere/x.py": "", "p/main.py": ""})
    project = tmp_path / "p"
    (project / "loop").symlink_to(project)
    (project / "elsewhere").symlink_to(tmp_path / "elsewhere")
    (project / "linked.py").symlink_to(tmp_path / "elsewhere" / "x.py")
    (project / "broken").symlink_to("nothing")
    assert watched(project) == {"main.py", "linked.py", "elsewhere/x.py"}
