"""A shop on the network that counts what it is asked: whatever happens twice is seen here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Shop:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: Counter[str] = Counter()
        """How often, by the path."""


@contextmanager
def open_shop() -> Iterator[Shop]:
    class Counting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            shop.asked[self.path] += 1
            body = json.dumps({"count": shop.asked[self.path]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """The counts say enough."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        shop = Shop(server.server_port)
        serving = Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield shop
        finally:
            server.shutdown()
            serving.join()
