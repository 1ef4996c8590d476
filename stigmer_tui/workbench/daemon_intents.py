"""What a person wants of the daemon: to search for it again, to stop it, to start it or one of its processes anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stigmer_tui.workbench.model_providers import ModelProviders
    from stigmer_tui.workbench.session import Session


class DaemonIntents:
    """What fails is noted. Before the session runs, nothing can be wanted."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def retry(self) -> None:
        """Searches for the server again, and starts the daemon where it does not run."""
        if live := self._session.live:
            live.monitor.retry()

    def stop(self) -> None:
        """Its runs stop with it, and continue when it is started again."""
        if self._session.live:
            self._session.intend(lambda live: live.monitor.stop_daemon())

    def restart(self) -> None:
        if self._session.live:
            self._session.intend(lambda live: live.monitor.restart_daemon())

    def restart_component(self, name: str) -> None:
        """One process of the daemon; its runs continue in the new one."""
        if self._session.live:
            self._session.intend(lambda live: live.monitor.restart_component(name))

    def restart_failed(self) -> None:
        """Starts the processes again that the daemon has given up."""
        for component in self._session.state.daemon.failed:
            self.restart_component(component.name)

    def model_providers(self) -> ModelProviders:
        """Those of our own daemon."""
        from stigmer_tui.workbench.model_providers import ProviderCommands

        return ProviderCommands()
