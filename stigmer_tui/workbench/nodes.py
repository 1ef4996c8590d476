"""What the tree of an execution is made of: nodes and messages, all of them frozen, and the deltas that bring them.

No generated message is imported here, so that the screen can stand before the wire is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.usage import NO_USAGE, Usage

NodeKey = tuple[str, ...]
"""The way to a node from the root in: the ids of the runs around it, each after the node that stands for it, then its
own. An id is unique within its run, so a key stays the same whatever is reported later."""

SCRIPTED = "scripted"

SUBJECTS = ("command", "pattern", "file_path", "path", "url", "query")
"""Arguments that say what a tool call is about; what comes by the wire has no order of its own."""


class NodeKind(StrEnum):
    RUN = "run"
    """An execution of an agent or a workflow: the root, or what another node stands for."""
    TASK = "task"
    TOOL_CALL = "tool_call"
    SUB_AGENT = "sub_agent"


class OriginKind(StrEnum):
    REUSED = "reused"
    PINNED = "pinned"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the outcome of a node comes from, when it did not happen in this run."""

    kind: OriginKind
    execution_id: str = ""


class Role(Enum):
    HUMAN = "You"
    AGENT = "Agent"
    TOOL = "Tool"
    SYSTEM = "System"


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    text: str
    at: datetime | None = None
    calls: tuple[str, ...] = ()
    """Ids of the tool calls that a tool message stands for."""
    model: str = ""
    """What wrote it, for an agent's message; SCRIPTED where no model was asked."""
    revision: int = field(default=0, compare=False)
    is_summary: bool = False
    """Whether the agent gets it in place of earlier messages of its conversation."""
    is_reasoning: bool = False
    """Whether it is what a model thought before it spoke."""
    files: tuple[str, ...] = ()
    """What belongs to it: names, types and sizes, for people."""

    def as_of(self, revision: int) -> Message:
        """By hand: with `replace`, it would be most of what a change costs, and each token is one."""
        return Message(
            self.role,
            self.text,
            self.at,
            self.calls,
            self.model,
            revision,
            self.is_summary,
            self.is_reasoning,
            self.files,
        )


@dataclass(frozen=True, slots=True)
class ModelWait:
    """A model that has been asked and has not said anything yet."""

    model: str
    """Provider and model: `openai gpt-5-mini`."""
    since: datetime | None = None
    reason: str = ""
    """Why it has to be asked again; empty the first time."""


@dataclass(frozen=True, slots=True)
class Node:
    """A run, a task, a tool call or a sub-agent. Nodes of any kind may stand below it."""

    id: str
    """Of a task, its path in the definition, with the iteration where there is one: `/each/2/charge`."""
    kind: NodeKind
    name: str
    type: str = ""
    """Of a task `set`, `http`, `switch`, `for`, `wait`, `agent` or what other servers say; of a run, the kind of its
    resource."""
    state: RunState = RunState.PENDING
    parent: str = ""
    """Id of the node around it, in the same run; empty directly in the run."""
    detail: str = ""
    """What it is about, in a few words: `GET 127.0.0.1:18080/item.json  200  1.3 kB`."""
    input: Any = None
    output: Any = None
    error: str = ""
    attempt: int = 1
    child: str = ""
    """Id of the execution that it stands for; its run is the node below it with this id."""
    origin: Origin | None = None
    waiting: ModelWait | None = None
    """Of a run: the model that its agent waits for."""
    usage: Usage = NO_USAGE
    """Of a run of an agent."""
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    left_out: int = 0
    """Of a call that runs, whose output is the end of what it has put out so far: characters before that."""
    position: int = field(default=0, compare=False)
    """In the order of the first reports. Set by the tree, as the revision of the last change is."""
    revision: int = field(default=0, compare=False)

    def as_of(self, position: int, revision: int) -> Node:
        """By hand, as `replace` costs twice as much."""
        return Node(
            self.id,
            self.kind,
            self.name,
            self.type,
            self.state,
            self.parent,
            self.detail,
            self.input,
            self.output,
            self.error,
            self.attempt,
            self.child,
            self.origin,
            self.waiting,
            self.usage,
            self.created_at,
            self.started_at,
            self.completed_at,
            self.left_out,
            position,
            revision,
        )


# Tuples, as each token is one and a dataclass costs twice as much.


class PutNode(NamedTuple):
    """A node as it is now, new or in place of the one with its id."""

    node: Node
    scope: NodeKey
    """Key of the run that it is in; of a run itself, key of the node that stands for it."""


class PutMessage(NamedTuple):
    """A message of a run as it is now; one past the end is new."""

    position: int
    message: Message
    run: NodeKey


class GrowMessage(NamedTuple):
    """New text of a message, after the characters that stay."""

    position: int
    keep: int
    text: str
    run: NodeKey


class GrowOutput(NamedTuple):
    """New output of a call that runs, which has `before` characters before it."""

    call: str
    before: int
    text: str
    run: NodeKey


Delta = PutNode | PutMessage | GrowMessage | GrowOutput


def run_node(kind: ResourceKind, execution_id: str, resource: str) -> Node:
    """A run of which nothing is known yet; `resource` is the slug of the agent or workflow."""
    return Node(execution_id, NodeKind.RUN, resource, kind)


def branch_of(task: Node) -> str:
    """What stands between a task and the one around it: `2` in `/each/2/charge`. Empty where ids are no paths."""
    around = f"{task.parent}/"
    if not task.parent or not task.id.startswith(around):
        return ""
    branch, _, name = task.id[len(around) :].rpartition("/")
    return branch if name == task.name else ""
