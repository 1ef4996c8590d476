"""Which tools wait for approval, as people write it."""

from __future__ import annotations

import pytest

from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.core.errors import StigmerError


def test_names_all_and_none() -> None:
    chosen = ApprovalPolicy.parse(" execute, notes.add ,", "here")
    assert [chosen.needs_approval(tool) for tool in ("execute", "notes.add", "ls")] == [True, True, False]
    assert ApprovalPolicy.parse("all", "here").needs_approval("anything")
    for text in ("", "none"):
        assert ApprovalPolicy.parse(text, "here") == ApprovalPolicy()


@pytest.mark.parametrize("text", ["all,execute", "execute,none", "two words", "execute;ls"])
def test_anything_else_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(StigmerError, match=r"^here") as refusal:
        ApprovalPolicy.parse(text, "here")
    assert refusal.value.advice.startswith("Give names of tools with commas between them")
