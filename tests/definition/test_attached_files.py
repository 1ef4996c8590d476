"""Files of messages: which there can be, and what of them travels."""

from __future__ import annotations

import json

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.attached_files import MAX_FILE, attached_file, files_annotation, files_in, taken_out
from stigmer_tui.definition.extensions import FILES

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    ("name", "content", "type_"),
    [
        ("a.png", PNG, "image/png"),
        ("photo", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.gif", b"GIF89a", "image/gif"),
        ("a.webp", b"RIFF1234WEBPVP8", "image/webp"),
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("notes.md", b"# Notes", "text/markdown"),
        ("main.rs", "fn main() { /* \u00e9 */ }".encode(), "text/plain"),
        ("data.json", b"{}", "text/plain"),
    ],
)
def test_the_content_says_the_type(name: str, content: bytes, type_: str) -> None:
    assert attached_file(name, content).type == type_


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "a.x is empty"),
        (b"\x00\x01", "a.x is of a type that no model takes"),
        (b"\xff\xfe", "a.x is of a type that no model takes"),
        (b"x" * (MAX_FILE + 1), "a.x has 5.0 MB; a file can have 5.0 MB at most"),
    ],
)
def test_what_cannot_be_attached(content: bytes, problem: str) -> None:
    with pytest.raises(StigmerError) as raised:
        attached_file("a.x", content)
    assert raised.value.message == problem


def test_a_message_has_a_limit_too() -> None:
    with pytest.raises(StigmerError, match="The attached files have 8"):
        files_annotation([("a.txt", b"x" * 4_000_000), ("b.txt", b"y" * 4_000_000)])


def test_contents_travel_once() -> None:
    sent = {FILES: files_annotation([("a.png", PNG), ("b.txt", b"milk")])}
    kept, contents = taken_out(sent)
    assert list(contents.values()) == [PNG, b"milk"]
    assert "content" not in kept
    first, second = files_in({FILES: kept})
    assert (str(first), str(second)) == ("a.png (image/png, 28 B)", "b.txt (text/plain, 4 B)")
    assert taken_out({FILES: kept}) == (kept, {first.hash: None, second.hash: None})


@pytest.mark.parametrize("text", ["no JSON", "{}x", '["a"]', '[{"name": "a"}]', "7"])
def test_what_is_no_list_of_files(text: str) -> None:
    with pytest.raises(StigmerError, match="is not a list of files"):
        taken_out({FILES: text})


def test_a_type_that_a_client_claims_does_not_count() -> None:
    sent = json.loads(files_annotation([("a.png", PNG)]))
    sent[0] |= {"type": "text/html", "size": 1, "hash": "0" * 64}
    kept, contents = taken_out({FILES: json.dumps(sent)})
    (file,) = files_in({FILES: kept})
    assert (file.type, file.size, list(contents)) == ("image/png", 28, [file.hash])
