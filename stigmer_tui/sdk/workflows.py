"""Workflows: tasks that run one after another, written down in a `with` block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stigmer_tui.sdk.agents import Agent, ExistingAgent
from stigmer_tui.sdk.blocks import END, LoopNode, PlacedTask, SwitchNode, TaskNode
from stigmer_tui.sdk.branches import Loop, Switch
from stigmer_tui.sdk.collection import current_registry
from stigmer_tui.sdk.drafts import AgentCall, WorkflowBuilder
from stigmer_tui.sdk.expressions import Expression, Reference, ReferenceSource, output_text
from stigmer_tui.sdk.mistakes import DefinitionError, calling_line
from stigmer_tui.sdk.values import (
    Text,
    Value,
    execution_config,
    json_value,
    literal_number,
    literal_text,
    loop_items,
    resource_name,
    task_name,
    text_value,
    text_values,
    typed_text,
    web_address,
)

HTTP_TIMEOUT = 30
"""Seconds for each attempt of a request, unless the task says otherwise (`docs/compatibility.md` 83)."""
MAX_HTTP_TIMEOUT = 300
MAX_WAIT = 366 * 24 * 3600


class Workflow:
    """A workflow of the project. Its tasks run in the order in which they are written.

        with Workflow("tally", namespace="demo") as flow:
            item = flow.http_get("fetch", "http://127.0.0.1:18080/item.json")
            praise = flow.call_agent("answer", helper, message=f"Say something kind about {item.title}")
            flow.set("result", title=item.title, praise=praise.response)

    Every task returns a reference to its output. In an f-string it becomes a text; passed as it is, it keeps its type.
    """

    def __init__(self, name: str, *, namespace: str = "default", version: str = "0.1.0", description: str = "") -> None:
        self.location = calling_line()
        self.name = resource_name(name, "a workflow")
        self.namespace = resource_name(namespace, "a namespace")
        self.version = literal_text(version, "version")
        self.description = literal_text(description, "description")
        self.tasks: tuple[PlacedTask, ...] = ()
        """The finished definition; empty until the `with` block has ended."""
        collection = current_registry()
        self._draft = WorkflowBuilder(self.name, collection)
        collection.add_workflow(self)

    def __repr__(self) -> str:
        return f"<workflow {self.name}>"

    def __enter__(self) -> Workflow:
        self._draft.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self._draft.close()
        if kind is None:
            self.tasks = self._draft.finish()

    @property
    def agent_calls(self) -> Sequence[AgentCall]:
        return self._draft.calls

    @property
    def input(self) -> Reference:
        """What the run was started with: the fields of its message, where that is a JSON object.

        The message `{"order_id": 7}` gives the URL of order 7:

            flow.http_get("order", f"https://shop.example/orders/{flow.input.order_id}")
        """
        return Reference(ReferenceSource("$input", True, (WorkflowInput(self._draft),)))

    @property
    def message(self) -> Reference:
        """The message that the run was started with, as a text."""
        return self.input["trigger_message"]

    def set(self, name: str, values: Mapping[str, Value] | None = None, /, **variables: Value) -> Reference:
        """Sets variables, which are the output of this task. The last task's output is that of the workflow.

        Names that Python does not allow stand in a mapping:

            flow.set("result", title=item.title, tags=length(item.tags))
            flow.set("codes", {"first-code": 1})
        """
        named = {literal_text(key, "The name of a variable"): value for key, value in (values or {}).items()}
        variables = named | variables
        if not variables:
            raise DefinitionError(f'set("{name}") sets nothing', f'Give it variables: flow.set("{name}", title="…").')
        for key in variables:
            self._draft.check_hides_no_loop(key, f'The variable "{key}"')
        return self._task(name, "SET", {"variables": {key: typed_text(item) for key, item in variables.items()}})

    def http_get(
        self, name: str, url: Text, *, headers: Mapping[str, Text] | None = None, timeout: int = HTTP_TIMEOUT
    ) -> Reference:
        """Gets a URL. The output is the body of the answer: JSON as data, anything else as text.

            item = flow.http_get("fetch", "https://shop.example/item.json", headers={"Accept": "application/json"})

        `timeout` is in seconds, for each attempt; failures of the server or the network are tried again.
        """
        return self._request(name, "GET", url, None, headers, timeout)

    def http_post(
        self,
        name: str,
        url: Text,
        *,
        json: Mapping[str, Value] | None = None,
        headers: Mapping[str, Text] | None = None,
        timeout: int = HTTP_TIMEOUT,
    ) -> Reference:
        """Posts a JSON object: `flow.http_post("charge", url, json={"id": order.id, "amount": order.amount})`."""
        return self._request(name, "POST", url, json, headers, timeout)

    def http_put(
        self,
        name: str,
        url: Text,
        *,
        json: Mapping[str, Value] | None = None,
        headers: Mapping[str, Text] | None = None,
        timeout: int = HTTP_TIMEOUT,
    ) -> Reference:
        """Puts a JSON object: `flow.http_put("store", f"{base}/items/{item.id}", json={"title": item.title})`."""
        return self._request(name, "PUT", url, json, headers, timeout)

    def http_patch(
        self,
        name: str,
        url: Text,
        *,
        json: Mapping[str, Value] | None = None,
        headers: Mapping[str, Text] | None = None,
        timeout: int = HTTP_TIMEOUT,
    ) -> Reference:
        """Patches with a JSON object: `flow.http_patch("close", f"{base}/items/{item.id}", json={"open": False})`."""
        return self._request(name, "PATCH", url, json, headers, timeout)

    def http_delete(
        self, name: str, url: Text, *, headers: Mapping[str, Text] | None = None, timeout: int = HTTP_TIMEOUT
    ) -> Reference:
        """Deletes what is at a URL: `flow.http_delete("forget", f"{base}/items/{item.id}")`."""
        return self._request(name, "DELETE", url, None, headers, timeout)

    def call_agent(
        self,
        name: str,
        agent: Agent | ExistingAgent | str,
        *,
        message: Text,
        env: Mapping[str, Text] | None = None,
        model: str = "",
        timeout: int | None = None,
        temperature: float | None = None,
    ) -> Reference:
        """Asks an agent and waits for its answer, which is `response` in the output.

            praise = flow.call_agent("praise", helper, message=f"Say something kind about {item.title}")
            flow.set("result", praise=praise.response)

        Where the answer is a JSON object, its fields are in the output too. `agent` is an agent of this project or its
        name, or `existing_agent(…)`; `env` are variables for this call; `timeout` is in seconds.
        """
        is_external = isinstance(agent, ExistingAgent)
        slug = agent.name if isinstance(agent, Agent | ExistingAgent) else resource_name(agent, "an agent")
        config: dict[str, Any] = {"agent": slug, "message": text_value(message, "message")}
        if env:
            config["env"] = text_values(env, "env")
        if execution := execution_config(model, timeout, temperature):
            config["config"] = execution
        reference = self._task(name, "AGENT_CALL", config)
        self._draft.calls.append(AgentCall(slug, is_external, calling_line()))
        return reference

    def wait(self, name: str, seconds: int) -> Reference:
        """Lets time pass: `flow.wait("cool-down", seconds=30)`."""
        return self._task(name, "WAIT", {"seconds": literal_number(seconds, "seconds", 1, MAX_WAIT)})

    def for_each(
        self, name: str, items: Expression | Sequence[Value] | Mapping[str, Value] | int, *, each: str = ""
    ) -> Loop:
        """Runs tasks for each element of a list, each entry of a mapping, or a number of times; one after another.

            with flow.for_each("charge-all", shop.orders) as order:
                flow.http_post("charge", url, json={"id": order.id})

        What a task of the loop gave can be read within the same turn only. The loop itself is the list of what its
        turns gave: `charges = flow.for_each(…)`, then `with charges as order`, and afterwards `charges[0]`.
        `each` is the name of the element in expressions that are written by hand.
        """
        depth = len(self._draft.loops)
        each = literal_text(each, "each") or ("item" if depth == 0 else f"item_{depth + 1}")
        self._draft.check_hides_no_loop(each, f'The element "{each}"')
        config = {"each": each, "in": loop_items(items)}
        task = LoopNode(self._draft, task_name(name), "FOR", config, calling_line())
        self._draft.add(task)
        return Loop(task)

    def switch(self, name: str) -> Switch:
        """Goes on with the first case whose condition holds, and after its tasks with what follows the switch.

        Conditions are comparisons of references; `&`, `|` and `~` combine them:

            with flow.switch("how-many") as size:
                with size.case(shop.count == 0):
                    flow.set("nothing", summary="No orders today")
                with size.otherwise():
                    flow.call_agent("summarise", helper, message=f"Summarise {shop.orders}")
        """
        task = SwitchNode(self._draft, task_name(name), "SWITCH", {}, calling_line())
        self._draft.add(task)
        return Switch(task)

    def end(self) -> None:
        """Ends the workflow at this place, such as in a case: its output is that of the last task that ran."""
        self._draft.jump(END)

    def go_to(self, task: str | Reference) -> None:
        """Goes on at another task, also at an earlier one.

        This asks again until the job is done:

            job = flow.http_get("poll", f"{base}/jobs/{started.id}")
            with flow.switch("ready") as ready:
                with ready.case(job.state != "done"):
                    flow.wait("pause", seconds=2)
                    flow.go_to(job)
        """
        self._draft.jump(_task_of(task) if isinstance(task, Reference) else task_name(task))

    def _request(
        self,
        name: str,
        method: str,
        url: Text,
        json: Mapping[str, Value] | None,
        headers: Mapping[str, Text] | None,
        timeout: int,
    ) -> Reference:
        config: dict[str, Any] = {"method": method, "endpoint": {"uri": web_address(url)}}
        if headers:
            config["headers"] = text_values(headers, "headers")
        if json is not None:
            if not isinstance(json, Mapping):
                raise DefinitionError("json must be a mapping", 'Wrap the value in one: json={"items": …}.')
            config["body"] = json_value(json, "json")
        config["timeout_seconds"] = literal_number(timeout, "timeout", 1, MAX_HTTP_TIMEOUT)
        return self._task(name, "HTTP_CALL", config)

    def _task(self, name: str, kind: str, config: dict[str, Any]) -> Reference:
        task = TaskNode(self._draft, task_name(name), kind, config, calling_line())
        self._draft.add(task)
        return Reference(ReferenceSource(output_text(task.name), True, (task,)))


class WorkflowInput(NamedTuple):
    """What a run was started with, which can be read anywhere in its workflow."""

    draft: WorkflowBuilder

    def check(self) -> None:
        self.draft.check_open("The input")

    def use(self) -> None:
        self.check()


def _task_of(reference: Reference) -> str:
    source = reference.__stigmer__
    match source.origins:
        case (TaskNode(name=name),) if source.text == output_text(name):
            return str(name)
        case _:
            raise DefinitionError(f"{source.text} is not a task", "Pass what the task gave: flow.go_to(job).")
