"""What the list of entries does not import before there is something to draw with it."""

from __future__ import annotations

import subprocess
import sys

SLOW = {"markdown_it", "pygments", "grpc", "google.protobuf"}


def test_slow_libraries_wait_until_they_are_needed() -> None:
    program = f"import sys, stigmer_tui.tui.widgets.entry_list; print(*({SLOW!r} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
