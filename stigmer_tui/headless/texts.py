"""The errors that Stigmer's users know by heart (issue texts), and the reading of `--runtime-env`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.run_variable import SECRET_PREFIX
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.state import Value

NAME_SOMETHING = "specify agent/workflow: stigmer-tui run <name-or-id>"
WITHOUT_WATCH = "leave --watch out: stigmer-tui run <name-or-id>"
MAKE_A_PROJECT = "make a project: stigmer-tui new <name>"


def no_project(other_way: str) -> StigmerError:
    """`other_way` is what to do instead of going to a project."""
    return StigmerError(
        "No Stigmer.yaml found in current directory",
        f"Either:\n  • Run from a Stigmer project directory\n  • Or {other_way}",
    )


def not_found(reference: str) -> StigmerError:
    return StigmerError(
        f"Agent or Workflow not found: {reference}",
        "Checked for:\n"
        f"  • Workflow with ID/name: {reference}\n"
        f"  • Agent with ID/name: {reference}\n"
        "\n"
        "Possible reasons:\n"
        "  • Resource doesn't exist in organization\n"
        "  • Resource hasn't been deployed yet (run: stigmer-tui apply)\n"
        "  • Wrong organization context",
    )


def unknown_execution(reference: str) -> StigmerError:
    """`reference` is the id of an execution, or of a session."""
    if reference.startswith("ses"):
        return StigmerError(f"There is no session {reference}", "See what there is: stigmer-tui sessions list")
    return StigmerError(f"There is no execution {reference}", "See what there is: stigmer-tui execution list")


def nothing_to_run() -> StigmerError:
    return StigmerError(
        "There is nothing to run: neither a workflow nor an agent",
        "Deploy it without a run: stigmer-tui apply -f FILE",
    )


def ambiguous(resources: Sequence[Resource]) -> StigmerError:
    return StigmerError(
        "Several resources, and no terminal to choose at",
        "Name one of them: stigmer-tui run <name-or-id>\n"
        + "\n".join(f"  • [{resource.kind.capitalize()}] {resource.slug}" for resource in resources),
    )


def parse_runtime_env(entries: Iterable[str]) -> dict[str, Value]:
    """`KEY=VALUE` or `secret:KEY=VALUE`, split at the first `=`; a later entry of a key wins."""
    environment = {}
    for entry in entries:
        text = entry.removeprefix(SECRET_PREFIX)
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            shown = f"{SECRET_PREFIX}…" if text != entry else entry
            raise StigmerError(f"Invalid runtime environment format: {shown} (expected key=value)")
        environment[key.strip()] = Value(value, is_secret=text != entry)
    return environment
