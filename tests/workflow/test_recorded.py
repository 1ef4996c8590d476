"""HTTP calls that are answered from a recording."""

from __future__ import annotations

import pytest

from stigmer_tui.core.redaction import Redactor
from stigmer_tui.definition.recording import MISFIT, RecordedHttpCall
from stigmer_tui.workflow.http_failures import HttpError
from stigmer_tui.workflow.port import HttpRequest
from stigmer_tui.workflow.recorded import RecordedHttp

ADDRESS = "http://shop/[REDACTED]"


async def test_answers_come_in_the_order_of_the_recording_and_failures_too() -> None:
    calls = [RecordedHttpCall(f"GET {ADDRESS}", answer) for answer in ([1], 2)]
    http = RecordedHttp([*calls, RecordedHttpCall(f"GET {ADDRESS}", error="gone", status=410)], Redactor(["hush"]))
    request = HttpRequest("GET", "http://shop/hush")
    assert [(await http.send(request)).data, (await http.send(request)).data] == [[1], 2]
    with pytest.raises(HttpError) as error:
        await http.send(request)
    assert (error.value.failure.message, error.value.failure.status) == ("gone", 410)


async def test_a_call_that_was_not_recorded_is_not_made() -> None:
    http = RecordedHttp([RecordedHttpCall("GET http://shop/a")], Redactor())
    with pytest.raises(HttpError) as error:
        await http.send(HttpRequest("POST", "http://shop/a"))
    assert error.value.failure.message == (
        f"{MISFIT}: it has no answer to this HTTP call\n- GET http://shop/a\n+ POST http://shop/a"
    )


async def test_the_same_call_with_another_body_is_another_one() -> None:
    calls = [RecordedHttpCall("POST http://shop/a", answer, body=[answer, "[REDACTED]"]) for answer in (1, 2)]
    http = RecordedHttp(calls, Redactor(["hush"]))
    assert (await http.send(HttpRequest("POST", "http://shop/a", body=[2, "hush"]))).data == 2
    with pytest.raises(HttpError) as error:
        await http.send(HttpRequest("POST", "http://shop/a", body=[3]))
    assert error.value.failure.message == (
        f'{MISFIT}: the body of POST http://shop/a has changed\n- [1, "[REDACTED]"]\n+ [3]'
    )
