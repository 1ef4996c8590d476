"""One command as a process: its output, its errors in words, and its exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO, cast

import click

from stigmer_tui.cli.commands import program
from stigmer_tui.core.control_text import FilteredOutput
from stigmer_tui.core.errors import StigmerError, as_text, system_refusal
from stigmer_tui.core.terminal import SIGNS, register_signs, terminal_encoding

INTERRUPTED = 130
READER_IS_GONE = 128 + 13
"""Exit code of a program that SIGPIPE ended, as in `| head`."""


def run_command(arguments: Sequence[str]) -> int:
    """Returns the exit code: 0 done, 1 failed or refused, 2 wrong usage, 130 interrupted."""
    _filter_output()
    try:
        for argument in arguments:
            as_text(argument, "An argument")
        code = program.main(list(arguments), prog_name="stigmer-tui", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except StigmerError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except BaseExceptionGroup as errors:
        return _reader_is_gone() if errors.subgroup(BrokenPipeError) else _own_error(errors)
    except (BrokenPipeError, SystemExit):
        # click exits with 1 after a broken pipe.
        return _reader_is_gone()
    except OSError as error:
        click.echo(f"Error: {system_refusal(error)}", err=True)
        return 1
    except Exception as error:
        return _own_error(error)
    return code if isinstance(code, int) else 0


def complete_for_shell(instruction: str) -> int:
    """Answers a shell in which a person has pressed tab. What fails is not said: it would stand in their line."""
    from stigmer_tui.cli.completion import complete

    _filter_output()
    try:
        return complete(instruction)
    except Exception:
        return 1


def exit_process(code: int) -> NoReturn:
    """Ends the process once its output is written. An orderly end of the interpreter would take 20 ms more."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = READER_IS_GONE
    except OSError as error:
        sys.stderr.write(f"Error: Cannot write the output: {error.strerror}\n")
        code = 1
    os._exit(code)


def _filter_output() -> None:
    """Cleans everything that is printed, and replaces signs that the locale lacks."""
    register_signs()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=_encoding(stream), errors=SIGNS)
    if not isinstance(sys.stdout, FilteredOutput):
        sys.stdout = cast(TextIO, FilteredOutput(sys.stdout))
    if not isinstance(sys.stderr, FilteredOutput):
        sys.stderr = cast(TextIO, FilteredOutput(sys.stderr))


def _encoding(stream: io.TextIOWrapper) -> str:
    """The encoding of the locale, even where Python uses UTF-8 mode."""
    return "ascii" if terminal_encoding(os.environ) == "ascii" else stream.encoding


def _own_error(error: BaseException) -> int:
    from stigmer_tui.cli.own_errors import tell

    tell(error)
    return 1


def _reader_is_gone() -> int:
    """Ends quietly after the reader of our output has gone, as in `| head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return READER_IS_GONE
