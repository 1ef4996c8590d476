"""A keyring for tests, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from keyring.backend import KeyringBackend

from stigmer_tui.core.errors import StigmerError


@dataclass
class MemoryKeyring:
    values: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    """Why it cannot be used; empty where it can."""

    def read(self, name: str) -> str:
        self._check()
        return self.values.get(name, "")

    def write(self, name: str, value: str) -> None:
        self._check()
        self.values[name] = value

    def delete(self, name: str) -> None:
        self._check()
        self.values.pop(name, None)

    def _check(self) -> None:
        if self.problem:
            raise StigmerError(self.problem)


class MemoryBackend(KeyringBackend):
    """The same for the package `keyring`, which finds its backend by itself."""

    priority = 5

    def __init__(self, priority: float = 5) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.priority = priority  # type: ignore[assignment]
        self.values: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.values.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.values[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.values[service, username]
