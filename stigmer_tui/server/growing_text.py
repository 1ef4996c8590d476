"""A text that grows by pieces, in time and memory that grow with it.

Not in its message: to lengthen a text there is to copy it, and a message keeps the room of each copy until it goes.
"""

from __future__ import annotations


class GrowingText:
    def __init__(self, text: str) -> None:
        self.length = len(text)
        self._pieces = [text]

    def change(self, keep: int, text: str) -> bool:
        """Replaces what follows the first `keep` characters. Returns whether anything of the old text went."""
        is_cut = keep < self.length
        if is_cut:
            self._pieces = [self.whole()[:keep]]
        self._pieces.append(text)
        self.length = min(keep, self.length) + len(text)
        return is_cut

    def whole(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def since(self, start: int) -> str:
        """What follows the first `start` characters."""
        missing, pieces = self.length - start, []
        for piece in reversed(self._pieces):
            if missing <= 0:
                break
            pieces.append(piece[-missing:])
            missing -= len(piece)
        return "".join(reversed(pieces))
