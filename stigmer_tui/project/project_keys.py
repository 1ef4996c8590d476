"""The keys of Stigmer.yaml: what each is for, its default, and what values it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stigmer_tui.core.run_limits import NAMES
from stigmer_tui.core.watch_rules import Queueing, When


class Runtime(StrEnum):
    """The language of a project."""

    PYTHON = "python"
    GO = "go"
    YAML = "yaml"
    """No code: the manifests themselves are the project."""
    COMMAND = "command"
    """Any language: a program that writes manifests."""

    @property
    def suffix(self) -> str:
        """The suffix of the entry file; empty where there need not be one."""
        return {Runtime.PYTHON: ".py", Runtime.GO: ".go"}.get(self, "")


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """A key of Stigmer.yaml."""

    name: str
    help: str
    """A sentence or two, in Markdown."""
    default: str = ""
    """The value where the key is left out, in Markdown."""
    example: str = ""
    """A value for a required key; empty for an optional one."""
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": ["string", "number"]})
    """The JSON schema of its value."""


NAME = ProjectKey("name", "The project; what it deploys carries this name.", example="my-project")
RUNTIME = ProjectKey(
    "runtime",
    "`python`, `go` for projects of the existing Go SDK, `yaml` for manifests without code, or `command` for a program"
    " in any language.",
    example="python",
    schema={"enum": [str(runtime) for runtime in Runtime]},
)
MAIN = ProjectKey(
    "main",
    "The entry file, relative to the folder; with `yaml` a file of manifests, or a folder of such files.",
    default="`main.py`, `main.go`; with `yaml` the folder itself",
)
COMMAND = ProjectKey(
    "command",
    "With `runtime: command`, the program and its arguments as a list, such as `[node, main.js]`; it is run in the"
    " folder.",
    schema={"type": "array", "items": {"type": "string"}, "minItems": 1},
)
MESSAGE = ProjectKey("message", "What a run is started with that is given no message.")
ENVIRONMENT = ProjectKey(
    "environment",
    "Variables of its runs, `{REGION: eu}`. What `.env` files and `--runtime-env` say wins. Secrets belong there, not"
    " here.",
    schema={
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
        "propertyNames": {"pattern": "^[A-Z_][A-Z0-9_]*$"},
    },
)
ENV_FILES = ProjectKey(
    "env_files",
    "Files of lines such as `TOKEN=…`, for the variables that agents and workflows declare: a list, of which the later"
    " ones win.",
    default="`[.env]`",
    schema={"type": ["string", "array"], "items": {"type": "string"}},
)
WATCH = ProjectKey(
    "watch",
    "What a save does: `{when: changed, queueing: restart}`. `when` says which saves run again what is shown: `always`,"
    " `changed` for those that change it or what it depends on, or `never`. `queueing` says what becomes of a run that"
    " still goes on: `restart` it, `queue` the new one behind it, or `ignore` the save.",
    default="`{when: changed, queueing: restart}`",
    schema={
        "type": "object",
        "properties": {
            "when": {"enum": [str(when) for when in When]},
            "queueing": {"enum": [str(queueing) for queueing in Queueing]},
        },
        "additionalProperties": False,
    },
)
ENGINE = ProjectKey(
    "engine",
    "What runs its workflows. There is one, `embedded`, which is in the daemon.",
    default="`embedded`",
    schema={"enum": ["embedded"]},
)
TESTS = ProjectKey("tests", "The folder of its tests, for `stigmer-tui test` and `export`.", default="`tests`")
TASKS = ProjectKey(
    "tasks",
    "Tasks for coding agents of others, by name, for `stigmer-tui task run` and the app: `{tidy: {prompt:"
    " prompts/tidy.md, requires_commit: true}}`. Files of the folder `tasks` are tasks as well.",
    schema={
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "prompt": {"type": "string"},
                "requires_commit": {"type": "boolean"},
                "notify": {"type": "boolean"},
                "timeout": {"type": ["string", "number"]},
                "agents": {"type": ["string", "array"], "items": {"type": "string"}},
                "folder": {"type": "string"},
                "worktree": {"type": "boolean"},
            },
            "required": ["prompt"],
            "additionalProperties": False,
        },
    },
)
VERSION = ProjectKey("version", "Shown only.")
DESCRIPTION = ProjectKey("description", "Shown only.")
ORGANIZATION = ProjectKey(
    "organization", "Where the resources are deployed; `--org` wins.", default="that of the configuration"
)
APPROVE = ProjectKey(
    "approve",
    "Tools whose calls wait for a person's approval, in runs of its agents: a list of names, or `all`; a run's"
    " `--approve` wins.",
    default="that of the configuration",
    schema={"type": ["string", "array"], "items": {"type": "string"}},
)

LIMITS = ProjectKey(
    "limits",
    "Where each run of an agent ends: `{steps: 20, time: 5m, tokens: 200k, cost: 0.50}`, as far as given; "
    "`run --limit` wins.",
    default="those of the configuration",
    schema={
        "type": "object",
        "properties": {
            "steps": {"type": "integer", "minimum": 1},
            **{name: {"type": ["number", "string"]} for name in NAMES if name != "steps"},
        },
        "additionalProperties": False,
    },
)

KEYS = (
    *(NAME, RUNTIME, MAIN, COMMAND, VERSION, DESCRIPTION, ORGANIZATION),
    *(MESSAGE, ENVIRONMENT, ENV_FILES, WATCH, APPROVE, LIMITS, ENGINE, TESTS, TASKS),
)
"""All keys of Stigmer.yaml; the reference is generated from them."""
