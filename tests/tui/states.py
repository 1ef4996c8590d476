"""States of the workbench for the tests of the screen, built by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKey, ResourceKind, Run, RunState
from stigmer_tui.workbench.nodes import ModelWait
from stigmer_tui.workbench.state import (
    ApplySummary,
    ProjectProblem,
    ProjectState,
    RunInput,
    ShownRun,
    Stage,
    Value,
    WorkbenchState,
)
from tests.tui.samples import START, agent_execution, at, workflow_execution
from tests.workbench.trees import change

DAY = timedelta(days=1)

RUNNING_DAEMON = DaemonState(
    connected=True,
    address="127.0.0.1:50051",
    version="0.1.0",
    started_at=START - timedelta(minutes=12),
    model="scripted, no model is asked",
    sandbox="bubblewrap",
    running=1,
    components=(
        Component("server", ComponentState.READY, 4711, 38_400_000, 0.2, START - timedelta(minutes=12)),
        Component("workflow-runner", ComponentState.BUSY, 4712, 41_000_000, 3.1, START - timedelta(minutes=12)),
        Component("agent-runner", ComponentState.RESTARTING, 4713, 148_000_000, 9.0, START - timedelta(seconds=8), 1),
    ),
)

PROJECT = ProjectState(
    "demo",
    "/srv/examples/demo",
    applied=ApplySummary(START - timedelta(seconds=90), updated=("tally",), unchanged=("helper", "settle-orders")),
    watching=True,
    watched_files=14,
    last_change="main.py changed (+2 −1)",
    last_change_at=START - timedelta(seconds=91),
    latency=0.096,
    defines=frozenset(
        [
            *(ResourceKey(ResourceKind.WORKFLOW, slug) for slug in ("tally", "settle-orders", "summarise")),
            *(ResourceKey(ResourceKind.AGENT, slug) for slug in ("helper", "paper-reader")),
        ]
    ),
)

TALLY = Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally", description="Counts what is there")
SETTLE = Resource(
    ResourceKind.WORKFLOW,
    "wf_2",
    "settle-orders",
    "settle-orders",
    description="Charges every order that is open",
    variables=(
        RunVariable("API_TOKEN", "For the payment service", is_secret=True, used_by=("charge", "refund")),
        RunVariable("REGION", "Where the orders come from", default="eu-west-1", has_value=True),
        RunVariable("DRY_RUN", "Charge nobody"),
    ),
)
HELPER = Resource(ResourceKind.AGENT, "agt_1", "helper", "helper", description="Answers in one sentence")
RESOURCES = (
    TALLY,
    SETTLE,
    Resource(ResourceKind.WORKFLOW, "wf_3", "summarise", "summarise"),
    HELPER,
    Resource(ResourceKind.AGENT, "agt_2", "paper-reader", "paper-reader", description="Reads what nobody reads"),
)
RUNS = (
    Run(ResourceKind.WORKFLOW, "wfx_01k9aaaaaaaaaaaaaaaaaa7f3k", "wf_1", "tally", RunState.RUNNING, started_at=START),
    Run(ResourceKind.WORKFLOW, "wfx_2", "wf_2", "settle-orders", RunState.FAILED, started_at=START - DAY / 600),
    Run(ResourceKind.AGENT, "agx_3", "agt_1", "helper", RunState.COMPLETED, started_at=START - DAY / 20),
    Run(ResourceKind.WORKFLOW, "wfx_4", "wf_1", "tally", RunState.CANCELLED, started_at=START - DAY),
    Run(ResourceKind.WORKFLOW, "wfx_5", "wf_1", "tally", RunState.COMPLETED, started_at=START - 2 * DAY),
)

LISTED = WorkbenchState(RUNNING_DAEMON, PROJECT, RESOURCES, RUNS, listed=True)
"""Nothing has been run or opened yet."""


def showing(
    execution: Execution, resource: Resource, number: int = 3, why: str = "main.py changed (+2 −1)"
) -> ShownRun:
    return ShownRun(execution, resource, RunInput(execution.message), number, why)


def running_workflow() -> WorkbenchState:
    execution = workflow_execution(execution_id=RUNS[0].id)
    change(execution, input="execute")
    return replace(LISTED, shown=showing(execution, TALLY))


def failed_agent() -> WorkbenchState:
    return replace(LISTED, shown=showing(agent_execution(RunState.FAILED), HELPER))


def completed_agent() -> WorkbenchState:
    return replace(LISTED, shown=showing(agent_execution(RunState.COMPLETED), HELPER))


def silent_agent() -> WorkbenchState:
    """A model has been asked, and says nothing."""
    execution = agent_execution()
    change(execution, waiting=ModelWait("openai gpt-5-mini", START - timedelta(seconds=8)))
    return replace(LISTED, shown=showing(execution, HELPER))


def broken_code() -> WorkbenchState:
    problem = ProjectProblem(
        "main.py:14",
        "NameError: name 'itm' is not defined",
        'Traceback (most recent call last):\n  File "main.py", line 14, in <module>\n'
        '    flow.set("result", title=itm.title)\n                             ^^^\n'
        "NameError: name 'itm' is not defined. Did you mean: 'item'?",
    )
    return replace(running_workflow(), project=replace(PROJECT, problem=problem))


def broken_from_the_start() -> WorkbenchState:
    """The first synthesis failed: there is nothing that could be run."""
    problem = ProjectProblem(
        "main.py:3", "SyntaxError: '(' was never closed", "    with Workflow('tally'\n                 ^"
    )
    return WorkbenchState(RUNNING_DAEMON, replace(PROJECT, applied=None, problem=problem), listed=True)


def starting_daemon() -> WorkbenchState:
    """The first moments, with the lists of the session before."""
    project = ProjectState("demo", "/srv/examples/demo", Stage.SYNTHESIS, defines=PROJECT.defines, watching=True)
    return WorkbenchState(DaemonState(), project, RESOURCES, RUNS)


def broken_daemon() -> WorkbenchState:
    daemon = DaemonState(
        problem="The daemon did not start\n\nError: 127.0.0.1:50051 is in use by another program",
        log_lines=(
            "10:00:00.120  INFO    server           starting, version 0.1.0",
            "10:00:00.181  ERROR   server           cannot listen at 127.0.0.1:50051: address already in use",
        ),
    )
    return WorkbenchState(daemon, replace(PROJECT, applied=None), RESOURCES, RUNS)


def unreachable_server() -> WorkbenchState:
    daemon = DaemonState(problem="No server answers at 192.0.2.7:7234\n\nSTIGMER_SERVER_ADDR names it; is it running?")
    return WorkbenchState(daemon, replace(PROJECT, applied=None), RESOURCES, RUNS)


def lost_daemon() -> WorkbenchState:
    """It was stopped while a run was on the screen."""
    daemon = DaemonState(problem="The daemon was stopped\n\nStart it again with stigmer-tui server start.")
    return replace(running_workflow(), daemon=daemon)


def failed_agents() -> WorkbenchState:
    """The agent runner is given up."""
    *others, agents = RUNNING_DAEMON.components
    failed = replace(
        agents,
        state=ComponentState.FAILED,
        pid=0,
        detail="it ended too often; the last time it ended with code 3; try again with: server restart agents",
        log_lines=("error: no room",),
    )
    return replace(running_workflow(), daemon=replace(RUNNING_DAEMON, components=(*others, failed)))


def empty_project() -> WorkbenchState:
    project = replace(PROJECT, applied=ApplySummary(START), last_change="", last_change_at=None, latency=None)
    return WorkbenchState(replace(RUNNING_DAEMON, running=0), project, listed=True)


def outside() -> WorkbenchState:
    return WorkbenchState(RUNNING_DAEMON, None, recent_projects=("/srv/examples/demo", "/srv/shop"), listed=True)


def odd_names() -> WorkbenchState:
    """Names that are too long, too wide, or hostile."""
    names = (
        "reconcile-the-quarterly-statements-of-every-subsidiary-with-the-ledger",
        "集計ワークフロー・第三四半期の売上と在庫の突き合わせ",
        "🧮 tally 👩‍👩‍👧 of the family",
        "red \x1b[31mtext\x1b[0m and [bold]markup[/bold]",
    )
    resources = tuple(
        Resource(ResourceKind.WORKFLOW, f"wf_{number}", f"slug-{number}", name) for number, name in enumerate(names)
    )
    runs = tuple(
        Run(
            ResourceKind.WORKFLOW,
            f"wfx_{number}",
            f"wf_{number}",
            name,
            RunState.COMPLETED,
            started_at=at(-7200),
        )
        for number, name in enumerate(names)
    )
    execution = workflow_execution()
    change(execution, input="Wie geht es dir? 元気ですか 👩‍👩‍👧")
    defines = frozenset(resource.key for resource in resources)
    project = replace(PROJECT, defines=defines)
    return replace(LISTED, project=project, resources=resources, runs=runs, shown=showing(execution, resources[0]))


SETTLE_INPUT = RunInput("Everything from yesterday", {"REGION": Value("us-east-1"), "EXTRA": Value("1")})
