"""The output of a command, of any length, in bounded memory: its beginning and its end."""

from __future__ import annotations

from stigmer_tui.core.units import size_text


class BoundedOutput:
    """Keeps the first and the last `most / 2` bytes of what is added."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, data: bytes) -> None:
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._half:
            self._trim()

    def text(self) -> str:
        self._trim()
        if not self._left_out:
            return (self._head + self._tail).decode(errors="replace")
        head, tail = self._head.decode(errors="replace"), self._tail.decode(errors="replace")
        return f"{head}\n… {size_text(self._left_out)} left out …\n{tail}"

    def _trim(self) -> None:
        surplus = max(0, len(self._tail) - self._half)
        del self._tail[:surplus]
        self._left_out += surplus
