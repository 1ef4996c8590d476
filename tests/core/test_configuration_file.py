"""Edits of config.yaml change one value and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError

PATH = Path("config.yaml")

WRITTEN = """\
# ours
organization: acme  # since 2024

backend:
  local:
    llm: {provider: openai}
unknown: [1, 2]
"""


def edited(content: str, key: str, value: str | None) -> str:
    return ConfigurationFile.parse(PATH, content).edited(tuple(key.split(".")), value).content


@pytest.mark.parametrize(
    ("content", "key", "value", "result"),
    [
        ("", "organization", "acme", "organization: acme\n"),
        ("", "server.address", "127.0.0.1:0", "server:\n  address: 127.0.0.1:0\n"),
        (WRITTEN, "organization", "beta", WRITTEN.replace("acme", "beta")),
        (WRITTEN, "backend.local.llm.provider", "ollama", WRITTEN.replace("openai", "ollama")),
        (WRITTEN, "server.address", "7", f"{WRITTEN}server:\n  address: '7'\n"),
        ("server:\n", "server.address", ":1", "server:\n  address: :1\n"),
        (WRITTEN, "organization", None, WRITTEN.replace("organization: acme  # since 2024\n\n", "")),
        (WRITTEN, "backend.local.llm.provider", None, "# ours\norganization: acme  # since 2024\n\nunknown: [1, 2]\n"),
        (WRITTEN, "server.address", None, WRITTEN),
        ("organization: acme\n", "organization", None, ""),
    ],
)
def test_one_value_changes(content: str, key: str, value: str | None, result: str) -> None:
    assert edited(content, key, value) == result


def test_a_value_is_read_back_as_text() -> None:
    for text in ("on", "12:30", "007", "a: b", "# no comment", "~", "null"):
        file = ConfigurationFile.parse(PATH, "").edited(("organization",), text)
        assert file.text(("organization",)) == text


@pytest.mark.parametrize("content", ["server: 7\n", "- server\n", "7\n"])
def test_a_value_below_what_is_no_mapping_is_refused_with_its_place(content: str) -> None:
    with pytest.raises(StigmerError, match=r"config\.yaml:1:1 must hold keys"):
        edited(content, "server.address", ":1")


def test_a_value_has_the_place_where_it_stands() -> None:
    file = ConfigurationFile.parse(PATH, WRITTEN)
    assert file.where(("organization",)) == "config.yaml:2"
    assert file.where(("backend", "local", "llm", "provider")) == "config.yaml:6"
