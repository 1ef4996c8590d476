"""All that is measured, each in a process of its own: `python -m tests.benchmarks [NAME …]`.

The budgets are those of the design; figures that have none are there to be compared. Exit status 1 when something
could not be measured.
"""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = {
    "startup": "Start-up: commands, first pixels, the usable picker",
    "save": "From a save to the first event of the new run",
    "save_parts": "From a save to the first step of the new code, part by part",
    "updates": "From a runner's update to the event on a client",
    "live": "The list of entries in a terminal: keys, processor",
    "scale": "What the length of an execution costs",
    "streamed_markdown": "Markdown as it is streamed",
    "project": "Synthesis and watch",
    "workflows": "The workflow runner",
    "agents": "The agent runner",
    "model_calls": "What an agent adds to its model",
    "daemon": "The daemon as a whole, and headless runs",
    "search": "Finding runs by what happened in them",
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.stderr.write(f"Unknown: {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}\n")
        return 2
    missed, broken = [], []
    for name in names or BENCHMARKS:
        sys.stdout.write(f"\n━━ {name}: {BENCHMARKS[name]}\n")
        sys.stdout.flush()
        command = [sys.executable, "-u", "-m", f"tests.benchmarks.{name}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                sys.stdout.write(line)
                sys.stdout.flush()
                if "MISSED" in line:
                    missed.append(f"{name}: {line.strip()}")
        if process.returncode:
            broken.append(name)
    sys.stdout.write("\n━━ Budgets missed\n" + "".join(f"  {line}\n" for line in missed or ["none"]))
    if broken:
        sys.stdout.write(f"\nCould not be measured: {', '.join(broken)}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
