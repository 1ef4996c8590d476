"""A home folder of its own, with a keyring in memory, and no keys in the environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from stigmer_tui.core.model_providers import PROVIDERS
from stigmer_tui.core.settings import SETTINGS
from tests.core.memory_keyring import MemoryBackend


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryBackend]:
    keys = [variable for known in PROVIDERS for variable in (known.key_variable, known.base_url_variable)]
    for name in (*(setting.variable for setting in SETTINGS), *keys):
        monkeypatch.delenv(name or "-", raising=False)
    monkeypatch.setenv("STIGMER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    before = keyring.get_keyring()
    ring = MemoryBackend()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)
