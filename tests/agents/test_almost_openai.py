"""Point 38: servers that are almost OpenAI. Each row is a way of theirs that somebody met, with the public report.

What is looked for first is what agents depend on: the text without thoughts, the calls with their arguments, and the
number of tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from stigmer_tui.api.agent_execution_pb2 import MessageType
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.core.configuration import ModelSettings
from tests.agents.conftest import Agents, assignment
from tests.agents.raw_provider import DONE, Reply, as_json, calling, chunk, raw_provider, sse

END = chunk("stop")
CALLED = chunk("tool_calls")
PATH = '{"path": "/"}'
LS = ("ls", {"path": "/"})
GLOB = ("glob", {"pattern": "*"})
ANY = '{"pattern": "*"}'


@dataclass(frozen=True)
class Way:
    what: str
    """What the server does, and where it was reported."""
    reply: Reply
    text: str = ""
    calls: Sequence[tuple[str, dict[str, Any]]] = ()
    tokens: tuple[int, int] | None = None


def usage(prompt: Any, completion: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": None}


WAYS = [
    # Texts, and how they end.
    Way("openai itself", sse(chunk(role="assistant", content=""), chunk(content="Hi"), END, DONE), "Hi"),
    Way("a finish reason, and no [DONE]", sse(chunk(content="Hi"), END), "Hi"),
    Way("[DONE], and no finish reason: oh-my-pi issue 9433", sse(chunk(content="Hi"), DONE), "Hi"),
    Way(
        "an empty finish reason in every chunk: ollama issue 4357, sglang issue 3912",
        sse(chunk("", content="Hi"), chunk("", content=" there"), END, DONE),
        "Hi there",
    ),
    Way(
        "only a finishReason, by Gemini: llmcord issue 84",
        sse(
            chunk(content="Hi"), {"choices": [{"index": 0, "delta": {}, "finish_reason": None, "finishReason": "stop"}]}
        ),
        "Hi",
    ),
    Way("a finish reason of its own", sse(chunk(content="Hi"), chunk("eos")), "Hi"),
    Way("the finish reason comes with the last word: vllm pull 36944", sse(chunk("stop", content="Hi")), "Hi"),
    Way(
        "a finish reason before the end: open-webui issue 16377",
        sse(chunk("stop", reasoning_content="hm"), chunk(content="Hi"), END, DONE),
        "Hi",
    ),
    Way("only the usage ends it", sse(chunk(content="Hi"), {"choices": [], "usage": usage(1, 2)}), "Hi", (), (1, 2)),
    Way("content as a list of parts", sse(chunk(content=[{"type": "text", "text": "Hi"}]), END, DONE), "Hi"),
    Way(
        "a null delta, by Azure", sse({"choices": [{"index": 0, "delta": None}]}, chunk(content="Hi"), END, DONE), "Hi"
    ),
    Way("null choices", sse({"choices": None}, chunk(content="Hi"), END, DONE), "Hi"),
    Way(
        "ids and index are another each time, and the message stands beside the delta: foundry-local issue 144",
        sse(
            {
                "id": "chat.id.1",
                "model": None,
                "choices": [{"index": 7, "delta": {"content": "Hi"}, "message": {"content": "Hi"}}],
            },
            {"id": "chat.id.2", "model": None, "choices": [{"index": 8, "delta": {}, "finish_reason": "stop"}]},
            DONE,
        ),
        "Hi",
    ),
    Way(
        "no id, model, object or time: swift-llm-chat-openai issue 18",
        sse({"choices": [{"delta": {"content": "Hi"}}]}, DONE),
        "Hi",
    ),
    Way(
        "time in milliseconds, or as a text",
        sse({**chunk(content="Hi"), "created": 1749165718123}, {**END, "created": "2025-06-05T23:21:58+00:00"}, DONE),
        "Hi",
    ),
    # How events are written.
    Way("no space after data", sse('data:{"choices":[{"delta":{"content":"Hi"}}]}\n\n', "data:[DONE]\n\n"), "Hi"),
    Way(
        "lines end with CR LF",
        sse('data: {"choices":[{"delta":{"content":"Hi"}}]}\r\n\r\n', "data: [DONE]\r\n\r\n"),
        "Hi",
    ),
    Way("no blank line after the last", sse(chunk(content="Hi"), 'data: {"choices":[{"finish_reason":"stop"}]}'), "Hi"),
    Way(
        "no blank lines at all",
        sse(
            'data: {"choices":[{"delta":{"content":"H"}}]}\n',
            'data: {"choices":[{"delta":{"content":"i"}}]}\n',
            "data: [DONE]\n\n",
        ),
        "Hi",
    ),
    Way(
        "comments and empty data to keep the connection: openrouter's documentation of streams",
        sse(": OPENROUTER PROCESSING\n\n", "data: \n\n", chunk(content="Hi"), ": OPENROUTER PROCESSING\n\n", END, DONE),
        "Hi",
    ),
    Way("blanks before the stream", sse("\n\n  \n", chunk(content="Hi"), END, DONE), "Hi"),
    Way("plain text as its type", Reply(sse(chunk(content="Hi"), END, DONE).pieces, "text/plain"), "Hi"),
    # Thoughts.
    Way("reasoning_content, by DeepSeek and vLLM", sse(chunk(reasoning_content="hm"), chunk(content="Hi"), END), "Hi"),
    Way("reasoning, by Ollama and OpenRouter", sse(chunk(content="", reasoning="hm"), chunk(content="Hi"), END), "Hi"),
    Way(
        "reasoning in two fields at once",
        sse(chunk(reasoning="hm", reasoning_content="hm"), chunk(content="Hi"), END),
        "Hi",
    ),
    Way("reasoning that is no text", sse(chunk(reasoning={"text": "hm"}), chunk(content="Hi"), END), "Hi"),
    Way(
        "thoughts in tags",
        sse(chunk(content="<think>"), chunk(content="hm"), chunk(content="</think>\n\nHi"), END),
        "Hi",
    ),
    Way(
        "tags in pieces: LibreChat agents pull 40, pydantic-ai pull 3206",
        sse(*(chunk(content=piece) for piece in ("<", "thinking", ">h", "m </thi", "nking>", "\n", "Hi")), END, DONE),
        "Hi",
    ),
    Way(
        "tags of its own: vllm issue 45687",
        sse(chunk(content="<mm:think>hm</mm:think>"), chunk(content="Hi"), END),
        "Hi",
    ),
    Way("a closing tag that nothing opened: koma pull 63", sse(chunk(content="</think>\n\nHi"), END), "Hi"),
    Way(
        "tags in the middle are a text about tags",
        sse(chunk(content="Use <think>x</think>."), END),
        "Use <think>x</think>.",
    ),
    Way("a text that only begins like a tag", sse(chunk(content="<"), chunk(content="b>Hi</b>"), END), "<b>Hi</b>"),
    Way("a text that is nothing but the beginning of a tag", sse(chunk(content="<thi"), END, DONE), "<thi"),
    # Calls.
    Way(
        "arguments in pieces",
        sse(calling("ls", "", id="a"), calling(None, '{"pa'), calling(None, 'th": "/"}'), CALLED),
        "",
        [LS],
    ),
    Way(
        "the name in every delta: hermes-agent issue 8259, vllm fork issue 240",
        sse(calling("ls", "", id="a"), calling("ls", '{"path"', id="a"), calling("ls", ': "/"}', id="a"), CALLED),
        "",
        [LS],
    ),
    Way(
        "the name in pieces, by Gemini: continue pull 5849",
        sse(calling("gl", "", id="a"), calling("ob", ""), calling(None, ANY), CALLED),
        "",
        [GLOB],
    ),
    Way(
        "the name comes after an empty one: vmlx pull 244",
        sse(calling("", "", id="a"), calling("ls", PATH, id="a"), CALLED),
        "",
        [LS],
    ),
    Way(
        "arguments before the name: vercel ai issue 14722",
        sse(calling(None, '{"path"', id="a"), calling("ls", ': "/"}'), CALLED),
        "",
        [LS],
    ),
    Way(
        "null names and ids in later deltas",
        sse(
            calling("ls", "", id="a"),
            chunk(tool_calls=[{"index": 0, "id": None, "function": {"name": None, "arguments": PATH}}]),
            CALLED,
        ),
        "",
        [LS],
    ),
    Way(
        "another id in later deltas: poolside pool issue 9",
        sse(calling("ls", "", id="a"), calling(None, '{"path"', id="b"), calling(None, ': "/"}', id="c"), CALLED),
        "",
        [LS],
    ),
    Way("no id: vllm issue 18412", sse(calling("ls", '{"path"'), calling(None, ': "/"}'), CALLED), "", [LS]),
    Way("no index: ollama issue 7881", sse(calling("ls", PATH, index=None, id="a"), CALLED), "", [LS]),
    Way(
        "no index, arguments in pieces, two calls, by Gemini: open-webui computer issue 224",
        sse(
            calling("ls", '{"path"', index=None, id="a"),
            calling(None, ': "/"}', index=None),
            calling("glob", ANY, index=None, id="b"),
            END,
            DONE,
        ),
        "",
        [LS, GLOB],
    ),
    Way(
        "0 as the index of every call: ollama issue 15457, litellm issue 33678",
        sse(calling("ls", PATH, id="a"), calling("ls", PATH, id="b"), calling("glob", ANY, id="c"), CALLED),
        "",
        [LS, LS, GLOB],
    ),
    Way("0 as the index, and no ids", sse(calling("ls", PATH), calling("glob", ANY), CALLED), "", [LS, GLOB]),
    Way(
        "the index begins at 1",
        sse(calling("ls", PATH, index=1, id="a"), calling("glob", ANY, index=2, id="b"), CALLED),
        "",
        [LS, GLOB],
    ),
    Way(
        "one id for all",
        sse(calling("ls", PATH, id="a"), calling("glob", ANY, index=1, id="a"), CALLED),
        "",
        [LS, GLOB],
    ),
    Way(
        "pieces of two calls in turn",
        sse(
            calling("ls", "", id="a"),
            calling("glob", "", index=1, id="b"),
            calling(None, PATH[:5]),
            calling(None, ANY[:5], index=1),
            calling(None, PATH[5:]),
            calling(None, ANY[5:], index=1),
            CALLED,
        ),
        "",
        [LS, GLOB],
    ),
    Way(
        "arguments as data: llama.cpp issue 20198, litellm pull 37792",
        sse(calling("ls", {"path": "/"}, id="a"), CALLED),
        "",
        [LS],
    ),
    Way(
        "{} before the arguments, by Bedrock: openai-agents-js pull 712",
        sse(calling("ls", "{}", id="a"), calling(None, PATH), CALLED),
        "",
        [LS],
    ),
    Way("{} as the arguments", sse(calling("ls", "{}", id="a"), CALLED), "", [("ls", {})]),
    Way("no arguments at all: aichat pull 1217", sse(calling("ls", "", id="a"), CALLED), "", [("ls", {})]),
    Way(
        "null arguments at first: llama-stack issue 5464",
        sse(
            chunk(tool_calls=[{"index": 0, "id": "a", "function": {"name": "ls", "arguments": None}}]),
            calling(None, PATH),
            CALLED,
        ),
        "",
        [LS],
    ),
    Way(
        "all arguments again at the end",
        sse(calling("ls", PATH[:5], id="a"), calling(None, PATH[5:]), calling("ls", PATH, id="a"), CALLED),
        "",
        [LS],
    ),
    Way(
        "stop as the finish reason of calls: ollama, litellm pull 37792",
        sse(calling("ls", PATH, id="a"), END, DONE),
        "",
        [LS],
    ),
    Way(
        "a call without the list around it",
        sse(chunk(tool_calls={"id": "a", "function": {"name": "ls", "arguments": PATH}}), CALLED),
        "",
        [LS],
    ),
    Way(
        "a function_call, as before there were tools",
        sse(chunk(function_call={"name": "ls", "arguments": PATH}), chunk("function_call")),
        "",
        [LS],
    ),
    Way(
        "null and empty lists of calls",
        sse(chunk(content="Hi", tool_calls=None, function_call=None), chunk(tool_calls=[]), END),
        "Hi",
    ),
    # Tokens.
    Way(
        "a count in every chunk, by Gemini, vLLM and ik_llama.cpp: llama-stack issue 5122, cline issue 10148",
        sse(
            *({**chunk(content=text), "usage": usage(100, n)} for n, text in enumerate("Hi", 1)),
            {**END, "usage": usage(100, 2)},
        ),
        "Hi",
        (),
        (100, 2),
    ),
    Way(
        "a usage with nulls, or without a part: agentgateway issue 1464",
        sse(
            chunk(content="Hi"),
            {**END, "usage": {"prompt_tokens": 5, "completion_tokens": None, "prompt_tokens_details": None}},
        ),
        "Hi",
        (),
        (5, 0),
    ),
    Way(
        "an empty usage in every chunk: litellm issue 1571",
        sse({**chunk(content="Hi"), "usage": {}}, {**END, "usage": {}}),
        "Hi",
    ),
    # No stream at all.
    Way(
        "a whole completion instead of a stream",
        as_json(
            {
                "choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
                "usage": usage(3, 4),
            }
        ),
        "Hi",
        (),
        (3, 4),
    ),
    Way(
        "a whole completion with calls",
        as_json(
            {
                "choices": [
                    {
                        "message": {
                            "content": None,
                            "tool_calls": [
                                {"id": "a", "function": {"name": "ls", "arguments": PATH}},
                                {"id": "b", "function": {"name": "glob", "arguments": {"pattern": "*"}}},
                            ],
                        },
                        "finish_reason": "tool_calls",
                    }
                ]
            }
        ),
        "",
        [LS, GLOB],
    ),
]

DONE_REPLY = sse(chunk(content="Done."), END, DONE)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.what)
async def test_38_ways_of_servers(agents: Agents, way: Way) -> None:
    async with raw_provider(way.reply, DONE_REPLY) as server:
        agents.settings = ModelSettings(provider="openai-compatible", base_url=f"{server.url}/v1")
        ledger = await agents.run(assignment())
    assert ledger.status.error == ""
    assert ledger.phase is Phase.COMPLETED
    assert ledger.answers == [text for text in (way.text, "Done." if way.calls else "") if text]
    assert [(call.name, to_data(call.args)) for call in ledger.calls] == list(way.calls)
    assert [call.error for call in ledger.calls] == [""] * len(way.calls)
    assert len({call.id for call in ledger.calls}) == len(way.calls)
    if way.tokens:
        metadata = to_data(ledger.status.messages[1].metadata)
        assert (metadata["input_tokens"], metadata["output_tokens"]) == way.tokens


HTML = "<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head><body>…</body></html>"

ERRORS: list[tuple[str, Reply, str]] = [
    (
        "a text as the error, with status 200, by LM Studio: lmstudio-bug-tracker issue 618",
        as_json({"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
        (
            "answered with an error; check the base URL: most servers want it to end in /v1, {url}/v1 "
            "(Unexpected endpoint or method. (POST /chat/completions))"
        ),
    ),
    (
        "an error with status 200",
        as_json({"error": {"message": "model is loading"}}),
        "answered with an error (model is loading)",
    ),
    (
        "an error in a list, by Gemini",
        as_json([{"error": {"code": 400, "message": "Unknown name"}}]),
        "(400: Unknown name)",
    ),
    (
        "an error in a list, with its status: PromptFuzz issue 42",
        as_json([{"error": {"code": 400, "message": "Unknown name"}}], 400),
        "(400: Unknown name)",
    ),
    (
        "an error without the word, by vLLM",
        as_json({"object": "error", "message": "too long", "code": 400}),
        "(400: too long)",
    ),
    ("a detail, by FastAPI", as_json({"detail": [{"loc": ["body"], "msg": "field required"}]}), "(field required)"),
    ("success: false", as_json({"success": False, "error": {"message": "try later"}}), "(try later)"),
    (
        "an error in the stream",
        sse({"error": {"message": "CUDA out of memory", "code": 500}}),
        "provider error 500 (500: CUDA out of memory)",
    ),
    (
        "an error beside empty choices, by OpenRouter: OmniRoute pull 8210, local-operator pull 223",
        sse(
            {
                **chunk("error"),
                "error": {
                    "code": 502,
                    "message": "Provider returned error",
                    "metadata": {"raw": "limit reached (33/32)"},
                },
            }
        ),
        "provider error 502 (502: Provider returned error: limit reached (33/32))",
    ),
    ("a finish reason of error", sse(chunk("error")), "(the provider ended the answer with an error)"),
    (
        "a web page, for the base URL lacks /v1",
        Reply([HTML.encode()], "text/html"),
        (
            "answered with a web page (“Welcome to nginx!”) at {url}; check the base URL: "
            "most servers want it to end in /v1, {url}/v1"
        ),
    ),
    (
        "a web page with status 404",
        Reply([HTML.encode()], "text/html", status=404),
        "/v1 (404: a web page (“Welcome to nginx!”))",
    ),
    (
        "a redirection",
        Reply(status=308, headers={"location": "https://a:b@elsewhere/v1"}),
        "wants to be asked at another address, https://elsewhere/v1, at {url}; check the base URL",
    ),
    (
        "a text",
        Reply([b"upstream connect error"], "text/plain"),
        "text that is not a stream: upstream connect error at {url}",
    ),
    ("data of another kind", as_json({"models": []}), 'data that is not a completion: {{"models": []}} at {url}'),
    ("no JSON in the stream", sse("data: oops\n\n"), "sent invalid JSON: oops at {url}"),
    (
        "an encoding of its own",
        Reply([b"x"], headers={"content-encoding": "br"}),
        "an encoding that was not asked for: br at {url}",
    ),
]


@pytest.mark.parametrize(("reply", "words"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
async def test_38_the_words_of_the_provider_are_kept(agents: Agents, reply: Reply, words: str) -> None:
    async with raw_provider(reply) as server:
        agents.settings = ModelSettings(provider="openai-compatible", base_url=server.url)
        ledger = await agents.run(assignment())
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error.startswith("openai gpt-6-luna")
    # Whether it was asked again is another matter.
    assert words.format(url=server.url) in ledger.status.error.replace(", retried twice", "")


async def test_what_it_thinks_is_shown_apart_and_is_no_part_of_the_conversation(agents: Agents) -> None:
    reply = sse(chunk(reasoning_content="Hm, "), chunk(reasoning_content="tea"), chunk(content="Hi"), END, DONE)
    async with raw_provider(reply, DONE_REPLY) as server:
        agents.settings = ModelSettings(provider="openai-compatible", base_url=f"{server.url}/v1")
        ledger = await agents.run(assignment())
    assert [(message.type, message.content) for message in ledger.status.messages[1:]] == [
        (MessageType.MESSAGE_SYSTEM, "Hm, tea"),
        (MessageType.MESSAGE_AI, "Hi"),
    ]
    assert ledger.answers == ["Hi"]


async def test_what_it_thinks_between_two_texts_stands_between_them(agents: Agents) -> None:
    blank, thoughts = chunk(content="\n\n"), [chunk(reasoning_content=text) for text in ("Hm, ", "no, Assam")]
    reply = sse(blank, thoughts[0], chunk(content="Tea: "), thoughts[1], chunk(content="Assam"), END, DONE)
    async with raw_provider(reply, DONE_REPLY) as server:
        agents.settings = ModelSettings(provider="openai-compatible", base_url=f"{server.url}/v1")
        ledger = await agents.run(assignment())
    said = [(message.type, message.content) for message in ledger.status.messages[1:]]
    assert said == [
        (MessageType.MESSAGE_SYSTEM, "Hm, "),
        (MessageType.MESSAGE_AI, "Tea: "),
        (MessageType.MESSAGE_SYSTEM, "no, Assam"),
        (MessageType.MESSAGE_AI, "Assam"),
    ]
