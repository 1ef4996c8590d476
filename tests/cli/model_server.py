"""A stand-in for servers of models, in a thread: Ollama's own API, and chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.agents.provider_server import Answer, openai_events
from tests.http_server import Request, Response, serving


@dataclass
class ModelServer:
    models: list[str] = field(default_factory=list)
    """Those of Ollama."""
    steps: Sequence[dict[str, Any] | str] = ()
    """What Ollama says about a download; a text is sent as it is."""
    pull_status: int = 200
    status: int = 200
    """Of chat completions."""
    accepted_key: str = ""
    """The key of chat completions; empty where any will do."""
    url: str = ""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@contextmanager
def model_server(server: ModelServer) -> Iterator[ModelServer]:
    def respond(request: Request) -> Response:
        if request.method == "GET":
            return Response(200, json.dumps({"models": [{"name": name} for name in server.models]}))
        body = json.loads(request.body)
        server.requests.append((request.path, body))
        if request.path == "/api/pull":
            lines = [step if isinstance(step, str) else json.dumps(step) for step in server.steps]
            return Response(server.pull_status, "\n".join(lines))
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        server.keys.append(key)
        if server.accepted_key and key != server.accepted_key:
            return Response(401, json.dumps({"error": {"message": f"Incorrect API key provided: {key}"}}))
        if server.status != 200:
            return Response(server.status, json.dumps({"error": {"message": f"no model {body['model']}"}}))
        return Response(200, "".join(openai_events(Answer(["Yes."]))))

    with serving(respond) as server.url:
        yield server
