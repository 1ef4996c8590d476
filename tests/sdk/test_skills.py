"""Skills of agents: folders of the project, and what is deployed already."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.sdk import Agent, DefinitionError, Definitions, Skill


def test_one_that_is_deployed_is_named_with_or_without_its_version(tmp_path: Path) -> None:
    (tmp_path / "tea").mkdir()
    (tmp_path / "tea" / "SKILL.md").write_text("# Tea\n")
    with Definitions() as definitions:
        tea = Skill(tmp_path / "tea")
        Agent("clerk", instructions="Answer in one sentence.", skills=[tea, "review", "style@v1.2"])
    references = definitions.manifest("Agent", "clerk")["spec"]["skill_refs"]
    assert [(each["slug"], each.get("version", "")) for each in references] == [
        ("tea", ""),
        ("review", ""),
        ("style", "v1.2"),
    ]


@pytest.mark.parametrize(
    ("skills", "problem"),
    [
        (["Review"], "holds 'Review'"),
        (["review@"], "holds 'review@'"),
        ([3], "holds 3"),
        (["review", "review@v2"], 'has the skill "review" twice'),
    ],
)
def test_what_names_none_is_refused(skills: list[str], problem: str) -> None:
    with Definitions(), pytest.raises(DefinitionError) as refusal:
        Agent("clerk", instructions="Answer in one sentence.", skills=skills)
    assert problem in refusal.value.message
