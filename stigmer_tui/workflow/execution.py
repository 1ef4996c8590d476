"""One execution, from its lease to its final report."""

from __future__ import annotations

import asyncio

from stigmer_tui.api.phases import Phase
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.reading import read
from stigmer_tui.definition.support import refusal
from stigmer_tui.definition.tasks import Definition
from stigmer_tui.definition.validation import check_flow
from stigmer_tui.definition.variables import variables
from stigmer_tui.runners.journal import ExecutionJournal, Journal
from stigmer_tui.runners.lease import Lease, Reporter, StopReason, reporting
from stigmer_tui.workflow.child_executions import ChildExecutions
from stigmer_tui.workflow.embedded.engine import EarlierRun, EmbeddedEngine
from stigmer_tui.workflow.embedded.resources import EngineResources
from stigmer_tui.workflow.embedded.seed import start_run
from stigmer_tui.workflow.failures import TaskFailure
from stigmer_tui.workflow.interpreter import Interpreter
from stigmer_tui.workflow.progress import Progress
from stigmer_tui.workflow.recorded import resources_for
from stigmer_tui.workflow.secrets import SecretValues
from stigmer_tui.workflow.state import RunInputs, input_of
from stigmer_tui.workflow.worker import ActivityWorker


async def execute(lease: Lease, journal: Journal, resources: EngineResources) -> None:
    """Runs the workflow of the lease to its end; continues where another process has stopped.

    Raises CancelledError if another runner is to continue, and LeaseLost.
    """
    reading = read(lease.assignment.workflow.workflow.spec)
    problems = [*reading.problems, *check_flow(reading.definition)]
    complaint = "\n".join(map(str, problems)) or refusal(reading.definition)
    if complaint:
        await lease.report_end(Phase.FAILED, complaint)
    else:
        steps = journal.execution(lease.execution_id)
        try:
            await run_workflow(lease, steps, resources_for(lease, resources), reading.definition)
        except StigmerError as error:
            await lease.report_end(Phase.FAILED, error.message)
        finally:
            steps.flush()
    await journal.forget(lease.execution_id)


async def run_workflow(
    lease: Lease,
    journal: ExecutionJournal,
    resources: EngineResources,
    definition: Definition,
    earlier: EarlierRun | None = None,
) -> None:
    """As `execute`; the journal stays. Results of an earlier run are reused where the same is asked for.

    Raises OtherVersionError.
    """
    seed = start_run(journal, resources.clock)
    # A variable that the workflow reads as a secret is one, even if it was passed as a plain value.
    secret = lease.secrets | {use.name for use in variables(definition) if use.is_secret}
    values = SecretValues(lease.environment, secret, seed.nonce, lease.redactor)
    secrets = values.marks
    children = ChildExecutions(resources.channel, lease, resources.sleep)
    worker = ActivityWorker(values, resources.evaluator, resources.http, children, resources.is_traced)
    engine = EmbeddedEngine(lease, journal, seed, resources, worker, secrets, earlier)
    progress = Progress(definition, secrets, seed.started_at)
    async with reporting(lease, progress.take) as reporter:
        # Tasks that another process has already reported are not reported again while they are replayed.
        progress.on_change = lambda: None if engine.is_replaying else reporter.touch()
        progress.on_change()
        try:
            progress.set_result(await Interpreter(definition, _inputs(lease, values), engine, progress).run())
            await _conclude(lease, reporter, progress, Phase.COMPLETED)
        except TaskFailure as failure:
            await _conclude(lease, reporter, progress, Phase.FAILED, secrets.hide(str(failure)))
        except asyncio.CancelledError:
            if lease.ending is not StopReason.CANCELLED:
                raise
            await _conclude(lease, reporter, progress, Phase.CANCELLED, lease.reason)


async def _conclude(lease: Lease, reporter: Reporter, progress: Progress, phase: Phase, error: str = "") -> None:
    progress.end(lease.clock.now())
    # A change that was taken for a report must reach the server even if the run is cancelled now.
    await asyncio.shield(reporter.flush())
    await lease.report_end(phase, error)


def _inputs(lease: Lease, secrets: SecretValues) -> RunInputs:
    execution = lease.assignment.workflow.execution
    return RunInputs(
        execution_id=lease.execution_id,
        organization=execution.metadata.org,
        secrets=secrets.marks,
        input=secrets.mark(input_of(execution.spec.trigger_message, execution.spec.trigger_metadata)),
    )
