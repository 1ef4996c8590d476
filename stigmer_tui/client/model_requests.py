"""Requests to models, as they were sent."""

from __future__ import annotations

from stigmer_tui.api.model_call_pb2 import ModelRequest, ModelRequestQuery
from stigmer_tui.api.model_call_pb2_grpc import ModelCallControllerStub
from stigmer_tui.client.connection import Connection
from stigmer_tui.client.errors import NotFound


async def get_model_request(connection: Connection, execution_id: str, number: int) -> ModelRequest:
    """`number` counts the requests of an execution from 1. Raises StigmerError if there is no such one."""
    query = ModelRequestQuery(execution_id=execution_id, number=number)
    try:
        return await connection.call(lambda channel: ModelCallControllerStub(channel).request, query)
    except NotFound as error:
        raise NotFound(error.message, f"See the execution: stigmer-tui execution show {execution_id}") from None
