"""The process in which jq programs run: it reads programs and inputs, and answers with values or complaints.

Standard input holds pairs of lines, a program and its input, both as JSON. The answer to each is a line that begins
with `=` and the value as JSON, or with `!` and the complaint as JSON. The argument is the time limit in seconds: a
program that takes longer ends the process by SIGALRM, one that takes too much memory by SIGABRT.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from contextlib import suppress

from stigmer_tui.definition import programs
from stigmer_tui.definition.lexer import ExpressionError

MOST_MEMORY = 2 * 1024**3
"""Bytes of address space."""


def main() -> None:
    # Whoever stops the runner stops its whole group; the runner may need another value before it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time_limit = float(sys.argv[1])
    # A system that cannot limit memory still has the limit of time.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while program := sys.stdin.readline():
        inputs = sys.stdin.readline()
        signal.setitimer(signal.ITIMER_REAL, time_limit)
        try:
            answer = f"={programs.run(json.loads(program), inputs)}"
        except ExpressionError as error:
            answer = f"!{json.dumps(str(error))}"
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
