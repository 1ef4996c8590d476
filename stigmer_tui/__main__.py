"""`python -m stigmer_tui` is the program."""

from __future__ import annotations

from stigmer_tui.cli.entry import main

main()
