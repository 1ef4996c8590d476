"""An execution as it is known so far: one tree of nodes, whatever runs in it and however deep.

The tree is the only state that is changed in place, because it can hold 100,000 nodes; it changes by deltas and by
nothing else.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from stigmer_tui.core.output_tail import OutputTail
from stigmer_tui.workbench.model import ResourceKind, Run, RunState
from stigmer_tui.workbench.nodes import (
    Delta,
    GrowMessage,
    GrowOutput,
    Message,
    ModelWait,
    Node,
    NodeKey,
    NodeKind,
    PutMessage,
    PutNode,
    run_node,
)
from stigmer_tui.workbench.usage import Usage

MAX_CHANGES = 4096
"""Parts. More than change between two frames at any rate that a person can follow; a reader further behind than
this looks at the whole execution once."""


class Part(NamedTuple):
    """What changed: a node, or a message of a run."""

    key: NodeKey
    message: int = -1
    """Its index; -1 for the node itself."""


class ChangeLog:
    """The parts that changed lately, each once, in the order of their last changes."""

    def __init__(self) -> None:
        self._revisions: OrderedDict[Part, int] = OrderedDict()
        self._forgotten = 0

    def note(self, part: Part, revision: int) -> None:
        self._revisions[part] = revision
        self._revisions.move_to_end(part)
        if len(self._revisions) > MAX_CHANGES:
            _, self._forgotten = self._revisions.popitem(last=False)

    def since(self, revision: int) -> list[Part] | None:
        """What changed after a revision, the oldest change first; None when that is no longer known."""
        if revision < self._forgotten:
            return None
        found = []
        for part, changed in reversed(self._revisions.items()):
            if changed <= revision:
                break
            found.append(part)
        found.reverse()
        return found


class Execution:
    """The tree of one execution. Every change raises `revision`; what is put where an equal part stands is none."""

    def __init__(
        self,
        kind: ResourceKind,
        id: str,  # noqa: A002 - as a node has it
        resource: str,
        message: str = "",
        state: RunState = RunState.PENDING,
        error: str = "",
        started_at: datetime | None = None,
        *,
        session: str = "",
        code: str = "",
        replaces: tuple[str, ...] = (),
        files: str = "",
    ) -> None:
        """`resource` is the slug of the agent or workflow."""
        self.session = session
        """Id of the session, for an agent's."""
        self.code = code
        """Differs between versions of the agent; empty where the server does not say it."""
        self.replaces = replaces
        """Ids of the executions of its session whose place it takes."""
        self.files = files
        """Those that belong to its message, as `definition/attached_files` reads them."""
        self.kind = kind
        self.root_key: NodeKey = (id,)
        self.revision = 0
        self.reshaped = 0
        """The revision at which a node last came between others, or went from one to another: what is below it stands
        elsewhere without a change of its own."""
        self._nodes: dict[NodeKey, Node] = {}
        self._messages: dict[NodeKey, list[Message]] = {}
        self._missing: set[NodeKey] = set()
        """Parents that were named and not reported yet."""
        self._changes = ChangeLog()
        self._states: dict[NodeKind, Counter[RunState]] = {kind: Counter() for kind in NodeKind}
        self._failures: dict[NodeKey, dict[NodeKey, None]] = {}
        """Nodes that have failed with an error at some time, by the node around each."""
        self.apply(
            PutNode(
                replace(run_node(kind, id, resource), input=message, state=state, error=error, started_at=started_at),
                (),
            )
        )

    @property
    def root(self) -> Node:
        return self._nodes[self.root_key]

    @property
    def id(self) -> str:
        return self.root_key[0]

    @property
    def resource(self) -> str:
        """Slug of the agent or workflow."""
        return self.root.name

    @property
    def message(self) -> str:
        """What it was started with."""
        return str(self.root.input or "")

    @property
    def state(self) -> RunState:
        return self.root.state

    @property
    def error(self) -> str:
        return self.root.error

    @property
    def output(self) -> Any:
        return self.root.output

    @property
    def created_at(self) -> datetime | None:
        return self.root.created_at

    @property
    def started_at(self) -> datetime | None:
        return self.root.started_at

    @property
    def completed_at(self) -> datetime | None:
        return self.root.completed_at

    @property
    def waiting(self) -> ModelWait | None:
        """The model that the agent waits for."""
        return self.root.waiting

    @property
    def usage(self) -> Usage:
        """What its own agent has asked of models."""
        return self.root.usage

    def apply(self, delta: Delta) -> None:
        """Raises KeyError for a change in a run that is not in the tree."""
        if isinstance(delta, GrowMessage):
            position, keep, text, run = delta
            messages = self._messages[run]
            if position < len(messages):
                known = messages[position]
                text = known.text[:keep] + text
                grown = Message(known.role, text, known.at, known.calls, known.model, is_reasoning=known.is_reasoning)
                self._put_message(run, position, grown)
        elif isinstance(delta, PutMessage):
            self._put_message(delta.run, delta.position, delta.message)
        elif isinstance(delta, GrowOutput):
            self._grow_output(delta)
        else:
            self._put_node(delta.scope, delta.node)

    def node(self, key: NodeKey) -> Node:
        """Raises KeyError."""
        return self._nodes[key]

    def find(self, key: NodeKey) -> Node | None:
        return self._nodes.get(key)

    def nodes(self) -> Iterator[tuple[NodeKey, Node]]:
        """In the order in which they were first reported."""
        return iter(self._nodes.items())

    def messages(self, run: NodeKey | None = None) -> Sequence[Message]:
        """Of a run; without a key, of the root."""
        return self._messages[run or self.root_key]

    def count(self, kind: NodeKind) -> Counter[RunState]:
        """How many nodes of a kind the execution itself has, not those that it started, by state."""
        return +self._states[kind]

    def parent_key(self, key: NodeKey, node: Node | None = None) -> NodeKey:
        """Of the node around; empty for the root. A parent that is not known is no parent.

        `node` is the one at the key, where it is at hand.
        """
        scope = key[:-1]
        if parent := (node or self._nodes[key]).parent:
            around = (*scope, parent)
            if around in self._nodes:
                return around
        return scope

    def ancestors(self, key: NodeKey) -> Iterator[NodeKey]:
        """Keys of the nodes around, the nearest first."""
        while key := self.parent_key(key):
            yield key

    def place(self, key: NodeKey) -> tuple[int, ...]:
        """Sorts nodes as they follow each other, and what is below a node after it."""
        around = [self._nodes[other].position for other in self.ancestors(key)]
        return (*reversed(around), self._nodes[key].position)

    def run_below(self, key: NodeKey) -> Node | None:
        """The run that a node stands for, once it is known."""
        child = self._nodes[key].child
        return self._nodes.get((*key, child)) if child else None

    def is_error_below(self, key: NodeKey) -> bool:
        """Whether the error of a node is that of one below it, and so is told there."""
        node = self._nodes[key]
        if node.state is not RunState.FAILED or not node.error:
            return False
        below = (self._nodes[other] for other in self._failures.get(key, ()))
        return any(_has_failed(other) and other.error in node.error for other in below)

    def cause(self) -> Node | None:
        """The task whose error is that of the execution; of tasks in each other, the innermost."""
        nodes = (self._nodes[key] for below in self._failures.values() for key in below)
        tasks = (node for node in nodes if node.kind is NodeKind.TASK and _has_failed(node))
        return min((task for task in tasks if task.error in self.error), key=lambda task: len(task.error), default=None)

    def changed_since(self, revision: int) -> list[Part]:
        """The parts that changed after a revision, each once; all there are for -1."""
        known = self._changes.since(revision)
        if known is not None:
            return known
        keys = (key for key, node in self._nodes.items() if node.revision > revision)
        parts = list(map(Part, self._nodes if revision < 0 else keys))
        for run, messages in self._messages.items():
            parts += [Part(run, index) for index, message in enumerate(messages) if message.revision > revision]
        return parts

    def _put_node(self, scope: NodeKey, node: Node) -> None:
        if scope and scope not in self._nodes:
            raise KeyError(scope)
        key = (*scope, node.id)
        before = self._nodes.get(key)
        if node.parent and (before is None or before.parent != node.parent):
            around = (*scope, node.parent)
            if self._leads_to(around, key):
                node = replace(node, parent="")
            elif around not in self._nodes:
                self._missing.add(around)
        if before == node:
            return
        self._note(Part(key))
        if key in self._missing or (before is not None and before.parent != node.parent):
            self._missing.discard(key)
            self.reshaped = self.revision
        self._nodes[key] = node.as_of(before.position if before else len(self._nodes), self.revision)
        if node.kind is NodeKind.RUN:
            self._messages.setdefault(key, [])
        if scope == self.root_key:
            self._count(node, before)
        self._note_failure(key, node)

    def _put_message(self, run: NodeKey, index: int, message: Message) -> None:
        messages = self._messages[run]
        if index == len(messages):
            messages.append(message)
        elif messages[index].text == message.text and messages[index] == message:
            # The texts first: of most changes, they are what differs.
            return
        self._note(Part(run, index))
        messages[index] = message.as_of(self.revision)

    def _grow_output(self, delta: GrowOutput) -> None:
        node = self._nodes.get((*delta.run, delta.call))
        if node is not None and not node.state.is_final:
            tail = OutputTail(node.left_out, str(node.output or "")).grown(delta.before, delta.text)
            self._put_node(delta.run, replace(node, output=tail.text, left_out=tail.before))

    def _note(self, part: Part) -> None:
        self.revision += 1
        self._changes.note(part, self.revision)

    def _leads_to(self, around: NodeKey, key: NodeKey) -> bool:
        """Whether a node is that of the key, or below it: a server may say that nodes are around each other."""
        while around != key:
            node = self._nodes.get(around)
            if node is None or not node.parent:
                return False
            around = (*key[:-1], node.parent)
        return True

    def _count(self, node: Node, before: Node | None) -> None:
        if before is not None:
            # A call becomes a sub-agent when its arguments are known.
            self._states[before.kind][before.state] -= 1
        self._states[node.kind][node.state] += 1

    def _note_failure(self, key: NodeKey, node: Node) -> None:
        """By the node that shows it: a run is shown by the one that stands for it."""
        if node.kind is not NodeKind.RUN and _has_failed(node):
            scope = key[:-1]
            around = (*scope, node.parent) if node.parent else scope[:-1] or scope
            self._failures.setdefault(around, {})[key] = None


def _has_failed(node: Node) -> bool:
    return node.state is RunState.FAILED and bool(node.error)


def run_of(execution: Execution, resource_id: str) -> Run:
    """An execution as a line of the list."""
    return Run(
        kind=execution.kind,
        id=execution.id,
        resource_id=resource_id,
        resource=execution.resource,
        state=execution.state,
        message=execution.message,
        created_at=execution.created_at,
        started_at=execution.started_at,
        completed_at=execution.completed_at,
        error=execution.error,
    )
