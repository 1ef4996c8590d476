"""The full-screen app: from a folder to a running screen, and back to the shell."""

from __future__ import annotations

import gc
import os
import sys
import termios

from stigmer_tui.cli.skeleton import draw_skeleton, is_terminal, restore_terminal
from stigmer_tui.core.terminal import is_addressable, terminal_encoding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

NO_TERMINAL = """Error: The app needs a terminal

Open one and run the command there; on a machine without one:
  • ssh -t HOST stigmer-tui        a terminal over ssh
  • docker run -it …               a terminal in a container
  • script -qc stigmer-tui         a terminal within a program
Or work without a screen: stigmer-tui run --help
"""

NO_CURSOR = """Error: The app cannot draw on this terminal: TERM is '{term}', which has no way to place the cursor

If it is a modern one, say so: TERM=xterm-256color stigmer-tui
Or work without a screen: stigmer-tui run --help
"""

IN_THE_BACKGROUND = """Error: The app cannot be opened in the background

Start it without & at the end of the line
"""

HUNG_UP, INTERRUPTED = 129, 130
"""Exit codes: the terminal is gone; ctrl+c."""


def open_app(path: str, has_manifests: bool = False) -> int:
    """`path` is a folder, or a file of manifests; with `has_manifests` either holds some, and what is there already is
    no project.
    """
    is_file = path.endswith((".yaml", ".yml")) and os.path.isfile(path)  # noqa: PTH113 - loads nothing
    if not is_file and not os.path.isdir(path or "."):  # noqa: PTH112 - likewise
        _say(f"Error: There is no folder {path}, nor a file of manifests\n\nCommands: stigmer-tui --help\n")
        return 2
    if not is_terminal():
        _say(NO_TERMINAL)
        return 2
    if not is_addressable(os.environ):
        _say(NO_CURSOR.format(term=os.environ.get("TERM", "")))
        return 2
    try:
        # Changes nothing, but stops a background process until `fg`.
        termios.tcsetattr(0, termios.TCSANOW, termios.tcgetattr(0))
    except termios.error:
        _say(IN_THE_BACKGROUND)
        return 2
    try:
        draw_skeleton()
    except OSError:
        return HUNG_UP
    try:
        from stigmer_tui.cli.terminal import run_in_terminal
        from stigmer_tui.core.errors import StigmerError
        from stigmer_tui.core.paths import Home, working_folder
        from stigmer_tui.project.project_file import FILE_NAME, project_folder

        opened = working_folder() / path if path else project_folder(working_folder())
        folder = opened.parent if is_file else opened
        manifests = opened if (is_file and opened.name != FILE_NAME) or has_manifests else None
        log = Home.from_environment(os.environ).log("app")
    except StigmerError as error:
        restore_terminal()
        _say(f"Error: {error}\n")
        return 1
    except KeyboardInterrupt:
        restore_terminal()
        return INTERRUPTED
    except BaseException:
        restore_terminal()
        raise
    return run_in_terminal(lambda lifeline: _run(folder, manifests, lifeline), str(log))


def _run(folder: Path, manifests: Path | None, lifeline: int) -> int:
    """`lifeline` comes from the process that restores the terminal, and ends with it."""
    # Garbage collection would take a tenth of the start-up; the app enables it after its first paint.
    gc.disable()
    # Milliseconds until a lone escape is the key; terminals send sequences within a few.
    os.environ.setdefault("ESCDELAY", "25")
    # Textual waits up to one frame before it paints the effect of a key.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    # Textual would believe an exported, outdated window size.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    from functools import partial

    from stigmer_tui.core.clock import SystemClock
    from stigmer_tui.core.configuration import load_configuration
    from stigmer_tui.core.errors import StigmerError, system_refusal
    from stigmer_tui.core.problem_log import log_problems_to_file
    from stigmer_tui.testing.services import load_services_with_tests
    from stigmer_tui.tui.app import StigmerApp
    from stigmer_tui.workbench.services import load_services
    from stigmer_tui.workbench.session import Session
    from stigmer_tui.workbench.session_cache import SessionCache

    clock = SystemClock()
    try:
        configuration = load_configuration(os.environ)
        configuration.home.prepare()
        cache = SessionCache.of(configuration, folder)
        load = partial(load_services, manifests=manifests) if manifests else load_services_with_tests
        has_manifests = manifests is not None
        session = Session(configuration, folder, clock, cache=cache, load=load, has_manifests=has_manifests)
        app = StigmerApp(session, clock, lifeline)
        log = configuration.home.log("app")
        log_problems_to_file(log, "app")
        _keep_standard_error(log)
        os.chdir(folder)
    except (StigmerError, OSError) as error:
        restore_terminal()
        refusal = system_refusal(error) if isinstance(error, OSError) else error
        _say(f"Error: {refusal}\n")
        return 1
    app.error_console.file = sys.__stderr__ or sys.stderr
    code = app.run()
    # After an unhandled error `run` returns None; the return code is correct.
    return code if code is not None else app.return_code or 0


def _say(text: str) -> None:
    """Prints for the user: replaces signs that the terminal lacks, and removes control characters."""
    from stigmer_tui.core.control_text import ControlFilter
    from stigmer_tui.core.terminal import SIGNS, register_signs

    register_signs()
    file = sys.__stderr__ or sys.stderr
    file.buffer.write(ControlFilter().feed(text).encode(terminal_encoding(os.environ), SIGNS))
    file.flush()


def _keep_standard_error(log: Path) -> None:
    """Redirects standard error of C libraries to a file; the app draws on the original descriptor."""
    from stigmer_tui.core.private_files import open_private
    from stigmer_tui.core.terminal import CELLS, register_signs

    screen = os.dup(2)
    file = open_private(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 2)
    os.close(file)
    register_signs()
    # Replacements of signs that the locale lacks keep their width.
    sys.__stderr__ = os.fdopen(screen, "w", encoding=terminal_encoding(os.environ), errors=CELLS)  # type: ignore[misc]
