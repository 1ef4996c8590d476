"""What the Go SDK really writes is run: the recorded manifests, as far as they can be (`docs/compatibility.md` 98)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from google.protobuf.json_format import MessageToJson, Parse

from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowSpec
from tests.workflow.http_server import Asked, HttpServer, Reply, json_reply
from tests.workflow.stand_in import StandIn
from tests.workflow.world import World

MANIFESTS = Path(__file__).parent.parent / "manifests"
SHOP = "http://127.0.0.1:18080"
"""Where the recorded programs expect their server."""


def recorded(name: str, url: str) -> WorkflowSpec:
    found = Workflow.FromString((MANIFESTS / name).read_bytes()).spec
    return Parse(MessageToJson(found).replace(SHOP, url), WorkflowSpec())


async def test_orders_is_refused_with_every_task_that_cannot_run(world: World) -> None:
    reported = await world.run(recorded("orders-workflow-0.pb", SHOP))
    assert reported.phase is Phase.FAILED
    assert reported.error == (
        "settle-orders cannot run yet: /tell is FORK, /book is TRY, /approval is LISTEN, /stock is GRPC_CALL, "
        "/archive is CALL_ACTIVITY, /report is RUN"
    )
    assert reported.tasks == {}


async def test_the_part_of_orders_that_can_run_runs(world: World, server: HttpServer) -> None:
    def answer(asked: Asked) -> Reply:
        orders = [{"id": "a", "amount": 5}, {"id": "b", "amount": 7}]
        return json_reply({"count": 2, "orders": orders} if asked.method == "GET" else {"ok": True})

    server.answer = answer
    found = recorded("orders-workflow-0.pb", server.url)
    del found.tasks[4:]
    reported = await world.run(found, environment={"REGION": "eu"}, secrets={"SHOP_TOKEN": "t0ken"})
    assert reported.error == ""
    opened, *charges = server.asked
    assert opened.headers["authorization"] == "Bearer t0ken"
    assert unquote(opened.target) == "/orders?region={start region}", "the print-out is the text that it is"
    assert [charge.json for charge in charges] == [{"id": "a", "amount": 5}, {"id": "b", "amount": 7}]
    assert reported.output_of("/start") == {"limit": "100", "region": "eu"}
    assert reported.metadata("/size")["detail"] == "some → eachOrder"
    assert reported.output == {"result": [{"id": "a"}, {"id": "b"}]}


async def test_research_runs(world: World, server: HttpServer, agents: StandIn) -> None:
    server.replies(json_reply({"title": "On Calm", "authors": "A. Author"}))
    agents.answer = "It is about calm."
    found = recorded("research-workflow-0.pb", server.url)
    reported = await world.run(found, environment={"PAPER": "calm"}, secrets={"SEARCH_KEY": "k3y-value"})
    assert (server.asked[0].target, reported.output) == ("/papers/calm", {"text": "It is about calm."})
    [request] = agents.started
    assert request.message == "Summarise: {paper title} by {paper authors}"
    assert (request.environment["SEARCH_KEY"].value, request.environment["SEARCH_KEY"].is_secret) == ("k3y-value", True)
    assert (request.config.model, request.config.timeout) == ("claude-sonnet-4.5", 120)
