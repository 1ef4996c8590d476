"""Stigmer.yaml: its keys, its defaults, and complaints that name the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_file import find_project, is_project, load_project
from stigmer_tui.project.project_keys import Runtime


def load(folder: Path, text: str) -> object:
    (folder / "Stigmer.yaml").write_text(text)
    return load_project(folder)


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "Stigmer.yaml").write_text(
        "name: shop\nruntime: go\nmain: cmd/shop.go\nversion: 1.0.0\norganization: acme\ndescription: ours\nx: [1]\n"
    )
    project = load_project(tmp_path)
    assert (project.name, project.runtime, project.version) == ("shop", Runtime.GO, "1.0.0")
    assert (project.main, project.organization) == (tmp_path / "cmd/shop.go", "acme")


@pytest.mark.parametrize(("runtime", "main"), [("python", "main.py"), ("go", "main.go")])
def test_the_entry_file_has_a_default(tmp_path: Path, runtime: str, main: str) -> None:
    (tmp_path / "Stigmer.yaml").write_text(f"name: shop\nruntime: {runtime}\n")
    assert load_project(tmp_path).main == tmp_path / main


def test_the_entry_file_may_be_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "Stigmer.yaml").write_text("name: shop\nruntime: python\nmain: /srv/shop.py\n")
    assert load_project(tmp_path).main == Path("/srv/shop.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runtime: go\n", "Stigmer.yaml:1:1 name is missing"),
        ("name: shop\n", "Stigmer.yaml:1:1 runtime is missing"),
        ("name: shop\n\nruntime: rust\n", "Stigmer.yaml:3:1 runtime is 'rust'"),
        ("name: [a]\nruntime: go\n", "Stigmer.yaml:1:1 name must be a text"),
        ("name: shop\nruntime: python\nmain: main.go\n", "Stigmer.yaml:3:1 main is main.go, but a python project"),
        ("name: shop\n  runtime: go\n", "Stigmer.yaml:2:10 is not valid YAML"),
        ("- name\n", "Stigmer.yaml must hold keys"),
        ("", "Stigmer.yaml must hold keys"),
    ],
)
def test_complaints_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(StigmerError) as raised:
        load(tmp_path, text)
    assert raised.value.message.startswith(message)


@pytest.mark.parametrize("name", ["stigmer.yaml", "Stigmer.yml", "STIGMER.YAML"])
def test_a_project_holds_exactly_that_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("name: shop\nruntime: go\n")
    assert not is_project(tmp_path)
    with pytest.raises(StigmerError, match=r"No Stigmer.yaml found in"):
        load_project(tmp_path)


def test_a_folder_that_is_not_there_is_no_project(tmp_path: Path) -> None:
    assert not is_project(tmp_path / "nothing")


def test_it_is_found_in_the_folders_around(tmp_path: Path) -> None:
    (tmp_path / "Stigmer.yaml").touch()
    inner = tmp_path / "cmd" / "shop"
    inner.mkdir(parents=True)
    assert find_project(inner) == tmp_path
    (tmp_path / "cmd" / "Stigmer.yaml").touch()
    assert find_project(inner) == tmp_path / "cmd"
    assert find_project(tmp_path.parent) is None
