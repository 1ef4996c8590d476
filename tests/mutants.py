"""The mutation score of a room: how many small faults, put into its code one at a time, its tests notice.

The work is mutmut's, on a copy of the tree below `mutants/ROOM`; what is ours is the choice of tests, and of a sample
that stays the same while the code does. To see what survived: cd mutants/core && mutmut show NAME
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).parents[1]

PYTEST_OPTIONS = ("-pno:cacheprovider", "-pno:xdist", "-pno:unraisableexception", "--hypothesis-seed=0")
"""What collects garbage at the end of each run would take most of its time."""

SETTINGS = (
    # gRPC does not survive the fork of a process that has used it.
    "process_isolation = forkserver",
    # A mutant that hangs has five times as long as its tests take, and some seconds more on a busy machine.
    "timeout_multiplier = 5",
    "timeout_constant = 2",
)

NOTICED = ("killed", "timeout", "segfault")
"""A mutant that never ends is noticed, too."""


def main() -> None:
    room, size = sys.argv[1], int(sys.argv[2])
    copy = ROOT / "mutants" / room
    make_copy(copy)
    (copy / "setup.cfg").write_text(settings(room), encoding="utf-8")
    # Makes the mutants and notes which test reaches which function; there is no name that the pattern fits.
    mutmut(copy, ["-"])
    if not (copy / "mutants" / "mutmut-stats.json").exists():
        sys.exit(f"The tests of {room} fail without any mutant; run them in {copy / 'mutants'}")
    chosen = sample(outcomes(copy), size)
    mutmut(copy, chosen)
    results = outcomes(copy)
    sys.stdout.write(report({name: results[name] for name in chosen}, len(results)) + "\n")


def make_copy(copy: Path) -> None:
    """Without a section for mutmut, which would be read instead of setup.cfg."""
    shutil.rmtree(copy, ignore_errors=True)
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    for name in listed.splitlines():
        if (source := ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / name)


def settings(room: str) -> str:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutants"]
    left_out = [f"--ignore={path}" for path in ours["tests_left_out"]]
    lists = {
        "source_paths": ["stigmer_tui"],
        "only_mutate": [f"stigmer_tui/{room}/*"],
        "do_not_mutate": ours["not_mutated"],
        "do_not_mutate_patterns": ours["lines_not_mutated"],
        "also_copy": ["protos", "styles", "docs", "README.md", "Makefile"],
        "pytest_add_cli_args": [*PYTEST_OPTIONS, *left_out],
        "pytest_add_cli_args_test_selection": ours["rooms"][room],
    }
    lines = [line for name, items in lists.items() for line in (f"{name} =", *(f"    {item}" for item in items))]
    return "\n".join(["[mutmut]", *SETTINGS, *lines, ""])


def mutmut(folder: Path, names: Iterable[str]) -> None:
    """One process at a time, so that the times of tests mean something."""
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", "1", *names]
    subprocess.run(command, cwd=folder, check=False, stdout=sys.stderr)


def outcomes(folder: Path) -> dict[str, int | None]:
    """Of each mutant, by its name; None for one that has not been tried."""
    found: dict[str, int | None] = {}
    for path in (folder / "mutants" / "stigmer_tui").rglob("*.meta"):
        found |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def sample(names: Iterable[str], size: int) -> list[str]:
    """The same for the same code, and nearly the same after a change; 0 for all."""
    shuffled = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    return sorted(shuffled[:size] if size else shuffled)


def report(results: Mapping[str, int | None], total: int) -> str:
    statuses = {name: status_by_exit_code[code] for name, code in results.items()}
    counts = Counter(statuses.values())
    noticed = sum(counts[status] for status in NOTICED)
    missed = [f"  {status:<9} {name}" for name, status in statuses.items() if status not in NOTICED]
    score = f"{noticed} of {len(results)} mutants are noticed ({noticed / max(1, len(results)):.0%}); there are {total}"
    return "\n".join([*missed, score])


if __name__ == "__main__":
    main()
