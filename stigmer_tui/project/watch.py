"""Watching a project: what has been saved, once it is saved, and nothing else."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from stigmer_tui.project.folder_events import FileEvents, PolledFileEvents, SystemFileEvents, must_poll
from stigmer_tui.project.snapshot import FileChange, Snapshot, changes_between, may_be_half_done, take_snapshot

QUIET = 0.02
"""Seconds without a notice after which a burst of saves is over."""
MAX_BURST = 0.2
"""Seconds after which a burst that does not end is told as far as it has come."""
MAX_SAVE = 0.2
"""Seconds in which a file may be gone, or empty, on the way to its new content."""
REST = 20
"""How many times as long as a look that found nothing the next one waits: a log that grows beside the code, ignored,
would else be looked at all the time."""


@dataclass(frozen=True, slots=True)
class Change:
    """What differs from the last change that was told."""

    files: tuple[FileChange, ...]
    saved_at: datetime | None
    """When the newest of the files was written; None where all of them were removed."""

    def __str__(self) -> str:
        """`main.py changed (+2 −1)`, or `main.py changed (+2 −1) and 3 more`."""
        first, *others = self.files
        return f"{first} and {len(others)} more" if others else str(first)


@dataclass(frozen=True, slots=True)
class WatchProblem:
    """The system does not tell of changes any more. Watching goes on, by looking again and again."""

    message: str
    advice: str = ""


class Watcher:
    """Tells of changes since it was made, one by one; `async for` over it never ends.

    Whatever happens while nobody waits for the next change is part of it: each look compares the files with the state
    that was last told. All files of a burst of saves are one change, and so is a file that is removed and made again.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder.absolute()
        self._polls = must_poll(os.environ if environment is None else environment)
        self._told = Snapshot()
        self._notices: FileEvents | None = None
        self._look_seconds = 0.0
        self._asked = asyncio.Event()
        self._asking: list[asyncio.Future[None]] = []
        """Those who wait until everything that was saved before they asked has been told."""

    @property
    def file_count(self) -> int:
        """Files that are watched."""
        return len(self._told.files)

    async def __aenter__(self) -> Watcher:
        self._told = await self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stop_listening()
        self._answer(self._asking)

    def __aiter__(self) -> Watcher:
        return self

    async def told(self) -> None:
        """Returns when everything that was saved until now has been told, and whoever is told asks for the next.

        It is looked at once, whether or not the system has given notice. Somebody else must iterate meanwhile.
        """
        asking = asyncio.get_running_loop().create_future()
        self._asking.append(asking)
        self._asked.set()
        await asking

    async def __anext__(self) -> Change | WatchProblem:
        pause = 0.0
        while True:
            try:
                # First listen, then look, so that nothing falls in between.
                notices = await self._listen()
                self._asked.clear()
                asking = list(self._asking)
                seen = await self._look()
                if seen == self._told:
                    self._answer(asking)
                    await self._rest(notices, pause)
                    pause = REST * self._look_seconds
                    continue
                seen = await self._look_after_burst(notices)
            except OSError as error:
                await self._stop_listening()
                self._polls = True
                return _trouble(error)
            if seen.folders != self._told.folders:
                await self._stop_listening()
            changes = changes_between(self._told, seen)
            self._told = seen
            if changes:
                return Change(changes, _newest(changes, seen))

    def _answer(self, asking: list[asyncio.Future[None]]) -> None:
        for answer in asking:
            if not answer.done():
                answer.set_result(None)
        self._asking = [answer for answer in self._asking if not answer.done()]

    async def _rest(self, notices: FileEvents, pause: float) -> None:
        """Until something may have happened, or somebody asks. Raises OSError when the system ceases to tell."""

        async def happened() -> None:
            await asyncio.sleep(pause)
            await notices.wait()

        happening, asked = asyncio.create_task(happened()), asyncio.create_task(self._asked.wait())
        try:
            await asyncio.wait((happening, asked), return_when=asyncio.FIRST_COMPLETED)
            if happening.done():
                happening.result()
        finally:
            happening.cancel()
            asked.cancel()
            await asyncio.wait((happening, asked))

    async def _listen(self) -> FileEvents:
        if self._notices is None:
            self._notices = PolledFileEvents() if self._polls else await SystemFileEvents.start(self._told.folders)
        return self._notices

    async def _stop_listening(self) -> None:
        if self._notices is not None:
            await self._notices.close()
            self._notices = None

    async def _look(self) -> Snapshot:
        started = self._time()
        seen = await asyncio.to_thread(take_snapshot, self._folder, self._told)
        self._look_seconds = self._time() - started
        return seen

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    async def _look_after_burst(self, notices: FileEvents) -> Snapshot:
        burst_ends = self._time() + MAX_BURST
        while await notices.wait(QUIET) and self._time() < burst_ends:
            continue
        seen = await self._look()
        save_ends = self._time() + MAX_SAVE
        while may_be_half_done(self._told, seen) and (left := save_ends - self._time()) > 0:
            await notices.wait(left)
            seen = await self._look()
        return seen


def _newest(changes: tuple[FileChange, ...], seen: Snapshot) -> datetime | None:
    times = [seen.files[change.path].modified for change in changes if change.path in seen.files]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _trouble(error: OSError) -> WatchProblem:
    advice = ""
    if error.errno in (errno.ENOSPC, errno.EMFILE):
        advice = "The system allows no more watches: raise fs.inotify.max_user_watches and max_user_instances."
    return WatchProblem(
        f"The system does not tell of changes ({error}); looking for them twice a second instead", advice
    )
