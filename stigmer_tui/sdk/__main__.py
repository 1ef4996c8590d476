"""`python -m stigmer_tui.sdk main.py`"""

from __future__ import annotations

import sys

from stigmer_tui.sdk.synthesis import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
