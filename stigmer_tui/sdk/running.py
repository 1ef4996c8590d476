"""Runs the code of a project and writes down what it defines.

The manifests go into the folder that STIGMER_OUT_DIR names, all at once, and only when the code has come to its end.
Where it fails, its traceback goes to standard error, and `error.json` with file, line and message into that folder.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType

from stigmer_tui.sdk.collection import begin_registry
from stigmer_tui.sdk.written_files import note_written_files

USAGE = "usage: python -m stigmer_tui.sdk main.py"
OUTPUT_FOLDER = "STIGMER_OUT_DIR"


def main(arguments: list[str]) -> int:
    """The exit status: 0, 1 for code that failed, what it asked for itself, or 2 for wrong arguments."""
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)  # noqa: T201
        return 2
    entry = Path(arguments[0]).absolute()
    if not entry.is_file():
        print(f"There is no file {entry}", file=sys.stderr)  # noqa: T201
        return 2
    note_written_files()
    folder = Path(os.environ[OUTPUT_FOLDER]) if os.environ.get(OUTPUT_FOLDER) else None
    try:
        write_down(entry, folder)
    except BaseException as error:
        from stigmer_tui.sdk.failures import report

        return report(error, entry, folder)
    return 0


def write_down(entry: Path, folder: Path | None) -> None:
    """Without a folder everything is done but the writing, which tells whether the project is sound."""
    collection = begin_registry()
    run_as_script(entry)

    # Now that they are needed: the messages of the wire take longer to load than all of the SDK.
    from stigmer_tui.sdk.manifests import manifest_files, write_files

    files = manifest_files(collection, generated_at=int(time.time()))
    if folder is not None:
        write_files(files, folder)


def run_as_script(entry: Path) -> None:
    """As the interpreter would run it: as the main module, with its folder first on the path."""
    module = ModuleType("__main__")
    module.__file__ = str(entry)
    sys.modules["__main__"] = module
    sys.argv = [str(entry)]
    # The first entry is where we were started, unless the interpreter was told to leave that out.
    sys.path[: 0 if sys.flags.safe_path else 1] = [str(entry.parent)]
    # Without `dont_inherit` the future imports of this file would hold for the project's code.
    code = compile(entry.read_bytes(), str(entry), "exec", dont_inherit=True)
    try:
        exec(code, module.__dict__)  # noqa: S102
    except SystemExit as ending:
        if ending.code not in (None, 0):
            raise
