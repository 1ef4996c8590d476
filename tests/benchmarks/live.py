"""The list of entries in a real terminal: processor, keys, resizing and memory, at rest and under load."""

from __future__ import annotations

import time

from tests.benchmarks.report import heading, line, percentile
from tests.terminal import Terminal, program

APP = ("-m", "tests.benchmarks.live_app")
SECONDS = 10.0
KEYS = 60


def main() -> None:
    for rate, cpu_budget, key_budget in ((0, 0.2, 15.0), (5_000, 15.0, 30.0), (50_000, None, None)):
        heading(f"At {rate:,} events a second, 120×40")
        with program(*APP, "200", str(rate)) as terminal:
            terminal.wait_for(rb"ready")
            terminal.read_for(1.0)
            cpu, written = _cost(terminal, SECONDS)
            line("processor", cpu, "%", cpu_budget)
            line("written to the terminal", written / 1000, "kB/s")
            delays, latest = _key_delays(terminal)
            line("key to paint, p50", percentile(delays, 0.5) * 1000, "ms")
            line("key to paint, p95", percentile(delays, 0.95) * 1000, "ms", key_budget)
            if rate:
                line("the latest of the arrivals, a hundred a second", latest, "ms", 100)
    heading("The same at any length, idle")
    for events in (200, 100_000):
        with program(*APP, str(events), "0") as terminal:
            terminal.wait_for(rb"ready", 60)
            terminal.read_for(1.0)
            terminal.send(b"kkkk")
            terminal.read_for(0.3)
            moves = _move_delays(terminal)
            line(f"{events:,} events: a move with j or k, processor", _move_cost(terminal) * 1000, "ms")
            line(f"{events:,} events: a move with j or k to paint, p50", percentile(moves, 0.5) * 1000, "ms")
            line(f"{events:,} events: resize to paint, p50", _resizing(terminal) * 1000, "ms")
    with program("-m", "tests.benchmarks.minimal_app") as terminal:
        terminal.wait_for(rb"ready")
        terminal.read_for(1.0)
        line("a minimal app: resize to paint, p50", _resizing(terminal) * 1000, "ms")


def _cost(terminal: Terminal, seconds: float) -> tuple[float, float]:
    """Percent of a core, and bytes a second."""
    cpu, written, started = terminal.cpu_seconds(), terminal.bytes_read, time.perf_counter()
    terminal.read_for(seconds)
    took = time.perf_counter() - started
    return 100 * (terminal.cpu_seconds() - cpu) / took, (terminal.bytes_read - written) / took


def _key_delays(terminal: Terminal) -> tuple[list[float], float]:
    """Seconds from key to paint; and the milliseconds by which the app was late with its own work."""
    delays = []
    latest = 0.0
    for number in range(1, KEYS + 1):
        terminal.send(b"+")
        delay, match = terminal.wait_for(rb" %d\. late (\d+) ms" % number)
        delays.append(delay)
        latest = float(match[1])
        # Not in step with the frames.
        terminal.read_for(0.02 + 0.013 * (number % 7))
    return delays, latest


def _move_delays(terminal: Terminal) -> list[float]:
    delays = []
    for number in range(KEYS):
        started = time.perf_counter()
        terminal.send(b"j" if number % 2 else b"k")
        terminal.wait_for(rb"\x1b\[")
        delays.append(time.perf_counter() - started)
        terminal.read_for(0.03)
    return delays


def _move_cost(terminal: Terminal) -> float:
    """Seconds of processor for one move."""
    before = terminal.cpu_seconds()
    for number in range(100):
        terminal.send(b"j" if number % 2 else b"k")
        terminal.read_for(0.04)
    return (terminal.cpu_seconds() - before) / 100


def _resizing(terminal: Terminal) -> float:
    """Seconds until nothing more is painted after another width, the middle of several."""
    delays = []
    for turn in range(10):
        started = time.perf_counter()
        terminal.resize(80 + turn % 2 * 40, 40)
        terminal.wait_for(rb"\x1b\[")
        last = time.perf_counter()
        while terminal.read(0.15):
            last = time.perf_counter()
        delays.append(last - started)
    return percentile(delays, 0.5)


if __name__ == "__main__":
    main()
