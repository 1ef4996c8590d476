"""A stand-in for servers of models, in a thread: Ollama's own API, and chat completions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.agents.provider_server import Answer, openai_events


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
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, json.dumps({"models": [{"name": name} for name in server.models]}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append((self.path, body))
            if self.path == "/api/pull":
                lines = [step if isinstance(step, str) else json.dumps(step) for step in server.steps]
                self._answer(server.pull_status, "\n".join(lines))
                return
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            server.keys.append(key)
            if server.accepted_key and key != server.accepted_key:
                self._answer(401, json.dumps({"error": {"message": f"Incorrect API key provided: {key}"}}))
            elif server.status != 200:
                self._answer(server.status, json.dumps({"error": {"message": f"no model {body['model']}"}}))
            else:
                self._answer(200, "".join(openai_events(Answer(["Yes."]))))

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_port}"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
