"""The API by HTTP, asked by the client library of OpenAI and by others."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.e2e.world import World, eventually

CODE = """\
from stigmer_tui.sdk import Agent, Workflow

Agent("clerk", instructions="Be kind and brief.", script="clerk.yaml")
Agent("slow", instructions="Take your time.", script="slow.yaml")
with Workflow("tally", namespace="demo") as flow:
    flow.set("result", total=3)
with Workflow("broken", namespace="demo") as flow:
    flow.http_get("fetch", "http://127.0.0.1:9/")
"""
CLERK = """\
messages:
  - - say: "Hello {{message}}, what do you do?"
  - - say: "So {{previous}} is a {{message}}."
"""
SLOW = """\
turns:
  - say: "One moment."
    call: { execute: { command: "sleep 600" } }
"""


IMAGE = [{"role": "user", "content": [{"type": "input_image"}]}]


class Door:
    """The program, as long as it serves."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.token = token
        self.client = openai.OpenAI(base_url=f"{address}/v1", api_key=token, max_retries=0, timeout=60)

    def post(self, path: str, body: object) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        content = body if isinstance(body, str) else json.dumps(body)
        return httpx2.post(f"{self.address}{path}", content=content, headers=headers, timeout=60)

    @contextmanager
    def listening(self, message: str) -> Iterator[None]:
        """To an agent that has begun to answer, until the client hangs up."""
        body = {"model": "slow", "messages": message, "stream": True}
        headers = {"Authorization": f"Bearer {self.token}"}
        address = f"{self.address}/v1/chat/completions"
        with httpx2.Client(timeout=60) as client, client.stream("POST", address, json=body, headers=headers) as answer:
            lines = answer.iter_lines()
            while "moment" not in next(lines):
                pass
            yield


@contextmanager
def door(world: World) -> Iterator[Door]:
    project = world.project(CODE)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    (project / "slow.yaml").write_text(SLOW, encoding="utf-8")
    process = world.started("serve", "--api", "--address", "127.0.0.1:0", cwd=project)
    try:
        assert process.stdout
        first = process.stdout.readline()
        found = re.search(r"http://[\d.:]+", first)
        assert found, first + process.stdout.read()
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Door(found[0], world.home.api_token.read_text().strip())
    finally:
        process.terminate()
        process.wait(60)
        ended(process)


def ended(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Door]]:
    world = World(tmp_path_factory.mktemp("http-door"))
    try:
        with door(world) as opened:
            yield world, opened
    finally:
        world.close()


def test_a_chat_goes_on_where_the_client_sends_what_was_said(served: tuple[World, Door]) -> None:
    client = served[1].client
    assert {model.id for model in client.models.list()} == {"broken", "clerk", "slow", "tally"}
    said: list[Any] = [{"role": "user", "content": "Ada"}]
    first = client.chat.completions.create(model="clerk", messages=said)
    text = first.choices[0].message.content
    assert text == "Hello Ada, what do you do?"
    said += [{"role": "assistant", "content": text}, {"role": "user", "content": "gardener"}]
    chunks = list(
        client.chat.completions.create(
            model="clerk",
            messages=said,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == "So Ada is a gardener."
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None


def test_what_was_said_elsewhere_is_told_to_the_agent(served: tuple[World, Door]) -> None:
    said: list[Any] = [
        {"role": "system", "content": "Speak plainly."},
        {"role": "user", "content": "Grace"},
        {"role": "assistant", "content": "Who?"},
        {"role": "user", "content": [{"type": "text", "text": "Me"}]},
    ]
    answer = served[1].client.chat.completions.create(model="clerk", messages=said)
    text = answer.choices[0].message.content
    assert text == (
        "Hello Speak plainly.\n\nWhat was said before:\n\nuser: Grace\n\nassistant: Who?\n\nNow:\n\nMe, what do you do?"
    )


def test_responses_continue_one_another_and_a_failed_run_says_why(served: tuple[World, Door]) -> None:
    client = served[1].client
    first = client.responses.create(model="clerk", input="Ada")
    with client.responses.stream(model="clerk", input="gardener", previous_response_id=first.id) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert "".join(deltas) == final.output_text == "So Ada is a gardener."
    failed = client.responses.create(model="broken", input="go")
    assert failed.status == "failed"
    assert failed.error is not None
    assert "127.0.0.1:9" in failed.error.message
    with pytest.raises(openai.InternalServerError, match=r"127\.0\.0\.1:9"):
        client.chat.completions.create(model="broken", messages=[{"role": "user", "content": "go"}])


def test_a_workflow_is_a_model_that_answers_with_its_output(served: tuple[World, Door]) -> None:
    chat = served[1].client.chat.completions.create(model="tally", messages=[{"role": "user", "content": "count"}])
    assert json.loads(chat.choices[0].message.content or "") == {"total": 3}


def test_a_run_is_a_stream_of_its_events(served: tuple[World, Door]) -> None:
    answer = served[1].post("/run/clerk", {"message": "Ada"})
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
    assert [event["event"] for event in events if event["event"] in ("started", "completed")] == [
        "started",
        "completed",
    ]
    again = served[1].post("/run/clerk", {"message": "gardener", "after": events[0]["execution_id"]})
    assert "So Ada is a gardener." in again.text


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/v1/chat/completions", "{", 400, "no JSON"),
        ("/v1/chat/completions", "[]", 400, "no JSON object"),
        ("/v1/chat/completions", {"messages": []}, 400, "model must be a text"),
        ("/v1/chat/completions", {"model": "clerk", "messages": []}, 400, "must be a list of messages"),
        ("/v1/chat/completions", {"model": "clerk", "messages": [3]}, 400, "messages[0] must be a message"),
        ("/v1/chat/completions", {"model": "nobody", "messages": "hi"}, 404, "clerk, slow"),
        ("/v1/chat/completions", {"model": "clerk", "messages": "hi", "tools": [{}]}, 400, "tools of its own"),
        (
            "/v1/responses",
            {"model": "clerk", "input": IMAGE},
            400,
            "only texts",
        ),
        ("/v1/responses", {"model": "clerk", "input": "x", "previous_response_id": "resp_agx_1"}, 400, "agx_1"),
        ("/run/nobody", {}, 400, "not found: nobody"),
        ("/run/clerk", {"mesage": "x"}, 400, "Unknown: mesage"),
        ("/run/clerk", {"runtime_env": {"A": 1}}, 400, "runtime_env must be an object of texts"),
        pytest.param("/run/clerk", "x" * 10_000_001, 413, "longer than 10,000,000 bytes", id="long"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    served: tuple[World, Door], path: str, body: object, status: int, said: str
) -> None:
    answer = served[1].post(path, body)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (status, True), answer.text


def test_without_the_token_nothing_is_told(served: tuple[World, Door]) -> None:
    stranger = openai.OpenAI(base_url=f"{served[1].address}/v1", api_key="guessed", max_retries=0)
    with pytest.raises(openai.AuthenticationError, match="no valid token"):
        stranger.models.list()


def test_a_client_that_hangs_up_ends_its_run_and_no_other(served: tuple[World, Door]) -> None:
    world, opened = served
    with opened.listening("stay"):
        with opened.listening("leave"):
            pass
        eventually(lambda: states(world).get("leave") == "cancelled" or None, "the run to end")
        assert states(world)["stay"] == "running"
    eventually(lambda: states(world).get("stay") == "cancelled" or None, "the other run to end")


def states(world: World) -> dict[str, str]:
    listed = json.loads(world.run("execution", "list", "--output", "json").out)
    return {row["message"]: row["state"] for row in listed}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--address", "127.0.0.1:0"], "Say what is to be served: --api"),
        (["--api", "--address", "nowhere"], "Not an address to listen at: nowhere"),
        (["--api", "--address", "0.0.0.0:0"], "At 0.0.0.0:0 other machines could listen"),
        (["--api", "--tls-cert", "cert.pem"], "TLS needs a certificate and its key"),
        (["--api", "--tls-cert", "cert.pem", "--tls-key", "key.pem"], "Cannot read"),
    ],
)
def test_what_cannot_be_served_is_said(shared_world: World, tmp_path: Path, options: list[str], said: str) -> None:
    finished = shared_world.run("serve", *options, cwd=tmp_path)
    assert finished.code != 0
    assert said in finished.err
