"""Ollama's own API, for what its chat completions do not say: which models it has, and getting one."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import without_credentials
from stigmer_tui.core.model_providers import OLLAMA
from stigmer_tui.runners.outgoing import OutgoingTransport

ANSWER_LIMIT = 2.0
"""Seconds for an answer that needs no model."""

SILENCE_LIMIT = 60.0
"""Seconds between two messages about a download."""


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One message about a download."""

    status: str
    """Ollama's own words, such as `verifying sha256 digest`."""
    layer: str = ""
    """Which part of the model is coming; empty where none is."""
    completed: int = 0
    """Bytes of that part."""
    total: int = 0


class Ollama:
    """A server of Ollama."""

    def __init__(self, base_url: str = "") -> None:
        """`base_url` may end in the path of its chat completions."""
        url = urlsplit(base_url or OLLAMA.address)
        self.address = f"{url.scheme}://{url.netloc}{url.path.rstrip('/').removesuffix(OLLAMA.path)}"

    async def models(self) -> tuple[str, ...]:
        """The names of its models. Raises StigmerError, with what to do, when it does not answer."""
        try:
            async with self._client(ANSWER_LIMIT) as client:
                response = await client.get(f"{self.address}/api/tags")
                return tuple(str(entry["name"]) for entry in response.raise_for_status().json()["models"])
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise self._silent(error) from error

    async def capabilities(self, model: str) -> tuple[str, ...]:
        """What a model can do, such as `vision`; empty where the server does not say it."""
        try:
            async with self._client(ANSWER_LIMIT) as client:
                response = await client.post(f"{self.address}/api/show", json={"model": model})
                return tuple(map(str, response.raise_for_status().json().get("capabilities", ())))
        except (httpx2.HTTPError, ValueError, AttributeError, TypeError):
            return ()

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Gets a model. Raises StigmerError, with what to do, when that fails."""
        body = {"model": model, "stream": True}
        try:
            async with (
                self._client(SILENCE_LIMIT) as client,
                client.stream("POST", f"{self.address}/api/pull", json=body) as response,
            ):
                if response.is_error:
                    raise _refused(model, _message(await response.aread()) or f"status {response.status_code}")
                is_done = False
                async for line in response.aiter_lines():
                    if line.strip():
                        progress = _progress(model, line)
                        is_done = progress.status == "success"
                        yield progress
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise self._silent(error) from error
        if not is_done:
            raise _refused(model, "the download broke off; what has come is kept, so do it again")

    @staticmethod
    def has(model: str, names: Collection[str]) -> bool:
        """Whether a model is among the names; one without a tag is the latest."""
        return model in names or f"{model}:latest" in names

    def _client(self, limit: float) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=OutgoingTransport(httpx2.Limits()), timeout=limit)

    def _silent(self, error: Exception) -> StigmerError:
        reason = without_credentials(str(error)) or type(error).__name__
        return StigmerError(
            f"Ollama does not answer at {without_credentials(self.address)}: {reason}",
            "Start it: ollama serve. Get it: https://ollama.com/download",
        )


def _progress(model: str, line: str) -> PullProgress:
    try:
        data: Any = json.loads(line)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise _refused(model, f"it answers with {line[:100]!r}")
    if error := data.get("error"):
        raise _refused(model, str(error))
    return PullProgress(
        str(data.get("status", "")),
        str(data.get("digest", "")),
        _bytes(data.get("completed")),
        _bytes(data.get("total")),
    )


def _bytes(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _refused(model: str, reason: str) -> StigmerError:
    return StigmerError(f"Ollama could not get {model}: {reason}", "Names of models: https://ollama.com/library")
