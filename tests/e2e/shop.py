"""A shop on the network that counts what it is asked: whatever happens twice is seen here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.http_server import Request, Response, serving


class Shop:
    def __init__(self) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        """How often, by the path."""


@contextmanager
def open_shop() -> Iterator[Shop]:
    shop = Shop()

    def respond(request: Request) -> Response:
        shop.asked[request.path] += 1
        return Response(200, json.dumps({"count": shop.asked[request.path]}), {"Content-Type": "application/json"})

    with serving(respond) as shop.url:
        yield shop
