"""Files that belong to a message: images, PDF documents and texts, of limited size.

An execution names them in an annotation. Their content stands there only on the way to the server, which keeps it once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from mimetypes import guess_type
from typing import Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.units import size_text
from stigmer_tui.definition.extensions import FILES

MAX_FILE = 5_000_000
"""Bytes; the providers take no larger images."""
MAX_FILES = 7_000_000
"""Bytes of all files of a message, which travel in one request."""

PDF = "application/pdf"
TEXT = "text/plain"
BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"%PDF-": PDF,
}
WEBP = "image/webp"


@dataclass(frozen=True, slots=True)
class AttachedFile:
    name: str
    type: str
    """`image/png`, say."""
    size: int
    hash: str
    """SHA-256 of the content."""

    @property
    def is_image(self) -> bool:
        return self.type.startswith("image/")

    @property
    def is_text(self) -> bool:
        return not self.is_image and self.type != PDF

    def __str__(self) -> str:
        return f"{self.name} ({self.type}, {size_text(self.size)})"


def attached_file(name: str, content: bytes) -> AttachedFile:
    """Raises StigmerError for a file that no model takes."""
    if not content:
        raise StigmerError(f"{name} is empty")
    check_size(name, len(content))
    return AttachedFile(name, _type_of(name, content), len(content), hashlib.sha256(content).hexdigest())


def check_size(name: str, size: int) -> None:
    """Raises StigmerError for a file that is too large."""
    if size > MAX_FILE:
        limit = f"a file can have {size_text(MAX_FILE)} at most"
        raise StigmerError(f"{name} has {size_text(size)}; {limit}", "Attach a smaller one, or a part of it.")


def _type_of(name: str, content: bytes) -> str:
    for beginning, type_ in BEGINNINGS.items():
        if content.startswith(beginning):
            return type_
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    try:
        is_text = "\0" not in content.decode()
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        raise StigmerError(
            f"{name} is of a type that no model takes",
            "Images (PNG, JPEG, GIF, WebP), PDF and text files can be attached.",
        )
    guessed = guess_type(name)[0] or ""
    return guessed if guessed.startswith("text/") else TEXT


def files_annotation(contents: Sequence[tuple[str, bytes]], kept: Sequence[AttachedFile] = ()) -> str:
    """Files with their contents, for the server, after those that it has already; empty where there are none.

    Raises StigmerError for what cannot be attached.
    """
    files = [(attached_file(name, content), content) for name, content in contents]
    if (size := sum(file.size for file in (*kept, *(file for file, _ in files)))) > MAX_FILES:
        limit = f"a message can have {size_text(MAX_FILES)} at most"
        raise StigmerError(f"The attached files have {size_text(size)}; {limit}", "Attach fewer, or smaller ones.")
    new = [{**asdict(file), "content": base64.b64encode(content).decode()} for file, content in files]
    entries = [*map(asdict, kept), *new]
    return json.dumps(entries) if entries else ""


def kept_files(annotation: str, without: Set[str]) -> list[AttachedFile]:
    """What the annotation of an earlier execution names, without the files of these names. Raises StigmerError."""
    return [file for file in files_in({FILES: annotation}) if file.name not in without]


def files_in(annotations: Mapping[str, str]) -> tuple[AttachedFile, ...]:
    """Those that an execution names. Raises StigmerError for what is no list of files."""
    return tuple(file for file, _ in _read(annotations))


def taken_out(annotations: Mapping[str, str]) -> tuple[str, dict[str, bytes | None]]:
    """The annotation without contents, and these by their hashes; None for one that the server has already.

    Raises StigmerError.
    """
    contents: dict[str, bytes | None] = {}
    files = []
    for file, content in _read(annotations):
        if content is not None:
            file = attached_file(file.name, content)
        contents[file.hash] = content
        files.append(file)
    return json.dumps(list(map(asdict, files))), contents


def _read(annotations: Mapping[str, str]) -> list[tuple[AttachedFile, bytes | None]]:
    text = annotations.get(FILES)
    if not text:
        return []
    try:
        return [_entry(entry) for entry in from_json(text)]
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise StigmerError(f"The annotation {FILES} is not a list of files") from error


def _entry(entry: Mapping[str, Any]) -> tuple[AttachedFile, bytes | None]:
    content = entry.get("content")
    file = AttachedFile(str(entry["name"]), str(entry["type"]), int(entry["size"]), str(entry["hash"]))
    return file, None if content is None else base64.b64decode(content, validate=True)
