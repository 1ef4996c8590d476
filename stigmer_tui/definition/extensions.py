"""Extensions of resources: what the wire has no field for, kept in annotations, which other servers ignore."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json

PROJECT = "stigmer-tui/project"
"""On a resource: the name of the project that deployed it."""
SCRIPT = "stigmer-tui/script"
"""On an agent: the text of the script that it plays where no model is configured."""
SCRIPT_FILE = "stigmer-tui/script-file"
"""On an agent: the file of the project that the script was read from."""
SKILL_FOLDER = "stigmer-tui/skill-folder"
"""On a skill in a project: the folder that is pushed; in a manifest relative to its file."""
MODEL = "stigmer-tui/model"
"""On an agent: the model that it asks for where its run does not. On an execution: the model that all its agents ask,
whatever they ask for otherwise; it hands it on likewise.
"""
FALLBACK_MODELS = "stigmer-tui/fallback-models"
"""On an agent: a JSON list of models that take the place of that one where it is overloaded or cannot be reached."""
OUTPUT = "stigmer-tui/output"
"""On an agent: the JSON schema of its answers, which are objects."""
INPUT = "stigmer-tui/input"
"""On a workflow: the JSON schema of its input, which is the JSON object in the message of a run."""
LIMITS = "stigmer-tui/limits"
"""On an agent, and on an execution, whose limits win: see `core/run_limits`."""
TEMPERATURE = "stigmer-tui/temperature"
"""On an agent: the temperature that it asks for where its run does not, from 0 to 1."""
CODE = "stigmer-tui/code"
"""On an execution of an agent: a digest of the agent as it was when the execution was created."""
FOLDER = "stigmer-tui/folder"
"""On an execution of an agent: the name of its working folder, where that is not the one of its own session."""
FORK = "stigmer-tui/fork"
"""In the metadata of a session: the session that it was forked from and the first execution of that which does not
belong to it, with a space between them."""
REPLACES = "stigmer-tui/replaces"
"""On an execution of an agent: those of its session whose place it takes, with a space between them. What was said and
done in them is not part of the conversation any more."""
APPROVE = "stigmer-tui/approve"
"""On an execution, or else on an agent: the tools whose calls wait for an approval, as `ApprovalPolicy.parse` reads it.
An execution hands it on to those that it starts.
"""
FILES = "stigmer-tui/files"
"""On an execution of an agent: the files that belong to its message, see `definition/attached_files`."""
RECORDING = "stigmer-tui/recording"
"""On an execution: the name of the recording that is played in it, below `Home.recordings`. It hands it on likewise."""
LIVE = "stigmer-tui/live"
"""On an execution with a recording, with any value: only HTTP calls are played, and models are asked. Calls that need
an approval are denied. It hands it on likewise.
"""
UNLISTED = "stigmer-tui/unlisted"
"""A tag of an execution that stands in no list of recent runs, such as that of a test."""
TASK = "stigmer-tui/task"
"""On an execution: the task that a coding agent of others works on; the server has neither task nor agent."""
RUN_FOLDER = "stigmer-tui/run-folder"
"""On such an execution: where the run is recorded besides, on the machine on which it runs."""
VARIABLES = "stigmer-tui/variables"
"""A JSON object: each variable, in the order of the code, with its default; null where there is none."""

OF_TESTS = (RECORDING, LIVE, MODEL)
"""What an execution has because of the test that it belongs to."""

Annotations = Mapping[str, str]
Declarations = Mapping[str, str | None]
"""Defaults of variables, by name; None where there is none."""


def temperature_in(annotations: Annotations) -> float | None:
    """The temperature that an agent asks for. Raises StigmerError for one that is not a number from 0 to 1."""
    text = annotations.get(TEMPERATURE)
    if not text:
        return None
    try:
        temperature = float(text)
    except ValueError:
        temperature = math.nan
    if not 0 <= temperature <= 1:
        raise StigmerError(f"The temperature of the agent is {text!r}, which is not a number from 0 to 1")
    return temperature


def models_in(annotations: Annotations) -> tuple[str, ...]:
    """The models that an agent asks for, the first one first. Raises StigmerError for what is not a list of names."""
    first = annotations.get(MODEL, "")
    if not first:
        return ()
    try:
        others = from_json(annotations.get(FALLBACK_MODELS, "[]"))
    except ValueError:
        others = None
    if not isinstance(others, list) or not all(isinstance(name, str) and name for name in others):
        raise StigmerError(f"The annotation {FALLBACK_MODELS} of the agent is not a list of names of models")
    return (first, *others)


def output_schema_in(annotations: Annotations) -> dict[str, Any] | None:
    """The schema of an agent's answers; None if they are texts. Raises StigmerError for what is not a schema."""
    return _schema_in(annotations, OUTPUT, "agent")


def input_schema_in(annotations: Annotations) -> dict[str, Any] | None:
    """The schema of a workflow's input; None if it may be anything. Raises StigmerError for what is not a schema."""
    return _schema_in(annotations, INPUT, "workflow")


def _schema_in(annotations: Annotations, name: str, owner: str) -> dict[str, Any] | None:
    text = annotations.get(name)
    if not text:
        return None
    try:
        schema = from_json(text)
    except ValueError:
        schema = None
    if not isinstance(schema, dict):
        raise StigmerError(f"The annotation {name} of the {owner} is not a JSON schema")
    return schema


def replaced_in(annotations: Annotations) -> tuple[str, ...]:
    """The executions whose place this one takes."""
    return tuple(annotations.get(REPLACES, "").split())


def replacing(annotations: Annotations, replaced: Sequence[str]) -> dict[str, str]:
    """The annotations of an execution that takes the place of these, and of no other."""
    kept = {name: value for name, value in annotations.items() if name != REPLACES}
    return {**kept, REPLACES: " ".join(replaced)} if replaced else kept


def inherited(annotations: Annotations) -> dict[str, str]:
    """What an execution hands on to those that it starts."""
    return {name: annotations[name] for name in (APPROVE, LIMITS, *OF_TESTS) if name in annotations}


def inherited_by_sub_agents(annotations: Annotations) -> dict[str, str]:
    """Limits and approvals are those of their agent already."""
    return {name: annotations[name] for name in OF_TESTS if name in annotations}


def model_settings_in(annotations: Annotations) -> tuple[str, ...]:
    """What an agent asks of its model, in words: `model`, `temperature`."""
    return tuple(name.rpartition("/")[2] for name in (MODEL, TEMPERATURE) if name in annotations)


def write_declarations(declarations: Declarations) -> str:
    """The value of the annotation VARIABLES."""
    return json.dumps(declarations, ensure_ascii=False)


def read_declarations(annotations: Annotations) -> Declarations:
    """The declared variables; empty where there is no annotation, or one that is not valid."""
    try:
        found = from_json(annotations.get(VARIABLES, "{}"))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: default if isinstance(default, str) else None for name, default in found.items()}
