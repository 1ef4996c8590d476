"""Heights of a long sequence of entries, with prefix sums and lookups in less than linear time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

BLOCK = 1024
"""Heights per block, up to twice as many."""


class Heights:
    """Rows of each entry; 0 for a hidden one."""

    def __init__(self) -> None:
        self._blocks: list[array[int]] = [array("I")]
        self._sums: list[int] = [0]
        self._length = 0
        self.total = 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> int:
        block, place = self._find(index)
        return self._blocks[block][place]

    def __setitem__(self, index: int, height: int) -> None:
        block, place = self._find(index)
        change = height - self._blocks[block][place]
        self._blocks[block][place] = height
        self._sums[block] += change
        self.total += change

    def insert(self, index: int, heights: Iterable[int]) -> None:
        """Inserts entries before `index`."""
        new = array("I", heights)
        block, place = self._find(index)
        whole = self._blocks[block]
        whole[place:place] = new
        parts = [whole]
        if len(whole) > 2 * BLOCK:
            parts = [whole[start : start + BLOCK] for start in range(0, len(whole), BLOCK)]
        self._blocks[block : block + 1] = parts
        self._sums[block : block + 1] = map(sum, parts)
        self._length += len(new)
        self.total += sum(new)

    def before(self, index: int) -> int:
        """Rows above an entry; for the end, all rows."""
        block, place = self._find(index)
        return sum(self._sums[:block]) + sum(self._blocks[block][:place])

    def at(self, row: int) -> tuple[int, int]:
        """The entry of a row, and the offset within it. The row must exist."""
        index = 0
        for block, height in zip(self._blocks, self._sums, strict=True):
            if row < height:
                for rows in block:
                    if row < rows:
                        break
                    row -= rows
                    index += 1
                break
            row -= height
            index += len(block)
        return index, row

    def next_shown(self, index: int) -> int | None:
        """The first visible entry from `index` on."""
        if index >= self._length:
            return None
        if self[index]:
            return index
        above = self.before(index)
        return self.at(above)[0] if above < self.total else None

    def previous_shown(self, index: int) -> int | None:
        """The last visible entry up to `index`."""
        if index < 0:
            return None
        if self[index]:
            return index
        above = self.before(index)
        return self.at(above - 1)[0] if above else None

    def _find(self, index: int) -> tuple[int, int]:
        """The block of an entry and its offset in it, searched from the nearer end."""
        if 2 * index < self._length:
            for block, heights in enumerate(self._blocks):
                if index < len(heights):
                    return block, index
                index -= len(heights)
        index -= self._length
        for block in range(len(self._blocks) - 1, -1, -1):
            index += len(self._blocks[block])
            if index >= 0:
                return block, index
        raise IndexError("no such entry")
