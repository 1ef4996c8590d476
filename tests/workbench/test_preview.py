"""What is shown of a resource before a run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.description import Fact
from stigmer_tui.workbench.model import Resource, ResourceKind
from stigmer_tui.workbench.preview import Preview, Previews
from stigmer_tui.workbench.run_defaults import RunDefaults
from stigmer_tui.workbench.state import RunInput
from stigmer_tui.workbench.suggestions import Suggestion, suggest
from tests.server.builders import agent
from tests.workbench.stage import TALLY, FakeServer
from tests.workbench.test_grpc_backend import connected

COUNTED = Preview(TALLY, (Fact("Version", "0.1.0"),))


async def test_an_agent_and_a_workflow_are_described_from_what_is_stored(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, api, tally):
        await api.agents.apply(agent("clerk", instructions="Be *brief*."))
        clerk = await backend.resolve("clerk")
        assert clerk is not None
        of_agent, of_workflow = await backend.preview(clerk), await backend.preview(tally)
        assert of_agent is not None
        assert of_agent.instructions == "Be *brief*."
        assert of_workflow is not None
        assert [(task.name, task.label) for task in of_workflow.tasks] == [("greet", "set")]
        gone = Resource(ResourceKind.AGENT, "agt_01m8jtpmspr9g4rfkxawbayzn0", "gone", "gone")
        assert await backend.preview(gone) is None


class SlowServer(FakeServer):
    """Answers for each resource when that may be."""

    def __init__(self) -> None:
        super().__init__(previews={"tally": COUNTED})
        self.may_answer = {"tally": asyncio.Event(), "other": asyncio.Event()}

    async def preview(self, resource: Resource) -> Preview | None:
        await self.may_answer[resource.slug].wait()
        return await super().preview(resource)


def variables_of(resource: Resource) -> list[Suggestion]:
    return suggest(resource, RunInput(), RunDefaults())


async def test_an_answer_that_comes_late_is_not_shown() -> None:
    server, shown = SlowServer(), list[Preview | None]()
    previews = Previews(server, variables_of, shown.append)
    other = Resource(ResourceKind.WORKFLOW, "wf_2", "other", "other")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(previews.look_at(TALLY))
        await asyncio.sleep(0)
        group.create_task(previews.look_at(other))
        await asyncio.sleep(0)
        server.may_answer["tally"].set()
        await first
        assert shown == []
        server.may_answer["other"].set()
    assert shown == [None]


async def test_what_is_wrong_with_the_server_leaves_no_preview() -> None:
    class Lost(FakeServer):
        async def preview(self, resource: Resource) -> Preview | None:
            raise StigmerError("The server has gone")

    shown = list[Preview | None]()
    await Previews(Lost(), variables_of, shown.append).look_at(TALLY)
    assert shown == [None]
