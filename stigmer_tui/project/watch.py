"""Watches a project for saved files."""

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
from stigmer_tui.project.git_checkout import index_lock, is_under_way
from stigmer_tui.project.snapshot import FileChange, Snapshot, changes_between, may_be_half_done, take_snapshot

QUIET = 0.01
"""Seconds without an event after which a burst of saves is over."""
MAX_BURST = 0.2
"""Seconds after which a burst that does not end is reported as it is."""
GIT_STEP = 0.05
"""Seconds between two looks at whether git has finished: nothing is reported before."""
MAX_SAVE = 0.2
"""Seconds for which a file may be gone or empty while it is being saved."""
REST = 20
"""After a snapshot without changes, the next one waits this many times as long as it took. Otherwise an ignored log
that grows beside the code would keep the watcher busy."""


@dataclass(frozen=True, slots=True)
class Change:
    """The files that differ from the last reported state."""

    files: tuple[FileChange, ...]
    saved_at: datetime | None
    """When the newest of the files was written; None where all of them were removed."""

    def __str__(self) -> str:
        """`main.py changed (+2 −1)`, or `main.py changed (+2 −1) and 3 more`."""
        first, *others = self.files
        return f"{first} and {len(others)} more" if others else str(first)


@dataclass(frozen=True, slots=True)
class WatchProblem:
    """The system reports no more events. Watching goes on by polling."""

    message: str
    advice: str = ""


class Watcher:
    """Yields changes since it was entered; `async for` over it never ends.

    Each snapshot is compared with the last reported state, so that nothing is lost while no one waits for the next
    change. All files of a burst of saves are one change, and so is a file that is removed and written again.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, suffixes: tuple[str, ...] = ()
    ) -> None:
        """With `suffixes` only files with one of them are watched, and only those in the folder itself."""
        self._suffixes = suffixes
        self._folder = folder.absolute()
        self._polls = must_poll(os.environ if environment is None else environment, self._folder)
        self._reported = Snapshot()
        self._events: FileEvents | None = None
        self._snapshot_seconds = 0.0
        self._asked = asyncio.Event()
        self._asking: list[asyncio.Future[None]] = []
        """Callers of `caught_up` that still wait."""

    @property
    def file_count(self) -> int:
        """The number of watched files."""
        return len(self._reported.files)

    async def __aenter__(self) -> Watcher:
        self._reported = await self._snapshot()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stop_watching()
        self._answer(self._asking)

    def __aiter__(self) -> Watcher:
        return self

    async def caught_up(self) -> None:
        """Waits until everything that was saved before this call has been reported and handled.

        It takes a snapshot at once, without an event of the system. Another task must be iterating meanwhile.
        """
        asking = asyncio.get_running_loop().create_future()
        self._asking.append(asking)
        self._asked.set()
        await asking

    async def __anext__(self) -> Change | WatchProblem:
        pause = 0.0
        is_reported = False
        while True:
            try:
                # First watch, then take the snapshot, so that nothing is missed in between.
                events = await self._watch()
                self._asked.clear()
                asking = list(self._asking)
                if is_reported:
                    await self._burst_is_over(events)
                seen = await self._snapshot()
                if seen == self._reported:
                    self._answer(asking)
                    is_reported = await self._rest(events, pause)
                    pause = REST * self._snapshot_seconds
                    continue
                if not is_reported:
                    await self._burst_is_over(events)
                    seen = await self._snapshot()
                seen = await self._whole(events, seen)
            except OSError as error:
                await self._stop_watching()
                self._polls = True
                return _problem(error)
            if seen.folders != self._reported.folders:
                await self._stop_watching()
            changes = changes_between(self._reported, seen)
            self._reported = seen
            if changes:
                return Change(changes, _newest(changes, seen))

    def _answer(self, asking: list[asyncio.Future[None]]) -> None:
        for answer in asking:
            if not answer.done():
                answer.set_result(None)
        self._asking = [answer for answer in self._asking if not answer.done()]

    async def _rest(self, events: FileEvents, pause: float) -> bool:
        """Waits for an event, or for a call of `caught_up`; whether there was an event.

        Raises OSError when the system stops reporting.
        """

        async def happened() -> None:
            await asyncio.sleep(pause)
            await events.wait()

        happening, asked = asyncio.create_task(happened()), asyncio.create_task(self._asked.wait())
        try:
            await asyncio.wait((happening, asked), return_when=asyncio.FIRST_COMPLETED)
            if is_reported := happening.done():
                happening.result()
            return is_reported
        finally:
            happening.cancel()
            asked.cancel()
            await asyncio.wait((happening, asked))

    async def _watch(self) -> FileEvents:
        if self._events is None:
            self._events = PolledFileEvents() if self._polls else await SystemFileEvents.start(self._reported.folders)
        return self._events

    async def _stop_watching(self) -> None:
        if self._events is not None:
            await self._events.close()
            self._events = None

    async def _snapshot(self) -> Snapshot:
        started = self._time()
        seen = await asyncio.to_thread(take_snapshot, self._folder, self._reported, self._suffixes)
        self._snapshot_seconds = self._time() - started
        return seen

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    async def _burst_is_over(self, events: FileEvents) -> None:
        burst_ends = self._time() + MAX_BURST
        while await events.wait(QUIET) and self._time() < burst_ends:
            continue
        lock = await asyncio.to_thread(index_lock, self._folder)
        while is_under_way(lock):
            await events.wait(GIT_STEP)

    async def _whole(self, events: FileEvents, seen: Snapshot) -> Snapshot:
        """A later snapshot, where a file may be gone or empty only because it is being saved."""
        save_ends = self._time() + MAX_SAVE
        while may_be_half_done(self._reported, seen) and (left := save_ends - self._time()) > 0:
            await events.wait(left)
            seen = await self._snapshot()
        return seen


def _newest(changes: tuple[FileChange, ...], seen: Snapshot) -> datetime | None:
    times = [seen.files[change.path].modified for change in changes if change.path in seen.files]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _problem(error: OSError) -> WatchProblem:
    advice = ""
    if error.errno in (errno.ENOSPC, errno.EMFILE):
        advice = "The system allows no more watches: raise fs.inotify.max_user_watches and max_user_instances."
    return WatchProblem(
        f"The system reports no file changes ({error}); looking for them twice a second instead", advice
    )
