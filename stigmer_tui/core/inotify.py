"""Linux reports at once, and without a thread, that something in a folder has changed: inotify(7)."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress

IN_NONBLOCK = 0o4000
IN_CLOEXEC = 0o2000000
IN_MODIFY = 0x2
IN_CLOSE_WRITE = 0x8
IN_MOVED = 0x40 | 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_SELF = 0x400 | 0x800
"""The folder itself was deleted or moved."""
CHANGES = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED | IN_CREATE | IN_DELETE | IN_SELF
READ_SIZE = 65_536


class FolderWatches:
    """Calls `changed` in the event loop for changes in some folders, but not in those below them."""

    def __init__(self, folders: Iterable[str], changed: Callable[[], None]) -> None:
        """Folders that are not there are left out. Raises OSError when nothing can be watched."""
        library = ctypes.CDLL(None, use_errno=True)
        self._changed = changed
        self._descriptor = _checked(library.inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
        try:
            if not sum(self._watches(library, folder) for folder in folders):
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._descriptor, self._read)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _watches(self, library: ctypes.CDLL, folder: str) -> bool:
        try:
            _checked(library.inotify_add_watch(self._descriptor, os.fsencode(folder), CHANGES))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False
        return True

    def close(self) -> None:
        """Stops watching."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _read(self) -> None:
        # What has changed is of no interest, and neither is how many events were lost.
        with suppress(BlockingIOError):
            while os.read(self._descriptor, READ_SIZE):
                pass
        self._changed()


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
