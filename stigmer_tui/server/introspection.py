"""Health and reflection services (grpc.health.v1, grpc.reflection), which tools expect of any gRPC server.

Both are loaded at the first call, which keeps the start fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import grpc

from stigmer_tui.server.access import Access, TokenAuth
from stigmer_tui.server.controllers import Controller, handlers
from stigmer_tui.server.errors import not_found

HEALTH = "grpc.health.v1.Health"
REFLECTION = "grpc.reflection.v1.ServerReflection"
REFLECTION_ALPHA = "grpc.reflection.v1alpha.ServerReflection"
"""The former name, which many tools still use."""


class OnDemand(grpc.GenericRpcHandler):
    """A service that is created at its first call."""

    def __init__(self, name: str, load: Callable[[str], grpc.GenericRpcHandler]) -> None:
        self._name = name
        self._load = load
        self._handlers: grpc.GenericRpcHandler | None = None

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        if not handler_call_details.method.startswith(f"/{self._name}/"):
            return None
        return self.handlers().service(handler_call_details)

    def handlers(self) -> grpc.GenericRpcHandler:
        self._handlers = self._handlers or self._load(self._name)
        return self._handlers


def introspection_handlers(services: Collection[str], auth: TokenAuth) -> list[OnDemand]:
    """`services` are the names of all other services."""
    names = [*services, HEALTH, REFLECTION, REFLECTION_ALPHA]

    def health(name: str) -> grpc.GenericRpcHandler:
        return handlers(_health(names), auth)

    def reflection(name: str) -> grpc.GenericRpcHandler:
        return handlers(_reflection(names), auth, name)

    return [OnDemand(HEALTH, health), OnDemand(REFLECTION, reflection), OnDemand(REFLECTION_ALPHA, reflection)]


def _health(services: Collection[str]) -> Controller:
    from grpc_health.v1 import health_pb2

    serving = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
    unknown = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
    known = {"", *services}

    async def check(request: Any) -> Any:
        if request.service not in known:
            raise not_found("service", request.service)
        return serving

    async def list_all(request: Any) -> Any:
        return health_pb2.HealthListResponse(statuses=dict.fromkeys(known, serving))

    async def watch(request: Any) -> AsyncIterator[Any]:
        """Healthy until the server ends."""
        yield serving if request.service in known else unknown
        await asyncio.Event().wait()

    service = health_pb2.DESCRIPTOR.services_by_name["Health"]
    methods = {"Check": check, "List": list_all, "Watch": watch}
    # Older versions of the library lack List.
    return Controller(service, Access.PUBLIC, {name: methods[name] for name in service.methods_by_name})


def _reflection(services: Collection[str]) -> Controller:
    from grpc_reflection.v1alpha import reflection, reflection_pb2

    servicer = reflection.aio.ReflectionServicer(services)

    def information(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        return servicer.ServerReflectionInfo(requests, None)  # type: ignore[no-any-return]

    service = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
    return Controller(service, Access.PUBLIC, {"ServerReflectionInfo": information})
