"""However cases and loops are nested, the list of tasks and jumps that they become runs what was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.api.workflow_pb2 import Workflow as WorkflowMessage
from stigmer_tui.definition.support import warnings
from stigmer_tui.definition.validation import parse
from stigmer_tui.sdk import Workflow
from stigmer_tui.sdk.layout import nested_task
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import begin_registry
from tests.sdk.definitions import tasks_in

SET, LOOP, END = "set", "loop", "end"
# A step is SET, a tuple of LOOP and its steps, or a list of cases, each a list of steps; END may be the last step.
STEPS = st.recursive(
    st.lists(st.just(SET), min_size=1, max_size=3),
    lambda steps: st.lists(
        st.one_of(
            st.just(SET),
            st.tuples(st.just(LOOP), steps),
            st.lists(st.one_of(steps, st.just([]), steps.map(lambda some: [*some, END])), min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=3,
    ),
    max_leaves=12,
)


class Ended(Exception):  # noqa: N818 - the end of a workflow is no error
    pass


class Author:
    """Writes the steps down, each with a name of its own."""

    def __init__(self, flow: Workflow, has_default: bool) -> None:
        self.flow = flow
        self.has_default = has_default
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def write(self, steps: list[Any]) -> None:
        for step in steps:
            match step:
                case "set":
                    self.flow.set(self.name(), x="1")
                case "end":
                    self.flow.end()
                case (str(), body):
                    with self.flow.for_each(self.name(), [1]):
                        self.write(body)
                case cases:
                    with self.flow.switch(self.name()) as switch:
                        for number, body in enumerate(cases):
                            last = self.has_default and number == len(cases) - 1
                            with switch.default() if last else switch.case(self.flow.input.choice == number):
                                self.write(body)


class Reader:
    """What the steps mean: names in the order in which they run, given which case each switch takes."""

    def __init__(self, choice: int, has_default: bool, trace: list[str]) -> None:
        self.choice = choice
        self.has_default = has_default
        self.count = 0
        self.trace = trace

    def name(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def read(self, steps: list[Any], runs: bool = True) -> None:
        for step in steps:
            if step == END:
                if runs:
                    raise Ended
                continue
            name = self.name()
            if runs:
                self.trace.append(name)
            match step:
                case "set":
                    continue
                case (str(), body):
                    self.read(body, runs)
                case cases:
                    conditions = len(cases) - self.has_default
                    taken = self.choice % (conditions + 1)
                    for number, body in enumerate(cases):
                        self.read(body, runs and number == taken)


def run(tasks: Sequence[Mapping[str, Any]], choice: int, trace: list[str]) -> None:
    """What the list means (`docs/compatibility.md` 88)."""
    names = [task["name"] for task in tasks]
    at = 0
    while at < len(tasks):
        task = tasks[at]
        trace.append(task["name"])
        assert len(trace) < 200
        then = task.get("flow", {}).get("then", "")
        config = task["taskConfig"]
        if task["kind"].endswith("_FOR"):
            run(config["do"], choice, trace)
        if task["kind"].endswith("_SWITCH"):
            cases = config["cases"]
            written = [case for case in cases if "when" in case]
            taken = choice % (len(written) + 1)
            (default,) = [case for case in cases if "when" not in case]
            then = (written[taken] if taken < len(written) else default)["then"]
        if then == "end":
            raise Ended
        if then == "exit":
            return
        at = names.index(then) if then else at + 1


def trace_of(act: Callable[[list[str]], None]) -> list[str]:
    trace: list[str] = []
    with suppress(Ended):
        act(trace)
    return trace


@given(STEPS, st.integers(0, 5), st.booleans())
def test_the_list_runs_what_was_written(steps: list[Any], choice: int, has_default: bool) -> None:
    registry = begin_registry()
    with Workflow("flow") as flow:
        Author(flow, has_default).write(steps)

    tasks = [nested_task(task) for task in tasks_in(flow)]
    meant = trace_of(lambda trace: Reader(choice, has_default, trace).read(steps))
    assert trace_of(lambda trace: run(tasks, choice, trace)) == meant

    message = WorkflowMessage.FromString(manifest_files(registry, 0)["workflow-0.pb"])
    assert warnings(parse(message.spec)) == []
