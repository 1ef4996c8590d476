"""Workflows: tasks that run one after another, written in a `with` block."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

from stigmer_tui.sdk.agents import Agent, AgentRef
from stigmer_tui.sdk.builder import AgentCall, TaskOutput, WorkflowBuilder, WorkflowInput
from stigmer_tui.sdk.control_flow import Loop, Switch, task_of
from stigmer_tui.sdk.errors import DefinitionError, calling_line
from stigmer_tui.sdk.expressions import Expression, JqProgram, Reference, TypedReference, output_of
from stigmer_tui.sdk.layout import END, LoopNode, SwitchNode, TaskNode
from stigmer_tui.sdk.registry import current_registry
from stigmer_tui.sdk.schemas import known_fields, schema_text
from stigmer_tui.sdk.values import (
    QueryValue,
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
    url_with_params,
)

HTTP_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HTTP_TIMEOUT = 30
"""Seconds for each attempt of a request, unless the task says otherwise (`docs/compatibility.md` 83)."""
MAX_HTTP_TIMEOUT = 300
MAX_WAIT = 366 * 24 * 3600
"""Seconds."""
_KIND = re.compile(r"[A-Z]+(_[A-Z]+)*")


ANSWER_FIELDS = ("response", "content", "agent_execution_id")
"""What the output of every call of an agent has."""
INPUT_FIELDS = ("trigger_message", "trigger_metadata")
"""What every input has."""


class Workflow:
    """A workflow of the project. Its tasks run in the order in which they are written.

        with Workflow("tally", namespace="demo") as flow:
            item = flow.http_get("fetch", "http://127.0.0.1:18080/item.json")
            praise = flow.call_agent("answer", helper, message=f"Say something kind about {item.title}")
            flow.set("result", title=item.title, praise=praise.response)

    Every task returns a reference to its output. In an f-string it becomes a text; passed as it is, it keeps its type.

    `input` says what the workflow is run with, which is asked for in a form and checked before a run: a model of
    pydantic, or the JSON schema of an object. `flow.input` then knows the fields.

        class Order(BaseModel):
            item: str = Field(description="What is ordered")
            count: int = 1

        with Workflow("orders", input=Order) as flow:
            flow.set("result", text=f"{flow.input.count} × {flow.input.item}")
    """

    def __init__(
        self,
        name: str,
        *,
        namespace: str = "default",
        version: str = "0.1.0",
        description: str = "",
        input: type | Mapping[str, Any] | None = None,  # noqa: A002 - as `flow.input`, which it describes
    ) -> None:
        schema = schema_text(input, "input")
        self._input_fields = known_fields(schema)
        self.name = resource_name(name, "a workflow")
        """Its name, by which people run it."""
        self._builder = WorkflowBuilder(
            self.name,
            resource_name(namespace, "a namespace"),
            literal_text(version, "version"),
            literal_text(description, "description"),
            schema,
            calling_line(),
        )
        self._registry = current_registry()
        self._registry.add_workflow(self._builder)

    def __repr__(self) -> str:
        return f"<workflow {self.name}>"

    def __enter__(self) -> Self:
        self._registry.open(self._builder)
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self._registry.close(self._builder)
        if kind is None:
            self._builder.finish()

    @property
    def input(self) -> Reference:
        """The input of the run: the fields of its message, where that is a JSON object.

        With the message `{"order_id": 7}` this gets order 7:

            flow.http_get("order", f"https://shop.example/orders/{flow.input.order_id}")
        """
        program = JqProgram("$input", True, (WorkflowInput(self._builder),))
        if self._input_fields is None:
            return Reference(program)
        return TypedReference(program, "The input of this workflow has", (*self._input_fields, *INPUT_FIELDS))

    @property
    def message(self) -> Reference:
        """The message that the run was started with, as text."""
        return self.input["trigger_message"]

    def set(self, name: str, values: Mapping[str, Value] | None = None, /, **variables: Value) -> Reference:
        """Sets variables, which are the output of this task. The output of the last task is that of the workflow.

        Names that are not identifiers of Python are given in a mapping:

            flow.set("result", title=item.title, tags=length(item.tags))
            flow.set("codes", {"first-code": 1})
        """
        named = {literal_text(key, "The name of a variable"): value for key, value in (values or {}).items()}
        variables = named | variables
        if not variables:
            raise DefinitionError(f'set("{name}") sets nothing', f'Give it variables: flow.set("{name}", title="…").')
        for key in variables:
            self._builder.check_hides_no_element(key, f'The variable "{key}"')
        return self._add(name, "SET", {"variables": {key: typed_text(item) for key, item in variables.items()}})

    def http_request(
        self,
        name: str,
        method: str,
        url: Text,
        *,
        params: Mapping[str, QueryValue] | None = None,
        headers: Mapping[str, Text] | None = None,
        body: Mapping[str, Value] | None = None,
        timeout: int = HTTP_TIMEOUT,
    ) -> Reference:
        """Sends a request. The output is the body of the response: JSON as data, anything else as text.

            flow.http_request("search", "POST", f"{base}/search", params={"page": 2}, body={"text": flow.input.text})

        `method` is GET, POST, PUT, PATCH or DELETE. `params` are added to the query of the URL, percent-encoded; a list
        repeats its parameter. `body` is sent as a JSON object. `timeout` is in seconds, for each attempt. Failures of
        the server and of the network are retried, except for a POST or PATCH that may have taken effect.
        """
        if method not in HTTP_METHODS:
            raise DefinitionError(f"{method!r} is not a method of HTTP_CALL", f"Use {', '.join(HTTP_METHODS)}.")
        config: dict[str, Any] = {"method": method, "endpoint": {"uri": url_with_params(url, params)}}
        if headers:
            config["headers"] = text_values(headers, "headers")
        if body is not None:
            if not isinstance(body, Mapping):
                raise DefinitionError("body must be a mapping", 'Wrap the value in one: body={"items": …}.')
            config["body"] = json_value(body, "body")
        config["timeout_seconds"] = literal_number(timeout, "timeout", 1, MAX_HTTP_TIMEOUT)
        return self._add(name, "HTTP_CALL", config)

    def http_get(
        self,
        name: str,
        url: Text,
        *,
        params: Mapping[str, QueryValue] | None = None,
        headers: Mapping[str, Text] | None = None,
        timeout: int = HTTP_TIMEOUT,
    ) -> Reference:
        """Gets a URL: `item = flow.http_get("fetch", "https://shop.example/items", params={"page": 2})`."""
        return self.http_request(name, "GET", url, params=params, headers=headers, timeout=timeout)

    def http_post(
        self,
        name: str,
        url: Text,
        *,
        params: Mapping[str, QueryValue] | None = None,
        headers: Mapping[str, Text] | None = None,
        body: Mapping[str, Value] | None = None,
        timeout: int = HTTP_TIMEOUT,
    ) -> Reference:
        """Posts a JSON object: `flow.http_post("charge", url, body={"id": order.id, "amount": order.amount})`."""
        return self.http_request(name, "POST", url, params=params, headers=headers, body=body, timeout=timeout)

    def http_put(
        self,
        name: str,
        url: Text,
        *,
        params: Mapping[str, QueryValue] | None = None,
        headers: Mapping[str, Text] | None = None,
        body: Mapping[str, Value] | None = None,
        timeout: int = HTTP_TIMEOUT,
    ) -> Reference:
        """Puts a JSON object: `flow.http_put("store", f"{base}/items/{item.id}", body={"title": item.title})`."""
        return self.http_request(name, "PUT", url, params=params, headers=headers, body=body, timeout=timeout)

    def http_patch(
        self,
        name: str,
        url: Text,
        *,
        params: Mapping[str, QueryValue] | None = None,
        headers: Mapping[str, Text] | None = None,
        body: Mapping[str, Value] | None = None,
        timeout: int = HTTP_TIMEOUT,
    ) -> Reference:
        """Patches with a JSON object: `flow.http_patch("close", f"{base}/items/{item.id}", body={"open": False})`."""
        return self.http_request(name, "PATCH", url, params=params, headers=headers, body=body, timeout=timeout)

    def http_delete(
        self,
        name: str,
        url: Text,
        *,
        params: Mapping[str, QueryValue] | None = None,
        headers: Mapping[str, Text] | None = None,
        timeout: int = HTTP_TIMEOUT,
    ) -> Reference:
        """Deletes what is at a URL: `flow.http_delete("forget", f"{base}/items/{item.id}")`."""
        return self.http_request(name, "DELETE", url, params=params, headers=headers, timeout=timeout)

    def call_agent(
        self,
        name: str,
        agent: Agent | AgentRef | str,
        *,
        message: Text,
        env: Mapping[str, Text] | None = None,
        model: str = "",
        timeout: int | None = None,
        temperature: float | None = None,
    ) -> Reference:
        """Calls an agent and waits for its response, which is `response` in the output.

            praise = flow.call_agent("praise", helper, message=f"Say something kind about {item.title}")
            flow.set("result", praise=praise.response)

        Where the response is a JSON object, its fields are in the output too; of an agent with `output`, any other
        field is an error. `agent` is an agent of this project or its name, or an `AgentRef`; `env` are variables for
        this call; `timeout` is in seconds. `model` and
        `temperature` override those of the agent; on the wire a temperature of 0 is none.
        """
        slug = agent.name if isinstance(agent, Agent | AgentRef) else resource_name(agent, "an agent")
        config: dict[str, Any] = {"agent": slug, "message": text_value(message, "message")}
        if env:
            config["env"] = text_values(env, "env")
        if execution := execution_config(model, timeout, temperature):
            config["config"] = execution
        output = self._add(name, "AGENT_CALL", config)
        self._builder.calls.append(AgentCall(slug, isinstance(agent, AgentRef), calling_line()))
        if isinstance(agent, Agent) and agent.output_fields is not None:
            fields = (*agent.output_fields, *ANSWER_FIELDS)
            return TypedReference(output.__stigmer__, "The answers of this agent have", fields)
        return output

    def wait(self, name: str, seconds: int) -> Reference:
        """Waits: `flow.wait("cool-down", seconds=30)`."""
        return self._add(name, "WAIT", {"seconds": literal_number(seconds, "seconds", 1, MAX_WAIT)})

    def for_each(
        self, name: str, items: Expression | Sequence[Value] | Mapping[str, Value] | int, *, each: str = ""
    ) -> Loop:
        """Runs tasks for each element of a list, each entry of a mapping, or a number of times, in sequence.

            with flow.for_each("charge-all", shop.orders) as order:
                flow.http_post("charge", url, body={"id": order.id})

        The output of a task within the loop can be read within the same iteration only. The loop itself is the list of
        the outputs of its iterations: `charges = flow.for_each(…)`, then `with charges as order`, and after the block
        `charges[0]`. `each` is the name of the element in handwritten expressions.
        """
        depth = len(self._builder.loops)
        each = literal_text(each, "each") or ("item" if depth == 0 else f"item_{depth + 1}")
        self._builder.check_hides_no_element(each, f'The element "{each}"')
        config = {"each": each, "in": loop_items(items)}
        task = LoopNode(task_name(name), "FOR", config, calling_line(), self._builder.loops)
        self._builder.add(task)
        return Loop(self._builder, task)

    def switch(self, name: str) -> Switch:
        """Goes on with the first case whose condition holds, and after its tasks with what follows the switch.

        Conditions are comparisons of references; `&`, `|` and `~` combine them:

            with flow.switch("how-many") as size:
                with size.case(shop.count == 0):
                    flow.set("nothing", summary="No orders today")
                with size.default():
                    flow.call_agent("summarise", helper, message=f"Summarise {shop.orders}")
        """
        task = SwitchNode(task_name(name), "SWITCH", calling_line(), self._builder.loops)
        self._builder.add(task)
        return Switch(self._builder, task)

    def task(self, name: str, kind: str, config: Mapping[str, Value]) -> Reference:
        """Adds a task of any kind, for kinds that have no method of their own.

            flow.task("rest", "WAIT", {"seconds": 60})

        `config` is the configuration of the kind, with expressions anywhere in it. The server checks it at deployment,
        and refuses to run kinds that it does not support. To add a method for a kind, write a subclass:

            class ShopWorkflow(Workflow):
                def grpc_call(self, name: str, service: str, method: str, request: Value) -> Reference:
                    return self.task(name, "GRPC_CALL", {"service": service, "method": method, "request": request})

            with ShopWorkflow("orders") as flow:
                stock = flow.grpc_call("stock", "shop.Stock", "Get", {"item": flow.input.item})
        """
        if not _KIND.fullmatch(literal_text(kind, "kind")):
            raise DefinitionError(f"{kind!r} is not a kind of task", 'Kinds are written like "HTTP_CALL".')
        if not isinstance(config, Mapping):
            raise DefinitionError("config must be a mapping", 'Such as {"seconds": 30}.')
        return self._add(name, kind, json_value(config, "config"))

    def end(self) -> None:
        """Ends the workflow here, such as in a case. Its output is that of the last task that ran."""
        self._builder.jump(END)

    def go_to(self, task: str | Reference) -> None:
        """Goes on at another task, which may be an earlier one.

        This polls until the job is done:

            job = flow.http_get("poll", f"{base}/jobs/{started.id}")
            with flow.switch("ready") as ready:
                with ready.case(job.state != "done"):
                    flow.wait("pause", seconds=2)
                    flow.go_to(job)
        """
        self._builder.jump(task_of(task) if isinstance(task, Reference) else task_name(task))

    def _add(self, name: str, kind: str, config: dict[str, Any]) -> Reference:
        task = TaskNode(task_name(name), kind, config, calling_line(), self._builder.loops)
        self._builder.add(task)
        return Reference(JqProgram(output_of(task.name), True, (TaskOutput(self._builder, task),)))
