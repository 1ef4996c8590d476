"""Synthesis: runs the code of a project and writes the manifests of what it defines.

The manifests are written into the folder that STIGMER_OUT_DIR names, all at once, when the code has ended. Where it
fails, its traceback goes to standard error, and `error.json` with file, line and message into that folder.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from stigmer_tui.sdk.registry import begin_registry

USAGE = "usage: python -m stigmer_tui.sdk main.py"
OUTPUT_FOLDER = "STIGMER_OUT_DIR"
WRITTEN_FILES = "STIGMER_WRITTEN_FILES"
"""Environment variable: the file that lists the paths which the code writes, each followed by NUL."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PATH_ARGUMENTS = {
    "open": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.remove": (0,),
    "os.truncate": (0,),
    "os.utime": (0,),
    "sqlite3.connect": (0,),
}
"""Which arguments of an audit event are paths that change."""


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0, 1 for code that failed, that of the code's own exit, or 2 for wrong arguments."""
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)  # noqa: T201
        return 2
    entry = Path(arguments[0]).absolute()
    if not entry.is_file():
        print(f"There is no file {entry}", file=sys.stderr)  # noqa: T201
        return 2
    record_written_files()
    folder = Path(os.environ[OUTPUT_FOLDER]) if os.environ.get(OUTPUT_FOLDER) else None
    try:
        synthesize(entry, folder)
    except BaseException as error:
        from stigmer_tui.sdk.error_report import report

        return report(error, entry, folder)
    return 0


def synthesize(entry: Path, folder: Path | None) -> None:
    """Runs the code and writes the manifests; without a folder it only checks. Raises whatever the code raises."""
    registry = begin_registry()
    run_as_script(entry)

    # Only now: the messages of the wire take longer to load than all of the SDK.
    from stigmer_tui.sdk.manifests import manifest_files, write_files

    files = manifest_files(registry, int(time.time()), entry.parent)
    if folder is not None:
        write_files(files, folder)


def run_as_script(entry: Path) -> None:
    """Runs a file as the interpreter would: as the main module, with its folder first on the path."""
    module = ModuleType("__main__")
    module.__file__ = str(entry)
    sys.modules["__main__"] = module
    sys.argv = [str(entry)]
    # The first entry is where we were started, unless the interpreter is in safe-path mode.
    sys.path[: 0 if sys.flags.safe_path else 1] = [str(entry.parent)]
    # Without `dont_inherit` the future imports of this file would hold for the project's code.
    code = compile(entry.read_bytes(), str(entry), "exec", dont_inherit=True)
    try:
        exec(code, module.__dict__)  # noqa: S102
    except SystemExit as ending:
        if ending.code not in (None, 0):
            raise


def record_written_files() -> None:
    """Lists the files that the code writes, so that a watcher can distinguish them from saves. It does so from now on.

    It sees what is written by Python, in this process and in its forks, and not what other programs write.
    """
    path = os.environ.pop(WRITTEN_FILES, "")
    if not path:
        return
    report = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    recorded: set[str] = set()

    def record(path: Any) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - pathlib is not worth its time here
            if text not in recorded:
                recorded.add(text)
                os.write(report, os.fsencode(text) + b"\0")

    def on_audit_event(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            flags = arguments[2]
            if not (isinstance(flags, int) and flags & WRITING):
                return
        elif event not in PATH_ARGUMENTS:
            return
        try:
            for index in PATH_ARGUMENTS[event]:
                record(arguments[index])
        except Exception:  # noqa: S110 - an error here would be one of the code that writes
            pass

    sys.addaudithook(on_audit_event)
