"""Files of a message, in the form of each provider; and what is refused before anything is asked."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.runner_pb2 import Assignment
from stigmer_tui.api.structs import to_data
from stigmer_tui.definition.attached_files import files_annotation, taken_out
from stigmer_tui.definition.extensions import FILES
from tests.agents.conftest import Agents, assignment
from tests.agents.controller import Controller, controller
from tests.agents.provider_server import Answer
from tests.agents.test_providers import every_provider, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(3000)
PDF = b"%PDF-1.7 " + bytes(3000)
IMAGE = base64.b64encode(PNG).decode()
DOCUMENT = base64.b64encode(PDF).decode()


@asynccontextmanager
async def keeping(agents: Agents) -> AsyncIterator[Controller]:
    async with controller() as server:
        agents.channel = open_channel(server.address)
        yield server
        await agents.channel.close()


def with_files(server: Controller, *files: tuple[str, bytes], model: str = "") -> Assignment:
    kept, contents = taken_out({FILES: files_annotation(files)})
    server.files |= {hash_: content for hash_, content in contents.items() if content is not None}
    given = assignment(message="What is this?", secrets={"TOKEN": "hunter2-hunter2"})
    given.agent.execution.metadata.annotations[FILES] = kept
    given.agent.execution.spec.execution_config.model_name = model
    return given


def user_content(body: dict[str, Any]) -> list[dict[str, Any]]:
    (message,) = (message for message in body["messages"] if message["role"] == "user")
    content: list[dict[str, Any]] = message["content"]
    return content


@every_provider
async def test_images_and_texts(agents: Agents, provider: str) -> None:
    async with keeping(agents) as server, serving(agents, provider, Answer(["A cat."])) as model:
        ledger = await agents.run(with_files(server, ("cat.png", PNG), ("a.md", b"# Tea, hunter2-hunter2")))
    assert ledger.status.error == ""
    said, image, text = user_content(model.bodies[-1])
    assert (said["text"], text["text"]) == ("What is this?", '<file name="a.md">\n# Tea, [REDACTED]\n</file>')
    if provider == "anthropic":
        source = {"type": "base64", "media_type": "image/png", "data": IMAGE}
        assert (image["type"], image["source"]) == ("image", source)
    else:
        assert (image["type"], image["image_url"]["url"]) == ("image_url", f"data:image/png;base64,{IMAGE}")
    kept = "".join(str(request) for request in ledger.requests)
    assert IMAGE not in kept
    assert "<cat.png: 3.0 kB>" in kept
    assert IMAGE not in ledger.everything()


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
async def test_documents(agents: Agents, provider: str) -> None:
    async with keeping(agents) as server, serving(agents, provider, Answer(["A bill."])) as model:
        ledger = await agents.run(with_files(server, ("bill.pdf", PDF)))
    assert ledger.answers == ["A bill."]
    _, document = user_content(model.bodies[0])
    assert document["type"] == ("document" if provider == "anthropic" else "file")
    assert DOCUMENT in json.dumps(document)


@pytest.mark.parametrize(
    ("provider", "model", "name", "content", "problem"),
    [
        ("ollama", "", "bill.pdf", PDF, "models of Ollama take images and texts"),
        ("openai", "gpt-3.5-turbo", "cat.png", PNG, "it takes texts only"),
    ],
)
async def test_a_model_that_cannot_take_a_file_is_not_asked(
    agents: Agents, provider: str, model: str, name: str, content: bytes, problem: str
) -> None:
    async with keeping(agents) as server, serving(agents, provider, Answer(["Hm."])) as asked:
        ledger = await agents.run(with_files(server, (name, content), model=model))
    assert f"cannot be given {name}" in ledger.status.error
    assert problem in ledger.status.error
    assert asked.bodies == []


async def test_a_script_gets_the_message_alone(agents: Agents) -> None:
    async with keeping(agents) as server:
        given = with_files(server, ("cat.png", PNG))
        script = "{delay: 0, turns: [{say: 'You said {{message}}'}]}"
        given.agent.agent.CopyFrom(assignment(script).agent.agent)
        ledger = await agents.run(given)
    assert ledger.answers == ["You said What is this?"]
    assert to_data(ledger.status.messages[0].metadata) == {"files": ["cat.png (image/png, 3.0 kB)"]}
