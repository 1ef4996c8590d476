"""What the Go SDK really wrote is deployed as it is, and the second time there is nothing to do."""

from __future__ import annotations

import shutil
from pathlib import Path

from stigmer_tui.project.apply import apply_plan
from stigmer_tui.project.plan import Action, make_plan
from stigmer_tui.project.plan_checks import check_plan
from stigmer_tui.project.synthesis import read_manifests
from tests.workbench.test_grpc_backend import connected

MISSING = {
    "orders": (),
    "research": ("agent paper-reader: there is no skill citation-style, neither in the project nor deployed",),
}
RECORDED = Path(__file__).parents[1] / "manifests"


async def test_they_are_applied_unchanged(tmp_path: Path) -> None:
    async with connected(tmp_path / "server") as (backend, _, _):
        deployments = backend.deployments()
        for project in ("orders", "research"):
            output = tmp_path / project
            output.mkdir()
            for file in RECORDED.glob(f"{project}-*.pb"):
                shutil.copy(file, output / file.name.removeprefix(f"{project}-"))
            manifests = read_manifests(output)
            plan = await make_plan(manifests, project, "local", deployments)
            assert len(plan.having(Action.CREATE)) == len(manifests.resources) > 0
            missing = await check_plan(plan, deployments)
            assert missing == MISSING[project]
            applied = await apply_plan(plan, deployments)
            for item, sent in zip(applied, manifests.resources, strict=True):
                assert item.resource.spec == sent.spec
            again = await make_plan(read_manifests(output), project, "local", deployments)
            assert again.changes == ()
