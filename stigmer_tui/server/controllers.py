"""Serves our functions by gRPC: authorizes, validates, and maps errors of every call."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc.aio import ServicerContext

from stigmer_tui.api.idempotency import IDEMPOTENCY_KEY
from stigmer_tui.api.validation import violations
from stigmer_tui.core.storage_errors import Fault, StorageError
from stigmer_tui.server.access import Access, TokenAuth
from stigmer_tui.server.errors import ApiError, invalid
from stigmer_tui.server.sizes import check_request

MAX_LENGTH = 128

REQUEST_KEY: ContextVar[str] = ContextVar("request_key", default="")
"""The client's idempotency key; empty if it sent none."""


def take_request_key(context: ServicerContext[Any, Any]) -> None:
    """Raises ApiError if it is too long."""
    for name, value in context.invocation_metadata() or ():
        if name == IDEMPOTENCY_KEY:
            if len(value) > MAX_LENGTH:
                raise invalid(f"{IDEMPOTENCY_KEY}: at most {MAX_LENGTH} characters")
            REQUEST_KEY.set(str(value))


logger = logging.getLogger(__name__)

MAX_REFUSAL = 1000
"""Characters of an error message; one may take twelve bytes in a header, whose limit is 16 kB."""

STORAGE_CODES = {
    Fault.FULL: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Fault.LOCKED: grpc.StatusCode.ABORTED,
    Fault.DAMAGED: grpc.StatusCode.DATA_LOSS,
}

Context = ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Controller:
    """A service and the function for each of its methods."""

    service: ServiceDescriptor
    access: Access
    """Functions of runner services get the calling runner as first argument. Messages of runners are not validated,
    which would cost time for each report.
    """
    methods: Mapping[str, Callable[..., Any]]

    def __post_init__(self) -> None:
        wanted, given = set(self.service.methods_by_name), set(self.methods)
        if wanted != given:
            raise TypeError(f"{self.service.full_name}: {sorted(wanted ^ given)} must be declared and implemented")


def handlers(controller: Controller, auth: TokenAuth, name: str = "") -> grpc.GenericRpcHandler:
    """`name` overrides the service name on the wire."""
    methods = {method: _handler(controller, method, auth) for method in controller.methods}
    return grpc.method_handlers_generic_handler(name or controller.service.full_name, methods)


def _handler(controller: Controller, name: str, auth: TokenAuth) -> grpc.RpcMethodHandler[Any, Any]:
    method = controller.service.methods_by_name[name]
    is_public = controller.access is Access.PUBLIC
    where = f"{controller.service.full_name}/{name}"
    message_type = GetMessageClass(method.input_type)
    write = GetMessageClass(method.output_type).SerializeToString

    async def admitted(context: Context) -> Callable[[Any], Any]:
        runner = await auth.admit(controller.access, context)
        function = controller.methods[name]
        return function if is_public else partial(function, runner)

    def read(content: bytes) -> Message:
        try:
            return message_type.FromString(content)
        except DecodeError as error:
            raise invalid(f"what was sent is no {method.input_type.full_name}") from error

    async def received(content: bytes, context: Context) -> Message:
        try:
            request = read(content)
        except ApiError as error:
            await context.abort(error.code, error.message)
        if is_public and (problems := violations(request)):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, shortened("; ".join(problems)))
        return request

    # Requests come as bytes: grpc would say nothing useful of those that are no message.
    async def unary(content: bytes, context: Context) -> Message:
        function = await admitted(context)
        request = await received(content, context)
        try:
            if is_public:
                check_request(request)
            take_request_key(context)
            return await function(request)  # type: ignore[no-any-return]
        except Exception as error:
            await _refuse(context, where, error)
            raise

    async def streaming(content: bytes, context: Context) -> AsyncIterator[Message]:
        function = await admitted(context)
        request = await received(content, context)
        try:
            async with aclosing(function(request)) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            await _refuse(context, where, error)

    async def conversation(contents: AsyncIterator[bytes], context: Context) -> AsyncIterator[Message]:
        function = await admitted(context)
        requests = (read(content) async for content in contents)
        try:
            async with aclosing(function(requests)) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            await _refuse(context, where, error)

    if method.client_streaming:
        return grpc.stream_stream_rpc_method_handler(conversation, None, write)
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(streaming, None, write)
    return grpc.unary_unary_rpc_method_handler(unary, None, write)


def shortened(message: str) -> str:
    """Error messages travel in a header, and clients show nothing of one that exceeds their limit."""
    return message if len(message) <= MAX_REFUSAL else f"{message[:MAX_REFUSAL]}…"


async def _refuse(context: Context, where: str, error: Exception) -> None:
    if isinstance(error, ApiError):
        await context.abort(error.code, shortened(error.message))
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if isinstance(error, StorageError):
        logger.error("%s failed: %s", where, error.message)
        await context.abort(STORAGE_CODES.get(error.fault, grpc.StatusCode.INTERNAL), shortened(str(error)))
    incident = uuid.uuid4().hex[:8]
    logger.error("%s failed, incident %s", where, incident, exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, f"the server met an internal error; its log has incident {incident}")
