"""Health and reflection services (grpc.health.v1, grpc.reflection), which tools expect of any gRPC server.

Health is asked for by the name of a service, or of a process of the daemon; the empty name is the daemon's.

Both are loaded at the first call, which keeps the start fast.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, Protocol

import grpc

from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.core.daemon_processes import SERVER
from stigmer_tui.server.access import Access, TokenAuth
from stigmer_tui.server.controllers import Controller, handlers
from stigmer_tui.server.errors import not_found

HEALTH = "grpc.health.v1.Health"
REFLECTION = "grpc.reflection.v1.ServerReflection"
REFLECTION_ALPHA = "grpc.reflection.v1alpha.ServerReflection"
"""The former name, which many tools still use."""


class Readiness(Protocol):
    """Of the processes of the daemon."""

    changes: ChangeSignal

    def ready(self) -> dict[str, bool]:
        """By name."""
        ...


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


def introspection_handlers(services: Collection[str], readiness: Readiness, auth: TokenAuth) -> list[OnDemand]:
    """`services` are the names of all other services."""
    names = [*services, HEALTH, REFLECTION, REFLECTION_ALPHA]

    def health(name: str) -> grpc.GenericRpcHandler:
        return handlers(_health(names, readiness), auth)

    def reflection(name: str) -> grpc.GenericRpcHandler:
        return handlers(_reflection(names), auth, name)

    return [OnDemand(HEALTH, health), OnDemand(REFLECTION, reflection), OnDemand(REFLECTION_ALPHA, reflection)]


def _health(services: Collection[str], readiness: Readiness) -> Controller:
    from grpc_health.v1.health_pb2 import DESCRIPTOR, HealthCheckResponse, HealthListResponse

    def all_statuses() -> dict[str, Any]:
        ready = readiness.ready()
        ready |= dict.fromkeys(("", *services), ready[SERVER.name])
        status = {True: HealthCheckResponse.SERVING, False: HealthCheckResponse.NOT_SERVING}
        return {name: HealthCheckResponse(status=status[is_ready]) for name, is_ready in ready.items()}

    async def check(request: Any) -> Any:
        if request.service not in (statuses := all_statuses()):
            raise not_found("service", request.service)
        return statuses[request.service]

    async def list_all(request: Any) -> Any:
        return HealthListResponse(statuses=all_statuses())

    async def watch(request: Any) -> AsyncIterator[Any]:
        """At once, and at each change."""
        unknown = HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
        sent = None
        while True:
            seen = readiness.changes.count
            status = all_statuses().get(request.service, unknown)
            if status != sent:
                sent = status
                yield status
            await readiness.changes.after(seen)

    service = DESCRIPTOR.services_by_name["Health"]
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
