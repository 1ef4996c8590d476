"""What happens to the daemon's processes, in sentences for the person who works with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stigmer_tui import __version__
from stigmer_tui.core.daemon_processes import PROCESSES, SERVER
from stigmer_tui.core.units import duration_text
from stigmer_tui.core.versions import is_older
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.state import Level

NOUNS = {process.name: process.noun for process in PROCESSES}

AT_WORK = (ComponentState.READY, ComponentState.BUSY, ComponentState.NOT_READY)


@dataclass(frozen=True, slots=True)
class LostComponent:
    at: datetime
    how: str


class DaemonEvents:
    """Compares each state with the one before; the first one is no news, but for the notices in it."""

    def __init__(self) -> None:
        self._server_pid = 0
        self._known: dict[str, Component] = {}
        self._lost: dict[str, LostComponent] = {}
        self._older = ""
        """Version of an older daemon of which the person knows."""

    def take(self, daemon: DaemonState, now: datetime) -> list[tuple[str, Level]]:
        if not daemon.connected:
            if self._server_pid:
                self._lost.setdefault(SERVER.name, LostComponent(now, "was gone"))
            return []
        components = {component.name: component for component in daemon.components}
        news = [*self._of_version(daemon), *self._of_server(components, now)]
        for name, component in components.items():
            if name != SERVER.name:
                news.extend(self._of_runner(component, now))
        self._known = components
        return news

    def _of_version(self, daemon: DaemonState) -> Iterator[tuple[str, Level]]:
        if daemon.version == self._older or not is_older(daemon.version, __version__):
            return
        self._older = daemon.version
        text = (
            f"The daemon is of version {daemon.version}, older than this program ({__version__}), and at work; it is "
            "replaced when a command finds it idle, or by: stigmer-tui server restart"
        )
        yield text, Level.WARNING

    def _of_server(self, components: dict[str, Component], now: datetime) -> Iterator[tuple[str, Level]]:
        server = components.get(SERVER.name)
        if server is None:
            return
        loss = self._lost.pop(SERVER.name, None)
        if server.pid != self._server_pid:
            # Another server counts the restarts of its runners anew.
            self._known.clear()
            self._lost.clear()
            if loss:
                yield _came_back(SERVER.name, loss, now), Level.WARNING
        self._server_pid = server.pid

    def _of_runner(self, component: Component, now: datetime) -> Iterator[tuple[str, Level]]:
        before = self._known.get(component.name)
        if component.notice and component.notice != (before.notice if before else ""):
            yield component.notice, Level.WARNING
        if before and component.restarts > before.restarts:
            how = component.detail.partition(";")[0] or "stopped"
            self._lost.setdefault(component.name, LostComponent(now, how))
        if component.state in AT_WORK and (loss := self._lost.pop(component.name, None)):
            yield _came_back(component.name, loss, now), Level.WARNING
        if component.state is ComponentState.FAILED and before and before.state is not ComponentState.FAILED:
            yield f"The {_name(component.name)} is not running: {component.detail}", Level.ERROR


def _came_back(name: str, loss: LostComponent, now: datetime) -> str:
    took = duration_text((now - loss.at).total_seconds())
    return f"The {_name(name)} {loss.how} and was restarted in {took}; its runs continue"


def _name(name: str) -> str:
    return NOUNS.get(name, name)
