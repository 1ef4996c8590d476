"""What the SDK writes is run: parameters of requests arrive as they were meant."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from stigmer_tui.api.workflow_pb2 import Workflow as WorkflowMessage
from stigmer_tui.sdk import Workflow, secret
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import begin_registry
from tests.workflow.http_server import HttpServer, json_reply
from tests.workflow.world import World

SECRET = "s3cr3t/&=é"


async def test_parameters_are_encoded_whatever_they_hold(world: World, server: HttpServer) -> None:
    registry = begin_registry()
    following = f"{server.url}/next?page=2"
    with Workflow("search") as flow:
        first = flow.http_get(
            "first",
            f"{server.url}/items",
            params={
                "text": "a b&c=d",
                "tag": ["x", flow.input.tag],
                "count": flow.input.count,
                "both": f"{flow.input.tag} or {flow.input.count}",
                "key": secret("KEY"),
            },
        )
        flow.http_get("second", first.next, params={"limit": 5})
        flow.http_request("third", "DELETE", first.plain, params={"limit": 5})
    message = WorkflowMessage.FromString(manifest_files(registry, 0)["workflow-0.pb"])
    server.answer = lambda asked: json_reply({"next": following, "plain": f"{server.url}/plain"})

    reported = await world.run(message.spec, message='{"tag": "ü/?", "count": 3}', secrets={"KEY": SECRET})

    assert reported.error == ""
    first_asked, second_asked, third_asked = server.asked
    assert parse_qsl(urlsplit(first_asked.target).query, strict_parsing=True) == [
        ("text", "a b&c=d"),
        ("tag", "x"),
        ("tag", "ü/?"),
        ("count", "3"),
        ("both", "ü/? or 3"),
        ("key", SECRET),
    ]
    assert (second_asked.target, third_asked.target) == ("/next?page=2&limit=5", "/plain?limit=5")
    assert third_asked.method == "DELETE"
