"""Requests of HTTP_CALL carry the trace of their execution, where traces are made."""

from __future__ import annotations

import pytest

from stigmer_tui.workflow.port import HttpRequest
from stigmer_tui.workflow.secrets import SecretValues
from stigmer_tui.workflow.worker import ActivityWorker
from tests.workflow.recording_engine import EchoingChildren, EchoingClient
from tests.workflow.world import LocalEvaluator

OURS = "00-1-2-01"


@pytest.mark.parametrize(
    ("is_traced", "headers", "expected"),
    [
        (True, {}, {"traceparent": OURS}),
        (True, {"Traceparent": "mine"}, {"Traceparent": "mine"}),
        (False, {}, {}),
    ],
)
async def test_the_header_is_set_where_traces_are_made_and_the_workflow_sets_none(
    is_traced: bool, headers: dict[str, str], expected: dict[str, str]
) -> None:
    client = EchoingClient()
    worker = ActivityWorker(SecretValues({}, (), "nonce"), LocalEvaluator(), client, EchoingChildren(), is_traced)
    await worker.perform(HttpRequest("GET", "http://a", headers, traceparent=OURS))
    assert client.sent[0].headers == expected
