"""Where the output goes to nobody, or to a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HELP = [sys.executable, "-m", "stigmer_tui", "--help"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(HELP, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (
        1,
        "Error: Cannot write: No space left on device\n\nMake room there, and try again.\n",
    )


def test_a_reader_that_has_left_ends_the_program_silently() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        result = subprocess.run(HELP, stdout=nobody, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (141, "")
