"""The heights of a long sequence of entries, with sums and places found without walking all of it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

BLOCK = 1024
"""Heights that are kept and summed together, up to twice as many."""


class Heights:
    """Rows of each entry. A height of 0 is that of an entry that is hidden."""

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
        """New entries before the one at `index`, or at the end."""
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
        """Rows above an entry; all rows, for the end."""
        block, place = self._find(index)
        return sum(self._sums[:block]) + sum(self._blocks[block][:place])

    def at(self, row: int) -> tuple[int, int]:
        """The entry that a row belongs to, and which of its rows it is. There must be so many rows."""
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
        """The first entry from here on that is not hidden."""
        if index >= self._length:
            return None
        if self[index]:
            return index
        above = self.before(index)
        return self.at(above)[0] if above < self.total else None

    def previous_shown(self, index: int) -> int | None:
        """The last entry up to here that is not hidden."""
        if index < 0:
            return None
        if self[index]:
            return index
        above = self.before(index)
        return self.at(above - 1)[0] if above else None

    def _find(self, index: int) -> tuple[int, int]:
        """The block of an entry, and its place in it. The search starts from the end that is nearer."""
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
