"""Files that a person mentions in a message, as `@PATH` or `@"PATH"`: they go to the agent with it.

Only where a person writes: a message that a program makes may quote others, who would choose what is sent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import working_folder
from stigmer_tui.definition.attached_files import check_size, files_annotation, kept_files

MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|([^\s"]+))')
_UNFINISHED = re.compile(r'(?<!\S)@(?:"([^"\n]*)|([^\s"]*))\Z')
_PUNCTUATION = ".,;:!?)"


def starting_folder() -> Path:
    """Where a person is: relative paths begin there. If it has been deleted, these lead nowhere."""
    try:
        return working_folder()
    except StigmerError:
        return Path(os.devnull)


def mentioned_files(message: str, folder: Path) -> tuple[Path, ...]:
    """Those that are there, each once; any other `@` is a part of the text."""
    found = (_file(mention, folder) for mention in MENTION.finditer(message))
    return tuple(dict.fromkeys(file for file in found if file is not None))


def mentions(message: str, folder: Path) -> str:
    """The mentioned files as an execution takes them; empty where there are none.

    Raises StigmerError for a file that cannot be attached.
    """
    files = mentioned_files(message, folder)
    return files_annotation([read_file(file) for file in files]) if files else ""


def mentions_instead(message: str, folder: Path, before: str, files: str) -> str:
    """The same for a message in the place of another one, with what that one had and what is still mentioned, or never
    was. `before` is its text, `files` its files. Raises StigmerError.
    """
    given_up = _names(before) - _names(message)
    mentioned = mentioned_files(message, folder)
    kept = kept_files(files, given_up | {file.name for file in mentioned})
    return files_annotation([read_file(file) for file in mentioned], kept)


def sizes(files: Iterable[Path]) -> Iterator[tuple[str, int]]:
    """Names and bytes, of what is there."""
    for file in files:
        with suppress(OSError):
            yield file.name, file.stat().st_size


def read_file(path: Path) -> tuple[str, bytes]:
    """Its name and content. Raises StigmerError for one that cannot be read."""
    try:
        check_size(path.name, path.stat().st_size)
        return path.name, path.read_bytes()
    except OSError as error:
        raise StigmerError(f"Cannot attach {path}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Completion:
    """How an unfinished mention goes on."""

    text: str
    """What is to be inserted; empty where nothing is certain."""
    choices: tuple[str, ...] = ()
    """Names, where several begin like this."""


def completion(before: str, folder: Path) -> Completion | None:
    """Of the mention that a text ends with; None where it ends with none, or with one that begins like no file."""
    unfinished = _UNFINISHED.search(before)
    if unfinished is None:
        return None
    written = unfinished[1] if unfinished[1] is not None else unfinished[2]
    parent, _, beginning = written.rpartition("/")
    place = _path(f"{parent}/" if "/" in written else "", folder)
    names = sorted(_names_in(place, beginning)) if place else []
    if not names:
        return None
    common = takewhile(lambda pair: pair[0] == pair[1], zip(names[0], names[-1], strict=False))
    rest = "".join(character for character, _ in common)[len(beginning) :]
    if len(names) > 1:
        return Completion(rest, tuple(names))
    if unfinished[1] is not None and not names[0].endswith("/"):
        rest += '"'
    return Completion(rest)


def _names_in(folder: Path, beginning: str) -> Iterator[str]:
    """Folders end with a slash. Hidden files are not offered until one asks for them."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(beginning) and (beginning or not entry.name.startswith(".")):
                    yield f"{entry.name}/" if entry.is_dir() else entry.name
    except (OSError, ValueError):
        # Also what cannot be a path, such as one with a NUL.
        return


def _names(message: str) -> set[str]:
    """The names of all that is mentioned, if it is there or not."""
    return {Path(text).name for mention in MENTION.finditer(message) for text in _readings(mention)}


def _file(mention: re.Match[str], folder: Path) -> Path | None:
    for text in _readings(mention):
        path = _path(text, folder)
        # What cannot even be looked at is not there.
        with suppress(OSError):
            if path is not None and path.is_file():
                return path
    return None


def _readings(mention: re.Match[str]) -> tuple[str, ...]:
    """A path, and the same without the punctuation of the sentence that it ends."""
    if mention[1] is not None:
        return (mention[1],)
    return tuple(dict.fromkeys((mention[2], mention[2].rstrip(_PUNCTUATION))))


def _path(text: str, folder: Path) -> Path | None:
    """None for what cannot be a path."""
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        return None
