"""Tools that read and write files."""

from __future__ import annotations

from itertools import islice

from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.agents.sandbox.stopping import checkpoint
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import plural, size_text

MAX_SIZE = 2_000_000
"""Bytes of a file that is read or written."""
MAX_LENGTH = 60_000
"""Characters that one call returns."""
MAX_LINE_LENGTH = 2_000
MAX_ENTRIES = 1_000
MAX_LISTED = 50_000
"""Entries of a folder that are read, of which the first are shown."""


class FileTools:
    """Tools on the files of a folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def ls(self, path: str = "/") -> str:
        """List the files and folders in a folder.

        Args:
            path: Path of the folder, starting with /.
        """
        entries = self._folder.entries(path, MAX_LISTED)
        lines = [f"{item.name}/" if item.is_folder else f"{item.name}  {size_text(item.size)}" for item in entries]
        if len(lines) > MAX_ENTRIES:
            more = "many" if len(lines) == MAX_LISTED else len(lines) - MAX_ENTRIES
            lines[MAX_ENTRIES:] = [f"… and {more} more"]
        return "\n".join(lines) or f"{path} is empty"

    def read_file(self, file_path: str, offset: int = 0, limit: int = 500) -> str:
        """Read a text file. Returns its lines, each with its number before it.

        Args:
            file_path: Path of the file, starting with /.
            offset: Lines to skip at the beginning.
            limit: Lines to return at most.
        """
        lines = self._text(file_path).splitlines()
        if not lines:
            return f"{file_path} is empty"
        if offset >= len(lines):
            raise StigmerError(f"{file_path} has only {plural(len(lines), 'line')}")
        first = max(0, offset)
        shown, size = [], 0
        for number, line in islice(enumerate(lines, 1), first, first + max(1, limit)):
            text = f"{number:6}\t{line if len(line) <= MAX_LINE_LENGTH else line[:MAX_LINE_LENGTH] + ' …'}"
            size += len(text) + 1
            if size > MAX_LENGTH:
                break
            shown.append(text)
        following = first + len(shown)
        if following < len(lines):
            shown.append(f"… {plural(len(lines) - following, 'more line')}, from offset {following}")
        return "\n".join(shown)

    def write_file(self, file_path: str, content: str) -> str:
        """Write a new file, with the folders that it needs. A file that exists is changed with edit_file instead.

        Args:
            file_path: Path of the file, starting with /.
            content: The whole text of the file.
        """
        # Each character is at least a byte.
        _check_size(file_path, len(content))
        data = content.encode()
        _check_size(file_path, len(data))
        checkpoint()
        self._folder.create(file_path, data)
        return f"Wrote {file_path}, {plural(len(content.splitlines()), 'line')}"

    def edit_file(self, file_path: str, old_string: str, new_string: str, replace_all: bool = False) -> str:
        """Replace a text in a file. The text must stand in the file exactly once, unless all are to be replaced.

        Args:
            file_path: Path of the file, starting with /.
            old_string: The text to replace, exactly as it stands in the file.
            new_string: The text to put in its place.
            replace_all: Replace every occurrence.
        """
        text = self._text(file_path)
        count = text.count(old_string) if old_string else 0
        if not count:
            raise StigmerError(f"{file_path} does not contain the text to replace")
        if count > 1 and not replace_all:
            raise StigmerError(f"{file_path} contains the text {count} times; give more of what is around it")
        old, new = old_string.encode(), new_string.encode()
        _check_size(file_path, len(text.encode()) + count * (len(new) - len(old)))
        checkpoint()
        self._folder.replace(file_path, text.replace(old_string, new_string).encode())
        return f"Replaced {plural(count, 'occurrence')} in {file_path}"

    def _text(self, path: str) -> str:
        try:
            return self._folder.read(path, MAX_SIZE).decode()
        except UnicodeDecodeError as error:
            raise StigmerError(f"{path} is not a text file in UTF-8") from error


def _check_size(path: str, size: int) -> None:
    if size > MAX_SIZE:
        raise StigmerError(f"{path} would be too large: {size_text(size)}, where {size_text(MAX_SIZE)} are the limit")
