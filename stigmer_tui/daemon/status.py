"""The daemon's status, for the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp

from stigmer_tui.api.daemon_pb2 import Component, Status
from stigmer_tui.client.connection import connected
from stigmer_tui.client.daemon import daemon_status
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.paths import Home
from stigmer_tui.core.units import plural, size_text, uptime_text
from stigmer_tui.daemon.running import running_endpoint

GLYPHS = {
    Component.STARTING: "·",
    Component.READY: "✓",
    Component.BUSY: "▸",
    Component.RESTARTING: "⏸",
    Component.FAILED: "✗",
    Component.STOPPED: "⊘",
    Component.NOT_READY: "⏸",
}

AT_WORK = (Component.READY, Component.BUSY)


async def read_status(home: Home) -> Status | None:
    """None when there is no daemon that answers."""
    endpoint = await running_endpoint(home)
    return await status_of(endpoint) if endpoint else None


async def status_of(endpoint: Endpoint) -> Status | None:
    """None from a server that answers, and is not one of our daemons. Raises StigmerError when it does not answer."""

    async def locate() -> Endpoint:
        return endpoint

    async with connected(locate) as connection:
        return await daemon_status(connection)


def status_json(status: Status) -> str:
    """`running` says whether there is a daemon; its executions are counted under their own name."""
    data = MessageToDict(status, preserving_proto_field_name=True)
    data.pop("running", None)
    return json.dumps({"running": True, "executions": status.running, **data})


@dataclass(frozen=True, slots=True)
class StatusText:
    status: Status
    clock: Clock

    def lines(self) -> Iterator[str]:
        status = self.status
        uptime = self._since(status.started_at)
        yield f"✓ The daemon is running at {status.address}, version {status.version}, up {uptime}"
        if not status.requires_token:
            yield "  Every client on this machine may use it (--no-auth)"
        yield ""
        for component in status.components:
            yield f"  {self._component(component)}"
            for text in self._about(component):
                yield f"  {'':<17}{text}"
        yield ""
        rows = {
            "Model": status.model,
            "Engine": status.engine,
            "Sandbox": status.sandbox,
            "Secrets": status.secrets or "no secret yet; in the keyring of the system, where there is one",
            "Data": status.home,
            "Disk": f"{size_text(status.free_bytes)} free" if status.engine else "",
        }
        for name, value in rows.items():
            if value:
                yield f"  {name:<9}{value}"
        queued = sum(component.queued for component in status.components)
        waiting = f", {queued} waiting" if queued else ""
        yield f"  {'Running':<9}{plural(status.running, 'execution')}{waiting}"

    def _component(self, component: Component) -> str:
        # What keeps it from its work is told at once.
        hindered = component.detail and component.state in AT_WORK
        state = Component.NOT_READY if hindered else component.state
        name = Component.State.Name(state).lower().replace("_", " ")
        parts = [f"{component.name:<17}{GLYPHS.get(state, '·')} {name:<11}"]
        if component.pid:
            memory, cpu = size_text(component.memory_bytes), f"{component.cpu_percent:.1f} %"
            parts.append(f"pid {component.pid:<8}{memory:>8}{cpu:>9}   up {self._since(component.started_at)}")
            parts.append(f"   {plural(component.restarts, 'restart')}")
        if component.detail:
            parts.append(f"   {component.detail}")
        return "".join(parts)

    def _about(self, component: Component) -> Iterator[str]:
        if component.notice:
            yield f"! {component.notice}"
        if component.queued:
            yield f"{plural(component.queued, 'execution')} waiting for it"
        if component.last_error and component.last_error not in component.detail:
            yield f"last error, {self._since(component.last_error_at)} ago: {component.last_error}"
        yield from component.log_lines

    def _since(self, moment: Timestamp) -> str:
        return uptime_text((self.clock.now() - moment.ToDatetime(UTC)).total_seconds())
