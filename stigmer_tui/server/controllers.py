"""From our functions to gRPC: every call is authorized, validated, carried out, and refused in the same way."""

from __future__ import annotations

import hmac
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc.aio import ServicerContext

from stigmer_tui.api.validation import violations
from stigmer_tui.server.errors import Refusal

logger = logging.getLogger(__name__)

Unary = Callable[[Any], Awaitable[Message]]
Streaming = Callable[[Any], AsyncIterator[Message]]
Context = ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Controller:
    """A service of the wire, and the function for each of its methods: of one message, or of a stream of them."""

    service: ServiceDescriptor
    methods: Mapping[str, Callable[[Any], Any]]
    trusted: bool = False
    """Its callers are our own processes: their messages are not validated, which costs time on each report."""

    def __post_init__(self) -> None:
        wanted, given = set(self.service.methods_by_name), set(self.methods)
        if wanted != given:
            raise TypeError(f"{self.service.full_name}: {sorted(wanted ^ given)} must be declared and implemented")


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may call. An empty token lets everybody in."""

    token: str = ""

    async def admit(self, context: Context) -> None:
        if not self.token:
            return
        for key, value in context.invocation_metadata() or ():
            if key == "authorization" and hmac.compare_digest(str(value).encode(), f"Bearer {self.token}".encode()):
                return
        await context.abort(
            grpc.StatusCode.UNAUTHENTICATED,
            "this server wants its bearer token; start it with --no-auth to let clients without one in",
        )


def handlers(controller: Controller, gate: Gate) -> grpc.GenericRpcHandler:
    methods = {name: _handler(controller, name, gate) for name in controller.methods}
    return grpc.method_handlers_generic_handler(controller.service.full_name, methods)


def _handler(controller: Controller, name: str, gate: Gate) -> grpc.RpcMethodHandler[Any, Any]:
    method = controller.service.methods_by_name[name]
    function = controller.methods[name]
    where = f"{controller.service.full_name}/{name}"
    read = GetMessageClass(method.input_type).FromString
    write = GetMessageClass(method.output_type).SerializeToString

    async def admit(request: Message, context: Context) -> None:
        await gate.admit(context)
        if not controller.trusted and (problems := violations(request)):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "; ".join(problems))

    async def unary(request: Message, context: Context) -> Message:
        await admit(request, context)
        try:
            return await function(request)  # type: ignore[no-any-return]
        except Exception as error:
            await _refuse(context, where, error)
            raise

    async def streaming(request: Message, context: Context) -> AsyncIterator[Message]:
        await admit(request, context)
        try:
            async with aclosing(function(request)) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            await _refuse(context, where, error)

    async def conversation(requests: AsyncIterator[Message], context: Context) -> AsyncIterator[Message]:
        await gate.admit(context)
        try:
            async with aclosing(function(requests)) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            await _refuse(context, where, error)

    if method.client_streaming:
        return grpc.stream_stream_rpc_method_handler(conversation, read, write)
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(streaming, read, write)
    return grpc.unary_unary_rpc_method_handler(unary, read, write)


async def _refuse(context: Context, where: str, error: Exception) -> None:
    if isinstance(error, Refusal):
        await context.abort(error.code, error.message)
    if isinstance(error, grpc.aio.AbortError):
        raise error
    incident = uuid.uuid4().hex[:8]
    logger.error("%s failed, incident %s", where, incident, exc_info=error)
    await context.abort(
        grpc.StatusCode.INTERNAL, f"the server met an error of its own; its log has incident {incident}"
    )
