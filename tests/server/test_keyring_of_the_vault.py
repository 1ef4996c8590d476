"""The key of the vault is kept by a keyring that encrypts, or by none."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest

from stigmer_tui.server.vault import KeyringKey
from tests.core.memory_keyring import MemoryBackend


@pytest.fixture
def backend() -> Iterator[MemoryBackend]:
    before, backend = keyring.get_keyring(), MemoryBackend()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


async def test_it_is_made_once(backend: MemoryBackend) -> None:
    key = await KeyringKey("/home").key()
    assert key is not None and len(key) == 32
    assert await KeyringKey("/home").key() == key
    assert list(backend.values) == [("stigmer-tui", "/home")]


@pytest.mark.parametrize("priority", [-1, 0, 0.5])
async def test_a_keyring_that_does_not_encrypt_gets_none(
    backend: MemoryBackend, caplog: pytest.LogCaptureFixture, priority: float
) -> None:
    backend.priority = priority  # type: ignore[assignment]
    assert await KeyringKey("/home").key() is None
    assert backend.values == {}
    assert "secrets stay in memory" in caplog.text and "none that encrypts" in caplog.text


async def test_of_a_chain_only_one_that_encrypts_is_used(backend: MemoryBackend) -> None:
    first, last = MemoryBackend(5), MemoryBackend(0.5)
    backend.backends = [last, first]  # type: ignore[attr-defined]
    assert await KeyringKey("/home").key() is not None
    assert (len(first.values), last.values, backend.values) == (1, {}, {})
