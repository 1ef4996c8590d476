"""Figures of the daemon for a Prometheus of the person's own: counted here, written in its text format 0.0.4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, ToolCallStatus
from stigmer_tui.api.daemon_pb2 import Component, Status
from stigmer_tui.api.model_calls import read_model_calls
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.server.daemon_status import AT_WORK
from stigmer_tui.server.execution_state import AnyExecution

BUCKETS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Seconds."""

ALIVE = (*AT_WORK, Component.NOT_READY)

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Histogram:
    """Of durations."""

    seconds: float = 0.0
    count: int = 0
    buckets: Counter[float] = field(default_factory=Counter)
    """How many took at most so long."""

    def add(self, seconds: float) -> None:
        self.seconds += seconds
        self.count += 1
        self.buckets.update(limit for limit in BUCKETS if seconds <= limit)


class Metrics:
    """What has ended since the server was started. Secrets are in none of it: only names, phases and numbers."""

    def __init__(self) -> None:
        self._ends: Counter[Labels] = Counter()
        self._durations: dict[Labels, Histogram] = {}
        self._model_calls: Counter[Labels] = Counter()
        self._tokens: Counter[Labels] = Counter()
        self._costs: dict[Labels, float] = {}
        self._tool_calls: Counter[Labels] = Counter()

    def count(self, execution: AnyExecution) -> None:
        """An execution that has ended."""
        kind = "agent" if isinstance(execution, AgentExecution) else "workflow"
        status = execution.status
        self._ends[("kind", kind), ("phase", Phase(status.phase).name.lower())] += 1
        started_at, completed_at = parse_timestamp(status.started_at), parse_timestamp(status.completed_at)
        if started_at and completed_at:
            durations = self._durations.setdefault((("kind", kind),), Histogram())
            durations.add(max(0.0, (completed_at - started_at).total_seconds()))
        if isinstance(execution, AgentExecution):
            self._count_calls(execution)

    def _count_calls(self, execution: AgentExecution) -> None:
        for call in read_model_calls(execution.metadata.annotations):
            model = ("model", call.model)
            self._model_calls[(model,)] += 1
            self._tokens[model, ("type", "input")] += call.input_tokens
            self._tokens[model, ("type", "cached")] += call.cached_tokens
            self._tokens[model, ("type", "output")] += call.output_tokens
            self._costs[(model,)] = self._costs.get((model,), 0.0) + call.cost
        for tool in execution.status.tool_calls:
            outcome = "failed" if tool.status == ToolCallStatus.TOOL_CALL_FAILED else "completed"
            self._tool_calls[("tool", tool.name), ("outcome", outcome)] += 1

    def text(self, status: Status) -> str:
        """All of it, with what the daemon is now."""
        return "".join(f"{line}\n" for line in self._lines(status))

    def _lines(self, status: Status) -> Iterator[str]:
        started_at = status.started_at.ToNanoseconds() / 1e9
        yield from _family("stigmer_info", "gauge", "The daemon.", {(("version", status.version),): 1})
        yield from _family("stigmer_start_time_seconds", "gauge", "When the server was started.", {(): started_at})
        yield from _family("stigmer_disk_free_bytes", "gauge", "On the disk of the home.", {(): status.free_bytes})
        yield from _component_lines(status)
        yield from _family("stigmer_executions_running", "gauge", "Given to a runner.", {(): status.running})
        yield from _family("stigmer_executions_ended_total", "counter", "Since the start.", self._ends)
        yield from self._duration_lines()
        in_ended = "In executions that have ended."
        yield from _family("stigmer_model_calls_total", "counter", in_ended, self._model_calls)
        yield from _family("stigmer_model_tokens_total", "counter", "Cached ones are among the input.", self._tokens)
        yield from _family("stigmer_model_cost_dollars_total", "counter", "Where the price is known.", self._costs)
        yield from _family("stigmer_tool_calls_total", "counter", in_ended, self._tool_calls)

    def _duration_lines(self) -> Iterator[str]:
        name = "stigmer_execution_duration_seconds"
        yield from _heading(name, "histogram", "Of executions that have ended, with what they waited for.")
        for labels, histogram in self._durations.items():
            for limit in BUCKETS:
                yield _sample(f"{name}_bucket", (*labels, ("le", f"{limit:g}")), histogram.buckets[limit])
            yield _sample(f"{name}_bucket", (*labels, ("le", "+Inf")), histogram.count)
            yield _sample(f"{name}_sum", labels, histogram.seconds)
            yield _sample(f"{name}_count", labels, histogram.count)


def _component_lines(status: Status) -> Iterator[str]:
    components: dict[Labels, Component] = {(("component", each.name),): each for each in status.components}
    families = (
        ("up", "gauge", "1 where its process lives.", lambda each: int(each.state in ALIVE)),
        ("ready", "gauge", "1 where it is ready or at work.", lambda each: int(each.state in AT_WORK)),
        ("restarts_total", "counter", "After an end that nobody wanted.", lambda each: each.restarts),
        ("memory_bytes", "gauge", "Resident.", lambda each: each.memory_bytes),
        ("cpu_ratio", "gauge", "Of one core, since it was last looked at.", lambda each: each.cpu_percent / 100),
        ("queued", "gauge", "Executions that wait for it.", lambda each: each.queued),
    )
    for name, kind, help_text, value in families:
        values = {labels: value(each) for labels, each in components.items()}
        yield from _family(f"stigmer_component_{name}", kind, help_text, values)


def _family(name: str, kind: str, help_text: str, values: Mapping[Labels, float]) -> Iterator[str]:
    yield from _heading(name, kind, help_text)
    for labels, value in values.items():
        yield _sample(name, labels, value)


def _heading(name: str, kind: str, help_text: str) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"


def _sample(name: str, labels: Labels, value: float) -> str:
    listed = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{name}{{{listed}}} {value!r}" if listed else f"{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
