"""HTTP_CALL against a real server: cases by their numbers (`docs/compatibility.md` 18, 41, 54–62)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.workflow.tasks import calls
from tests.definition.specs import for_, http, set_, spec
from tests.workflow.http_server import Asked, HttpServer, Reply, json_reply
from tests.workflow.world import EXECUTION, World, until


async def test_case_18_the_answer_is_data_without_an_export(world: World, server: HttpServer) -> None:
    server.replies(json_reply({"id": 7}))
    reported = await world.run(spec(http("h", server.url), set_("s", v="${ $data.h.id }", o="${ $output }")))
    assert reported.output == {"v": 7, "o": {"id": 7}}


async def test_case_41_each_iteration_sends_its_own_item(world: World, server: HttpServer) -> None:
    await world.run(spec(for_("f", "${ [1,2,3] }", http("h", server.url, "POST", body={"item": "${ .item }"}))))
    assert [asked.json for asked in server.asked] == [{"item": 1}, {"item": 2}, {"item": 3}]


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (Reply(200, '[{"id":1}]'), [{"id": 1}]),
        (Reply(200, "42"), 42),
        (Reply(200, "null"), None),
        (Reply(200, "some text", {"Content-Type": "text/plain"}), "some text"),
        (Reply(204), ""),
        (Reply(200, "NaN"), "NaN"),
        (Reply(200, '{"n": 9007199254740993}'), {"n": "9007199254740993"}),
        (Reply(200, '"\\ud800 half a character"'), "? half a character"),
        (Reply(200, "grün".encode("latin-1"), {"Content-Type": "text/plain; charset=latin-1"}), "grün"),
        (Reply(200, b"\xff\xfe\x00"), "\ufffd\ufffd\x00"),
        (Reply(200, "[" * 5000), "[" * 5000),
        (Reply(200, "[" * 900 + "]" * 900), "[" * 900 + "]" * 900),
    ],
)
async def test_case_54_an_answer_is_json_or_text(reply: Reply, value: Any, world: World, server: HttpServer) -> None:
    server.replies(reply)
    reported = await world.run(spec(http("h", server.url), set_("s", v="${ $data.h }")))
    assert reported.output == {"v": value}


@pytest.mark.parametrize(
    ("reply", "attempts", "error"),
    [
        (Reply(302, "", {"Location": "/b"}), 1, "answered 302 Status 302 to /b; redirects are not followed"),
        (Reply(404, '{"error":\n "no item"}'), 1, 'answered 404 Status 404: {"error": "no item"}'),
        (Reply(500, "x" * 300), 5, f"answered 500 Status 500: {'x' * 200}… (5 attempts)"),
        (Reply(429, "slow down"), 5, "answered 429 Status 429: slow down (5 attempts)"),
        (Reply(408), 5, "answered 408 Status 408 (5 attempts)"),
    ],
)
async def test_case_55_what_is_no_success(
    reply: Reply, attempts: int, error: str, world: World, server: HttpServer
) -> None:
    server.replies(reply)
    reported = await world.run(spec(http("h", f"{server.url}/a?b=c")))
    host = server.url.removeprefix("http://")
    assert reported.error == f"/h failed: GET {host}/a: {error}"
    assert len(server.asked) == attempts
    metadata = reported.metadata("/h")
    assert (metadata["error_type"], metadata["error_status"]) == ("CallHTTP error", reply.status)


async def test_case_56_a_passing_fault_passes(world: World, server: HttpServer) -> None:
    server.replies(Reply(503), Reply(503), json_reply({"ok": True}))
    reported = await world.run(spec(http("h", server.url)))
    assert (reported.output, len(server.asked), world.clock.slept) == ({"ok": True}, 3, [1.0, 2.0])
    assert reported.metadata("/h")["attempt"] == 3


@pytest.mark.parametrize(
    ("header", "slept"),
    [
        ("7", 7.0),
        ("600", 60.0),
        ("9" * 400, 60.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("Sat, 21 Nov 2026 10:00:20 GMT", 20.0),
        ("Sat, 21 Nov 2026 10:00:20 -0000", 20.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60.0),
        ("soon", 1.0),
        ("-5", 1.0),
        ("1.5", 1.0),
        ("²", 1.0),
        ("", 1.0),
    ],
)
@pytest.mark.parametrize("status", [503, 429, 408])
async def test_the_other_side_may_ask_for_more_time(
    status: int, header: str, slept: float | None, world: World, server: HttpServer
) -> None:
    """Point 37: seconds or a date, which is compared with the clock that it comes from."""
    headers = {"Retry-After": header, "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}
    server.replies(Reply(status, "", headers), Reply(200))
    await world.run(spec(http("h", server.url)))
    assert world.clock.slept == ([] if slept is None else [slept])


async def test_a_pause_before_another_attempt_is_shown(world: World, server: HttpServer) -> None:
    server.replies(Reply(503))
    world.clock.stop_at = 1
    work = asyncio.create_task(world.run(spec(http("h", f"{server.url}/a"))))
    await world.clock.stopped.wait()
    await until(lambda: "attempt" in world.reported.metadata("/h"))
    metadata = world.reported.metadata("/h")
    work.cancel()
    assert metadata["attempt"] == 2
    assert metadata["detail"] == f"GET {server.url.removeprefix('http://')}/a  503, again in 1.0 s"


async def test_case_57_an_attempt_has_a_time_limit(world: World, server: HttpServer) -> None:
    async def never(asked: Asked) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    server.answer = never
    slow = http("h", f"{server.url}/slow", timeout_seconds=1)
    world.clock.stop_at = 1
    one_attempt = asyncio.create_task(world.run(spec(slow)))
    await world.clock.stopped.wait()
    one_attempt.cancel()
    assert len(server.asked) == 1


async def test_case_57_nobody_there_is_a_passing_fault_too(world: World) -> None:
    reported = await world.run(spec(http("h", "http://127.0.0.1:1/a", timeout_seconds=1)))
    assert reported.error == "/h failed: GET 127.0.0.1:1/a: connection refused (5 attempts)"
    assert world.clock.slept == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("headers", "sent"),
    [({}, "application/json"), ({"content-type": "application/vnd.shop+json"}, "application/vnd.shop+json")],
)
async def test_case_58_a_body_says_what_it_is(
    headers: dict[str, str], sent: str, world: World, server: HttpServer
) -> None:
    body = {"text": "für ${ 1 + 1 }", "n": 3, "list": ["${ 5 }", None, True], "${ key }": {}}
    await world.run(spec(http("h", server.url, "PUT", headers=headers, body=body)))
    [asked] = server.asked
    assert asked.json == {"text": "für 2", "n": 3, "list": [5, None, True], "${ key }": {}}
    assert asked.headers["content-type"] == sent


async def test_a_request_without_a_body_has_no_content_type(world: World, server: HttpServer) -> None:
    await world.run(spec(http("h", server.url, "DELETE")))
    [asked] = server.asked
    assert (asked.method, asked.body, "content-type" in asked.headers) == ("DELETE", b"", False)


async def test_case_59_values_find_their_way_into_address_and_headers(world: World, server: HttpServer) -> None:
    found = http("h", f"{server.url}/a/${{ .p }}?q=${{ .q }}", headers={"X-N": "${ 5 }", "X-T": "a${ true }"})
    await world.run(spec(set_("s", p="b c", q="${ 1.5 }"), found))
    [asked] = server.asked
    assert (asked.target, asked.headers["x-n"], asked.headers["x-t"]) == ("/a/b%20c?q=1.5", "5", "atrue")


@pytest.mark.parametrize(
    ("uri", "headers", "error"),
    [
        ("${ .nothing }", {}, "the address must begin with http:// or https://, and name a host"),
        ('${ "/relative" }', {}, "the address must begin with http:// or https://, and name a host"),
        ('${ "ftp" }://127.0.0.1/a', {}, "the address must begin with http:// or https://, and name a host"),
        ("http://[::1", {}, "the address cannot be read: "),
        ("http://", {}, "the address must begin with http:// or https://, and name a host"),
        ("http://127.0.0.1:99999/", {}, "there is no port 99999"),
        ("http://127.0.0.1:p0rt/", {}, "the address cannot be read: Invalid port"),
        ("SERVER", {"X": "a\r\nY: b"}, "the header X cannot be sent: its value has a line break in it"),
        ("SERVER", {"X": "token\n"}, "the header X cannot be sent: its value has a line break in it, at its end"),
        ("SERVER", {"X": "a\0b"}, "the header X cannot be sent: its value has a character that is none in it"),
        ("SERVER", {"X Y": "a"}, "'X Y' is not a valid name of a header"),
        ("http://127.0.0.1:1/", {"X": "${ .nothing }"}, "the header X has no value: its expression gives null"),
    ],
)
async def test_what_cannot_be_sent_fails_at_once(
    uri: str, headers: dict[str, str], error: str, world: World, server: HttpServer
) -> None:
    reported = await world.run(spec(http("h", uri.replace("SERVER", server.url), headers=headers)))
    assert error in reported.error
    assert server.asked == []
    assert world.clock.slept == []


async def test_a_header_may_hold_any_character(world: World, server: HttpServer) -> None:
    await world.run(spec(http("h", server.url, headers={"X": " für „alle“ \t", "Content-Length": "999"})))
    [asked] = server.asked
    assert asked.headers["x"] == "für „alle“"


async def test_what_cannot_be_sent_is_not_shown(world: World, server: HttpServer) -> None:
    """Point 37: a header in which nothing else is said names itself, not its value."""
    found = http("h", server.url, headers={"Authorization": "${.secrets.KEY}"})
    reported = await world.run(spec(found), secrets={"KEY": "-----BEGIN KEY-----\nMIIB"})
    assert reported.error == (
        "/h failed: GET " + server.url.removeprefix("http://") + ": the header Authorization cannot be sent: "
        "its value has a line break in it"
    )


SECRETS = {"K": "s3cr3t/“quoted”", "UNUSED": "another-secret"}


async def test_case_60_secrets_are_on_the_wire_and_nowhere_else(world: World, server: HttpServer) -> None:
    server.replies(json_reply({"id": 1}))
    task = http(
        "h",
        "${.env_vars.E}/a?key=${.secrets.K}",
        "POST",
        headers={"Authorization": "Bearer ${.env_vars.K}", "X-E": "${.env_vars.E}"},
        body={"text": "x ${.secrets.K}", "whole": "${ .secrets.K }", "flown": "${ .auth }"},
    )
    found = spec(set_("s", auth="Token ${ .secrets.K }", copy="${ .secrets }"), task, set_("t", v="${ $data.auth }"))
    reported = await world.run(found, environment={"E": server.url}, secrets={**SECRETS, "K": "s3cr3t"})
    [asked] = server.asked
    assert asked.target == "/a?key=s3cr3t"
    assert (asked.headers["authorization"], asked.headers["x-e"]) == ("Bearer s3cr3t", server.url)
    assert asked.json == {"text": "x s3cr3t", "whole": "s3cr3t", "flown": "Token s3cr3t"}
    assert reported.output == {"v": "Token [REDACTED]"}
    assert reported.input_of("/h")["uri"] == f"{server.url}/a?key=[REDACTED]"
    assert reported.output_of("/s") == {
        "auth": "Token [REDACTED]",
        "copy": {"K": "[REDACTED]", "UNUSED": "[REDACTED]", "E": "[REDACTED]"},
    }
    for text in (reported.text, journal_text(world)):
        assert "s3cr3t" not in text
        assert "another-secret" not in text


async def test_what_is_made_of_a_secret_is_a_secret(world: World, server: HttpServer) -> None:
    found = spec(
        set_("s", basic='Basic ${ "me:" + .secrets.K | @base64 }', list='${ [.secrets.K, "open", 5, null] }'),
        set_(
            "t",
            long="${ .s2 | length }",
            is_long="${ ($data.basic | length) > 10 }",
            pin="${ .secrets.PIN | tonumber }",
        ),
        http(
            "h",
            server.url,
            "POST",
            headers={"Authorization": "${ .basic }"},
            body={"l": "${ .list }", "p": "${ .pin }"},
        ),
    )
    reported = await world.run(found, secrets={"K": "s3cr3t", "PIN": "482913"})
    [asked] = server.asked
    assert asked.headers["authorization"] == "Basic bWU6czNjcjN0"
    assert asked.json == {"l": ["s3cr3t", "open", 5, None], "p": 482913}
    assert reported.output_of("/s") == {"basic": "Basic [REDACTED]", "list": ["[REDACTED]", "open", 5, None]}
    assert reported.output_of("/t") == {"long": 0, "is_long": True, "pin": "[REDACTED]"}
    assert not {"bWU6czNjcjN0", "482913"} & set(reported.text.replace('"', " ").split())


async def test_case_61_a_variable_without_a_value_fails_before_any_request(world: World, server: HttpServer) -> None:
    reported = await world.run(spec(http("h", f"{server.url}/${{.secrets.MISSING}}")), secrets=SECRETS)
    assert reported.error == (
        "/h failed: ${.secrets.MISSING}: the variable MISSING has no value; give it one with the run "
        "(--runtime-env secret:MISSING=…) or a default in the workflow"
    )
    assert (server.asked, reported.metadata("/h")["error_type"]) == ([], "Variable error")


async def test_case_62_an_echo_of_a_secret_is_redacted(world: World, server: HttpServer) -> None:
    server.answer = lambda asked: json_reply({"you": dict(asked.headers), asked.headers["x-k"]: 1})
    tasks = [http("h", server.url, headers={"X-K": "${.secrets.K}"}), set_("s", v="${ $env.K }", e="${ $env.E }")]
    reported = await world.run(spec(*tasks), environment={"E": "eu"}, secrets={"K": "s3cr3t"})
    assert reported.output_of("/h")["you"]["x-k"] == "[REDACTED]"
    assert reported.output_of("/h")["[REDACTED]"] == 1
    assert reported.output == {"v": None, "e": "eu"}
    assert "s3cr3t" not in reported.text + journal_text(world)


async def test_what_the_workflow_calls_a_secret_is_one(world: World, server: HttpServer) -> None:
    server.answer = lambda asked: json_reply({"you": asked.headers["x-k"]})
    tasks = [http("h", server.url, headers={"X-K": "${.secrets.K}"}), set_("s", v="${ $env.K }", w="${ .h.you }")]
    reported = await world.run(spec(*tasks), environment={"K": "s3cr3t"})
    assert reported.output == {"v": None, "w": "[REDACTED]"}
    assert "s3cr3t" not in reported.text + journal_text(world)


async def test_an_error_does_not_repeat_a_secret(world: World, server: HttpServer) -> None:
    server.replies(Reply(403, "bad token s3cr3t"))
    reported = await world.run(spec(http("h", f"{server.url}/s3cr3t")), secrets={"K": "s3cr3t"})
    assert reported.error.endswith("/[REDACTED]: answered 403 Status 403: bad token [REDACTED]")


async def test_marks_from_outside_are_only_text(world: World, server: HttpServer) -> None:
    server.replies(json_reply({"mark": "\ue0000123456789abcdef:K\ue001"}), Reply())
    tasks = [http("one", server.url), http("two", server.url, "PUT", body={"v": "${ $data.one.mark }"})]
    await world.run(spec(*tasks), secrets={"K": "s3cr3t"})
    assert server.asked[1].json == {"v": "\ue0000123456789abcdef:K\ue001"}


async def test_requests_that_must_not_be_doubled_carry_a_key(world: World, server: HttpServer) -> None:
    await world.run(
        spec(
            http("get", server.url),
            for_(
                "f",
                "${ 2 }",
                http("post", server.url, "POST", body={}),
                http("own", server.url, "PATCH", headers={"idempotency-key": "mine"}),
            ),
        )
    )
    keys = [asked.headers.get("idempotency-key") for asked in server.asked]
    assert keys == [None, f"{EXECUTION}/f/0/post", "mine", f"{EXECUTION}/f/1/post", "mine"]


async def test_an_answer_without_end_is_not_read_to_it(
    world: World, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stigmer_tui.workflow.http_client.MAX_RESPONSE_SIZE", 1000)
    server.replies(Reply(200, "x" * 2000))
    reported = await world.run(spec(http("h", server.url)))
    assert reported.error.endswith(": the answer is larger than 1.0 kB")
    assert len(server.asked) == 1


async def test_connections_are_kept_and_cookies_are_not(world: World, server: HttpServer) -> None:
    server.replies(Reply(200, "", {"Set-Cookie": "a=b"}))
    await world.run(spec(for_("f", "${ 10 }", http("h", server.url))))
    assert (server.connections, len(server.asked)) == (1, 10)
    assert not any("cookie" in asked.headers for asked in server.asked)


async def test_a_task_shows_what_it_asks_and_what_it_got(world: World, server: HttpServer) -> None:
    server.replies(json_reply({"id": 1}))
    reported = await world.run(spec(http("h", f"{server.url}/item.json?x=1", headers={"A": "b"})))
    host = server.url.removeprefix("http://")
    assert reported.metadata("/h") == {"kind": "http", "detail": f"GET {host}/item.json  200  9 B"}
    assert reported.input_of("/h") == {"method": "GET", "uri": f"{server.url}/item.json?x=1", "headers": {"A": "b"}}
    assert reported.phase is Phase.COMPLETED


def journal_text(world: World) -> str:
    """All that is on disk; what was forgotten is still in the pages of the file."""
    return "".join(
        path.read_bytes().decode("latin-1") for path in world.journal_path.parent.iterdir() if path.is_file()
    )


async def test_a_body_that_is_sent_has_a_measure(
    world: World, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 12: also one that is made of many small references to one large value."""
    monkeypatch.setattr(calls, "MAX_BODY", 1000)
    body = {"list": ["${ .x }"] * 5}
    reported = await world.run(spec(set_("s", x="x" * 300), http("h", server.url, "POST", body=body)))
    assert reported.error == "/h failed: the body is larger than 1.0 kB, or has more than 200 levels"
    assert server.asked == []
