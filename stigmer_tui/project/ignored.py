"""Files that are not watched: those that .gitignore names, build output, and temporary files of editors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pathspec import GitIgnoreSpec

GITIGNORE = ".gitignore"

ALWAYS = """
.git/
.hg/
.svn/
.jj/
.idea/
.vscode/
.DS_Store
Thumbs.db

.stigmer/
.venv/
venv/
node_modules/
__pycache__/
*.py[cod]
*.egg-info/
build/
dist/
htmlcov/
.coverage
.cache/
.hypothesis/
.ipynb_checkpoints/
.mypy_cache/
.nox/
.pytest_cache/
.ruff_cache/
.tox/

# Vim: swap files, the probe for permissions, backups and undo files.
*.sw[a-p]
*.swx
4913
*~
# Emacs: automatic saves and locks.
\\#*\\#
.#*
# JetBrains, Kate, GLib, sed, and others.
*___jb_???___
*.kate-swp
.goutputstream-*
sed??????
*.tmp
"""
"""As in a .gitignore. A line of the project's own .gitignore can override one, such as `!build/`."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """The lines of one .gitignore, which hold below its folder."""

    prefix: str
    """The folder, with a slash at its end."""
    verdict: Callable[[str], bool | None]
    """Whether a path below the folder is ignored; None where no line matches."""


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules that hold in a folder: those of its own .gitignore, and of those above it within the repository.

    Paths are absolute, and strings instead of `Path`, because there are many of them.
    """

    layers: tuple[_Layer, ...]

    @classmethod
    def for_project(cls, folder: Path) -> IgnoreRules:
        """The rules of a project's folder. A repository that ignores all of the project has no say."""
        around = cls(tuple(_layer(f"{outer}/", _lines(outer)) for outer in _folders_around(folder)))
        layers = () if around.ignores(str(folder), is_folder=True) else around.layers
        return cls((*layers, _layer(f"{folder}/", ALWAYS + _lines(folder))))

    def within(self, folder: str) -> IgnoreRules:
        """The rules of a folder, given those of its parent."""
        lines = _lines(Path(folder))
        return IgnoreRules((*self.layers, _layer(f"{folder}/", lines))) if lines else self

    def ignores(self, path: str, is_folder: bool) -> bool:
        """Whether a file or a folder is not watched."""
        for layer in reversed(self.layers):
            relative = path.removeprefix(layer.prefix) + ("/" if is_folder else "")
            verdict = layer.verdict(relative)
            if verdict is not None:
                return verdict
        return False


def _folders_around(project: Path) -> list[Path]:
    """From the root of the project's repository down to the parent of the project."""
    for index, folder in enumerate(project.parents):
        if (folder / ".git").exists():
            return [*reversed(project.parents[: index + 1])]
    return []


def _lines(folder: Path) -> str:
    try:
        return (folder / GITIGNORE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@lru_cache(maxsize=256)
def _layer(prefix: str, lines: str) -> _Layer:
    patterns = GitIgnoreSpec.from_lines(lines.splitlines())

    # Every snapshot asks about the same paths, and matching forty patterns takes longer than the rest of it.
    @lru_cache(maxsize=50_000)
    def verdict(path: str) -> bool | None:
        return patterns.check_file(path).include

    return _Layer(prefix, verdict)
