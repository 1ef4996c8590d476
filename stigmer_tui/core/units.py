"""Human-readable durations, sizes, counts and ages."""

from __future__ import annotations


def duration_text(seconds: float) -> str:
    """`3 ms`, `1.2 s`, `4 m 05 s`, `2 h 05 m`."""
    if seconds < 0.9995:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    minutes = whole // 60
    return f"{minutes // 60} h {minutes % 60:02d} m"


def uptime_text(seconds: float) -> str:
    """In one unit: `12 s`, `12 m`, `3 h`, `5 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def size_text(count: int) -> str:
    """Bytes: `980 B`, `1.3 kB`, `38 MB`."""
    return _scaled(count, ("B", "kB", "MB", "GB", "TB"))


def count_text(count: int) -> str:
    """`950`, `1.2 k`, `3.4 M`."""
    return _scaled(count, ("", "k", "M", "G")).rstrip()


def plural(count: int, noun: str, several: str = "") -> str:
    """`1 task`, `3 tasks`, `2 entries`."""
    return f"{count} {noun if count == 1 else several or noun + 's'}"


def progress_bar(done: int, whole: int, width: int = 30) -> str:
    """`██████░░░░  60%  3.0 MB of 5.0 MB`, with a bar of so many cells; what is not known yet is nothing."""
    share = min(1.0, done / whole) if whole else 0.0
    filled = round(share * width)
    return f"{'█' * filled}{'░' * (width - filled)} {share:4.0%}  {size_text(done)} of {size_text(whole)}"


def _scaled(count: int, units: tuple[str, ...]) -> str:
    value, step = float(count), 0
    while value >= 999.5 and step < len(units) - 1:
        value /= 1000
        step += 1
    digits = f"{value:.1f}" if step and value < 9.95 else f"{value:.0f}"
    return f"{digits} {units[step]}"
