"""What a person wants of a session about tests: to run them, to look at one that has failed, to make one of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.model import Run
from stigmer_tui.workbench.project_tests import Form, ProjectTest
from stigmer_tui.workbench.state import Level

if TYPE_CHECKING:
    from stigmer_tui.workbench.session import LiveParts, Session


class TestIntents:
    """What fails is noted."""

    __test__ = False  # pytest collects by the name

    def __init__(self, session: Session) -> None:
        self._session = session
        self._opened = ""
        """Path of the failed test that was opened last."""

    def run_all(self) -> None:
        """Of the project."""

        async def run(live: LiveParts) -> None:
            if live.test_loop:
                live.test_loop.run_all()

        self._session.intend(run)

    def open_failed(self) -> None:
        """Shows the run of a test that has failed; the next time that of the next one."""
        if test := self._session.state.tests.failed_after(self._opened):
            self._opened = test.path
            self.open(test)

    def open(self, test: ProjectTest) -> None:
        """Shows the last run of a test."""
        if test.execution_id:
            self._session.intend(lambda live: self._open(live, test.execution_id))
        else:
            reason = " ".join(test.difference[:1])
            self._session.store.note(f"{test.name} was not run: {reason}", Level.WARNING)

    async def _open(self, live: LiveParts, execution_id: str) -> None:
        # It is in no list.
        run = await self._session.find(execution_id)
        if isinstance(run, Run):
            await live.requests.open(run, self._session.inputs.last(run.resource), is_test=True)

    def export(self, execution_id: str, form: Form) -> None:
        """Writes a run that has ended into a new file."""

        async def write(live: LiveParts) -> None:
            if live.tester is None:
                raise StigmerError("Only runs of the daemon of this home are exported here", "See stigmer-tui export")
            path = await live.tester.export(execution_id, form)
            edit = "; edit what it expects" if form is Form.TEST else ""
            self._session.store.note(f"Wrote {path}{edit}")

        self._session.intend(write)
