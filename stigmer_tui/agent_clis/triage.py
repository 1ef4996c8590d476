"""What is to be looked at among the runs, the worst first: those that never ended, then those that failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from stigmer_tui.agent_clis.notifications import OFF, SENT
from stigmer_tui.agent_clis.outcome import ADVICE, CONNECTIVITY, ExitCode
from stigmer_tui.agent_clis.records import TRANSCRIPT, RunRecord, is_alive, read_runs

MAX_LINES = 5
"""Lines of the transcript that are shown."""
TAIL = 60_000
"""Bytes at its end in which they are searched."""
TELLING = ("error", "failed", "fatal", "denied", "exception", "traceback", "limit", "refused", "timed out")


class Urgency(IntEnum):
    """The order in which runs are looked at."""

    DIED = 0
    """Without a notification, since the runner itself has died."""
    FAILED = 1
    RUNNING = 2
    SUCCEEDED = 3


@dataclass(frozen=True, slots=True)
class Case:
    """A run, and what is to be done about it."""

    urgency: Urgency
    record: RunRecord
    run_folder: Path
    lines: tuple[str, ...] = ()
    """The telling ones of the transcript."""
    advice: str = ""


def triage(logs: Path) -> list[Case]:
    """The newest run of each agent on each task; the most urgent first."""
    newest: dict[tuple[str, str], Case] = {}
    for path, record in read_runs(logs):
        if record.dry_run:
            continue
        if (record.task, record.agent) not in newest:
            newest[record.task, record.agent] = _case(path, record)
    return sorted(newest.values(), key=lambda case: (case.urgency, case.record.start_time))


def _case(path: Path, record: RunRecord) -> Case:
    if record.end_time is None:
        if is_alive(record):
            return Case(Urgency.RUNNING, record, path)
        lines = tuple(_telling_lines(path / TRANSCRIPT))
        return Case(Urgency.DIED, record, path, lines, "The runner was killed: look at the machine, then run it again.")
    if record.exit_code == 0 or record.is_cancelled:
        return Case(Urgency.SUCCEEDED, record, path)
    advice = ADVICE.get(_code(record), ADVICE[ExitCode.UNEXPECTED])
    if record.notification not in (SENT, OFF):
        advice = f"{advice} No notification: {record.notification or 'none was tried'}."
    return Case(Urgency.FAILED, record, path, tuple(_telling_lines(path / TRANSCRIPT)), advice)


def without_advice(error: str) -> str:
    """What went wrong alone, where what to do is said besides."""
    for advice in ADVICE.values():
        error = error.removesuffix(f". {advice}")
    return error


def _code(record: RunRecord) -> ExitCode:
    try:
        return ExitCode(record.exit_code or 0)
    except ValueError:
        return ExitCode.UNEXPECTED


def _telling_lines(transcript: Path) -> Iterator[str]:
    """The last ones that speak of a failure, or else the last ones."""
    try:
        with transcript.open("rb") as file:
            file.seek(max(0, transcript.stat().st_size - TAIL))
            lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return
    telling = [line for line in lines if any(word in line.lower() for word in (*TELLING, *CONNECTIVITY))]
    yield from (telling or lines)[-MAX_LINES:]
