"""The skills of a run: each in the version that was current when the run was created, to its end."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.kinds import SKILL
from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.definition.sub_agents import skill_references
from stigmer_tui.server.errors import ApiError, impossible_now
from stigmer_tui.server.skills import Skills


async def with_pinned_skills(agent: Agent, skills: Skills) -> Agent:
    """A copy whose references, and those of its sub-agents, name skills by hash. Raises ApiError for missing ones."""
    pinned = copy.deepcopy(agent)
    missing: dict[str, None] = {}
    for references in skill_references(pinned):
        for reference in references:
            skill = await _found(reference, agent.metadata.org, skills)
            if skill is None:
                missing[_label(reference)] = None
                continue
            reference.org = skill.metadata.org
            reference.version = skill.status.version_hash
        if name := _repeated(references):
            raise impossible_now(f"{_name(agent)} cannot run: it, or a sub-agent, has two skills with the name {name}")
    if missing:
        advice = "push it: stigmer-tui skill push FOLDER"
        raise impossible_now(f"{_name(agent)} cannot run: there is no {', no '.join(missing)}; {advice}")
    return pinned


async def _found(reference: ApiResourceReference, org: str, skills: Skills) -> Skill | None:
    """In the organization that it names, else in that of the agent, else in any."""
    organizations = [reference.org] if reference.org else [org, ""]
    for wanted in dict.fromkeys(organizations):
        asked = ApiResourceReference(org=wanted, kind=SKILL.number, slug=reference.slug, version=reference.version)
        try:
            return await skills.get_by_reference(asked)
        except ApiError:
            continue
    return None


def _repeated(references: Iterable[ApiResourceReference]) -> str:
    slugs = [reference.slug for reference in references]
    return next((slug for slug in slugs if slugs.count(slug) > 1), "")


def _label(reference: ApiResourceReference) -> str:
    return f"skill {reference.slug} in version {reference.version}" if reference.version else f"skill {reference.slug}"


def _name(agent: Agent) -> str:
    return agent.metadata.slug or agent.metadata.name
