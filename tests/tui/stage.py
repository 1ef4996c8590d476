"""The whole app on a stage: a session that shows what it is told to, and writes down what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.tui.app import StigmerApp
from stigmer_tui.workbench.approvals import Verdict, WaitingCall
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.daemon_intents import DaemonIntents
from stigmer_tui.workbench.differences import ResourceDifference
from stigmer_tui.workbench.events import ServerSearched, WatchSwitched
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.model_providers import ModelProviders, ProviderView, PullStep
from stigmer_tui.workbench.run_defaults import RunDefaults
from stigmer_tui.workbench.run_inputs import RunInputs
from stigmer_tui.workbench.server_tools import ServerToolCommands, ServerTools
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.session_cache import SessionCache
from stigmer_tui.workbench.state import RunInput, WorkbenchState
from stigmer_tui.workbench.state_store import StateStore
from tests.tui.host import FixedClock
from tests.workbench.stage import FakeServer

NOWHERE = Path("/nowhere")


class StagedStore(StateStore):
    def put(self, state: WorkbenchState) -> None:
        """As if events had led to it."""
        self.state = state
        for listener in self._listeners:
            listener(ServerSearched())


@dataclass
class StagedProviders:
    views: list[ProviderView] = field(
        default_factory=lambda: [
            ProviderView("anthropic", "claude-sonnet-5-5", "no key", "", key_variable="ANTHROPIC_API_KEY"),
            ProviderView("ollama", "llama3.2", "ready", "models: llama3.2", is_used=True),
        ]
    )
    asked: list[str] = field(default_factory=list)
    problem: str = ""
    """Why a test call does not work."""
    steps: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    """One for a download that is under way."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    """Lets it come to its end."""

    async def list(self) -> Sequence[ProviderView]:
        return self.views

    async def use(self, name: str) -> str:
        self.asked.append(f"use {name}")
        self.views = [replace(view, is_used=view.name == name) for view in self.views]
        return f"Agents use {name}"

    async def store_key(self, name: str, key: str) -> str:
        self.asked.append(f"store {name} {key}")
        return f"The key of {name} is in the keyring"

    async def pull(self, model: str) -> AsyncGenerator[PullStep]:
        self.asked.append(f"pull {model}")
        yield PullStep("pulling manifest", 0, 0)
        yield PullStep("pulling aa", 3_000_000, 4_000_000)
        self.steps.put_nowait(None)
        await self.go_on.wait()
        self.views = [replace(view, state="ready") if view.model == model else view for view in self.views]

    async def test(self, name: str) -> str:
        self.asked.append(f"test {name}")
        if self.problem:
            raise StigmerError(self.problem)
        return f"{name} answers"


class StagedInputs(RunInputs):
    def __init__(self, store: StateStore, last: dict[str, RunInput]) -> None:
        super().__init__(NOWHERE, store, SessionCache(NOWHERE, ""), is_kept=False)
        self._last = last
        self.remembered: dict[str, str] = {}
        """What the keyring has."""

    def defaults(self) -> RunDefaults:
        return RunDefaults(remembered=self.remembered)


class StagedDaemon(DaemonIntents):
    def __init__(self, session: StagedSession) -> None:
        super().__init__(session)
        self._asked = session.asked
        self.providers = StagedProviders()

    def retry(self) -> None:
        self._asked.append("retry")

    def stop(self) -> None:
        self._asked.append("stop daemon")

    def restart(self) -> None:
        self._asked.append("restart daemon")

    def restart_component(self, name: str) -> None:
        self._asked.append(f"restart {name}")

    def restart_failed(self) -> None:
        self._asked.append("retry failed")

    def model_providers(self) -> ModelProviders:
        return self.providers


class StagedSession(Session):
    inputs: StagedInputs
    daemon: StagedDaemon
    store: StagedStore

    def __init__(self, state: WorkbenchState, inputs: dict[str, RunInput] | None = None) -> None:
        self.fixed_clock = FixedClock()
        super().__init__(Configuration(Home(NOWHERE)), NOWHERE, self.fixed_clock)
        self.store = StagedStore(state, self.fixed_clock)
        self.server = FakeServer()
        """Where runs are searched for and read."""
        self.asked: list[str] = []
        """What the person wanted, in the order in which they did."""
        self.started: list[RunInput] = []
        self.decided: list[tuple[str, Verdict]] = []
        """By the id of the call."""
        self.found: dict[str, Resource | Run] = {}
        """What is on the server, by its name or id."""
        self.looked_at: Resource | None = None
        """What is to be previewed."""
        self.unfinished_runs: list[Run] = []
        self.inputs = StagedInputs(self.store, inputs or {})
        self.daemon = StagedDaemon(self)
        self.kept: list[Mapping[str, str]] = []
        """What was to be remembered and forgotten."""
        self.tools: ServerTools = ServerToolCommands(Path(), "")
        self.files: list[str | None] = []
        """Of the messages."""
        self.differs: Sequence[ResourceDifference] | StigmerError = ()
        """What comparing the code with the server comes to."""

    @property
    def backend(self) -> Backend:
        return self.server

    async def run(self) -> None:
        return

    def start(self, resource: Resource, run_input: RunInput, why: str = "") -> None:
        self.asked.append(f"start {resource.slug}")
        self.started.append(run_input)

    def send(self, message: str, files: str = "") -> None:
        self.asked.append(f"send {message}")
        self.files.append(files)

    def resend(self, execution_id: str, message: str, files: str | None = None) -> None:
        self.asked.append(f"resend {execution_id} {message}")
        self.files.append(files)

    def rerun(self) -> None:
        self.asked.append("rerun")

    def answer(self, waiting: WaitingCall, verdict: Verdict) -> None:
        self.decided.append((waiting.call.id, verdict))

    def cancel(self) -> None:
        self.asked.append("cancel")

    def open(self, run: Run) -> None:
        self.asked.append(f"open {run.id}")

    async def find(self, reference: str) -> Resource | Run | None:
        self.asked.append(f"find {reference}")
        return self.found.get(reference)

    async def differences(self) -> tuple[ResourceDifference, ...]:
        if isinstance(self.differs, StigmerError):
            raise self.differs
        return tuple(self.differs)

    def server_tools(self) -> ServerTools:
        return self.tools

    def look_at(self, resource: Resource | None) -> None:
        self.looked_at = resource

    def toggle_watch(self) -> None:
        self.asked.append("toggle watch")
        if project := self.state.project:
            self.store.emit(WatchSwitched(not project.watching))

    def keep_secrets(self, secrets: Mapping[str, str]) -> None:
        self.kept.append(secrets)

    def unfinished(self) -> list[Run]:
        return self.unfinished_runs

    async def cancel_all(self) -> None:
        self.asked.append("cancel all")


class StagedApp(StigmerApp):
    """`copied` is what was given to the clipboard."""

    def __init__(self, state: WorkbenchState, inputs: dict[str, RunInput] | None = None) -> None:
        self.stage = StagedSession(state, inputs)
        self.copied: list[str] = []
        super().__init__(self.stage, self.stage.clock)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    @property
    def asked(self) -> list[str]:
        return self.stage.asked

    def put(self, **changes: Any) -> None:
        """Another state, as the session would come to it."""
        self.stage.store.put(replace(self.stage.state, **changes))
