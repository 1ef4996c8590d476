"""What a session asks of a server, in the terms of the model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from stigmer_tui.workbench.abilities import Abilities
from stigmer_tui.workbench.approvals import Verdict, WaitingCall
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.run_query import FoundRun, RunQuery
from stigmer_tui.workbench.state import RunInput

if TYPE_CHECKING:
    from stigmer_tui.project.plan import Deployments
    from stigmer_tui.workbench.model_requests import SentRequest
    from stigmer_tui.workbench.preview import Preview

Lists = tuple[tuple[Resource, ...], tuple[Run, ...]]


class Backend(Protocol):
    """All of it raises StigmerError, in words for people, when the server refuses or cannot be reached."""

    organization: str

    @property
    def is_ours(self) -> bool:
        """Whether the server is the daemon of this home."""
        ...

    async def connect(self) -> str:
        """host:port of a server that answers; our own daemon is started where it does not run."""
        ...

    async def abilities(self) -> Abilities: ...

    async def hand_over_keys(self) -> tuple[str, ...]:
        """Gives our own daemon the keys of model providers that it lacks; returns the names of their variables."""
        ...

    async def wait_for_server(self) -> None:
        """Until it may be there again."""
        ...

    async def stop_daemon(self) -> None: ...

    async def restart_daemon(self) -> None: ...

    async def restart_component(self, name: str) -> None:
        """Restarts a process of the daemon. Raises StigmerError when it does not come up."""
        ...

    def last_log_lines(self) -> tuple[str, ...]:
        """Of our own daemon, since it was last searched for."""
        ...

    async def close(self) -> None: ...

    async def lists(self) -> Lists | None:
        """None from a server that cannot list."""
        ...

    def watch_lists(self) -> AsyncIterator[Lists]:
        """Ends at once at a server that cannot list."""
        ...

    def search(self, query: RunQuery, limit: int) -> AsyncGenerator[tuple[FoundRun, ...], None]:
        """Runs, newest first, as they are found."""
        ...

    def watch_daemon(self) -> AsyncIterator[DaemonState]:
        """Not connected while the server is being searched for. Ends at once at a server that is not ours."""
        ...

    async def resolve(self, reference: str, with_variables: bool = False) -> Resource | None:
        """By id or name; a workflow before an agent of the same name. Variables take time to be found."""
        ...

    async def find(self, reference: str) -> Resource | Run | None:
        """As `resolve`, with the variables of the resource; also an execution by its id."""
        ...

    async def preview(self, resource: Resource) -> Preview | None:
        """What there is to know of a resource before a run; None where it is gone."""
        ...

    async def look_up(self, resources: Iterable[Resource], runs: Iterable[Run]) -> Lists:
        """What has become of what was known of a server that cannot list. What is no longer there is left out."""
        ...

    def deployments(self) -> Deployments:
        """What the project room compares with, and sends to."""
        ...

    async def create(self, resource: Resource, run_input: RunInput, session: str = "") -> Execution:
        """In a session, an execution of an agent continues its conversation."""
        ...

    async def conversation(self, execution: Execution) -> tuple[Execution, ...]:
        """All executions of the session of an agent's execution, itself among them, the oldest first."""
        ...

    async def fork(self, execution: Execution) -> str:
        """A new session with the conversation before an execution; returns its id."""
        ...

    async def open(self, run: Run) -> Execution: ...

    async def model_request(self, execution_id: str, number: int) -> SentRequest:
        """What a model was asked in an execution, from 1."""
        ...

    async def decide(self, waiting: WaitingCall, verdict: Verdict) -> None:
        """On a tool call that waits for approval."""
        ...

    async def cancel(self, execution_id: str, reason: str) -> None:
        """Raises CannotCancel where the server has no such call."""
        ...

    async def delete(self, execution_id: str) -> None:
        """With all that is kept of it."""
        ...

    async def follow(
        self,
        execution: Execution,
        changed: Callable[[], None],
        interrupted: Callable[[], None],
        interval_ms: int,
    ) -> None:
        """Until the execution has ended. `interrupted` is called when the connection is lost.

        `interval_ms` is the shortest time between two changes.
        """
        ...
