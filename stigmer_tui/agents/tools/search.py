"""Tools that find files, by name and by content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase, translate
from itertools import islice
from typing import Literal

from stigmer_tui.agents.sandbox.folder import Folder, FoundFile
from stigmer_tui.agents.sandbox.stopping import checkpoint
from stigmer_tui.core.errors import StigmerError

SKIPPED = frozenset({".git", ".venv", "__pycache__", "node_modules", "venv"})
"""Folders that are not searched; they can still be listed and read."""
MAX_FILES = 20_000
"""Files that one search reads."""
MAX_RESULTS = 500
MAX_SIZE = 1_000_000
"""Bytes of a file that are searched."""
MAX_LINE_LENGTH = 300

MAX_PATTERN = 1_000

Mode = Literal["files_with_matches", "content", "count"]


class SearchTools:
    """Tools that search a folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def glob(self, pattern: str, path: str = "/") -> str:
        """Find files by name. Leaves out .git, .venv, venv, node_modules and __pycache__.

        Args:
            pattern: Such as *.py for files in the folder, or **/*.py for files at any depth.
            path: Path of the folder to search in, starting with /.
        """
        wanted = PathPattern(f"{path}/{pattern}")
        found = (file.path for file in self._files(path) if wanted.matches(file.path))
        return _listed(found) or f"No file matches {pattern}"

    def grep(self, pattern: str, path: str = "/", glob: str = "*", output_mode: Mode = "files_with_matches") -> str:
        """Find a text in files. Leaves out .git, .venv, venv, node_modules and __pycache__.

        Args:
            pattern: The text to find, literally and with its case; not a regular expression.
            path: Path of the file or folder to search in, starting with /.
            glob: Only files whose name matches, such as *.py.
            output_mode: files_with_matches for paths, content for lines with their numbers, count for lines per file.
        """
        files = (file for file in self._files(path) if fnmatchcase(file.name, glob))
        found = (line for file in files for line in _found_in(file, pattern, output_mode))
        return _listed(found) or f"No file contains {pattern!r}"

    def _files(self, path: str) -> Iterator[FoundFile]:
        for file in islice(self._folder.files(path, SKIPPED), MAX_FILES):
            checkpoint()
            yield file


class PathPattern:
    """A pattern for paths: `*` matches within a component, `**` any number of components.

    A path is read once, keeping all positions in the pattern that it may have reached. So the time is at most its
    length times that of the pattern.
    """

    def __init__(self, pattern: str) -> None:
        """Raises StigmerError for a pattern that is too long."""
        if len(pattern) > MAX_PATTERN:
            raise StigmerError(f"the pattern is longer than {MAX_PATTERN} characters")
        self._parts: list[re.Pattern[str] | None] = []
        """None for any number of components."""
        for component in _components(pattern):
            if component != "**":
                self._parts.append(re.compile(translate(component)))
            elif not self._parts or self._parts[-1] is not None:
                self._parts.append(None)

    def matches(self, path: str) -> bool:
        """Whether the whole path matches."""
        places = self._with_skipped({0})
        for component in _components(path):
            places = self._with_skipped({after for place in places for after in self._after(place, component)})
        return len(self._parts) in places

    def _after(self, place: int, component: str) -> Iterator[int]:
        if place < len(self._parts):
            part = self._parts[place]
            if part is None:
                yield place
            elif part.match(component):
                yield place + 1

    def _with_skipped(self, places: set[int]) -> set[int]:
        """Adds the positions behind `**`, which may match no component. There are never two in a row."""
        return places | {place + 1 for place in places if place < len(self._parts) and self._parts[place] is None}


def _components(path: str) -> list[str]:
    return [component for component in path.split("/") if component]


def _found_in(file: FoundFile, text: str, mode: Mode) -> Iterator[str]:
    content = file.read(MAX_SIZE)
    if content is None or b"\0" in content or text.encode() not in content:
        return
    lines = content.decode(errors="replace").splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if text in line]
    match mode:
        case "files_with_matches":
            yield file.path
        case "count":
            yield f"{file.path}:{len(numbers)}"
        case "content":
            for number in numbers:
                line = lines[number - 1]
                shown = line if len(line) <= MAX_LINE_LENGTH else f"{line[:MAX_LINE_LENGTH]} …"
                yield f"{file.path}:{number}: {shown}"


def _listed(results: Iterable[str]) -> str:
    shown = list(islice(results, MAX_RESULTS + 1))
    if len(shown) > MAX_RESULTS:
        shown[MAX_RESULTS:] = [f"… and more; only the first {MAX_RESULTS} are listed"]
    return "\n".join(shown)
