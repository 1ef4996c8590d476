"""Files that nobody watches: what .gitignore names, build output, and what editors leave for a moment."""

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
# JetBrains, Kate, GLib, sed, and everybody else.
*___jb_???___
*.kate-swp
.goutputstream-*
sed??????
*.tmp
"""
"""As in a .gitignore; the project's own files of that name can take a line back, such as with `!build/`."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """The lines of one .gitignore, which hold below its folder."""

    prefix: str
    """The folder, with a slash at its end."""
    verdict: Callable[[str], bool | None]
    """Whether a path below the folder is ignored; None where no line speaks of it."""


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules of one folder: of its own .gitignore, and those around it as far as the repository goes.

    Paths are absolute, and texts: there are many of them.
    """

    layers: tuple[_Layer, ...]

    @classmethod
    def for_project(cls, folder: Path) -> IgnoreRules:
        """Where the repository around a project ignores all of it, only the project's own rules hold."""
        around = cls(tuple(_layer(f"{outer}/", _lines(outer)) for outer in _folders_around(folder)))
        layers = () if around.ignores(str(folder), is_folder=True) else around.layers
        return cls((*layers, _layer(f"{folder}/", ALWAYS + _lines(folder))))

    def within(self, folder: str) -> IgnoreRules:
        """The rules of a folder inside, where these are those of the folder that it is in."""
        lines = _lines(Path(folder))
        return IgnoreRules((*self.layers, _layer(f"{folder}/", lines))) if lines else self

    def ignores(self, path: str, is_folder: bool) -> bool:
        for layer in reversed(self.layers):
            relative = path.removeprefix(layer.prefix) + ("/" if is_folder else "")
            verdict = layer.verdict(relative)
            if verdict is not None:
                return verdict
        return False


def _folders_around(project: Path) -> list[Path]:
    """From the root of the repository that a project is in down to the folder around it."""
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

    # The same paths are asked about at every look, and forty patterns take longer than all the rest of it.
    @lru_cache(maxsize=50_000)
    def verdict(path: str) -> bool | None:
        return patterns.check_file(path).include

    return _Layer(prefix, verdict)
