"""What is unfolded before anybody says so."""

from __future__ import annotations

import pytest

from stigmer_tui.tui.widgets.folds import Folds
from stigmer_tui.workbench.entries import MessageEntry
from stigmer_tui.workbench.nodes import Message, Role


@pytest.mark.parametrize("is_summary", [True, False])
def test_a_summary_is_folded_until_somebody_wants_to_read_it(is_summary: bool) -> None:
    message = Message(Role.SYSTEM, "Summary of 2 earlier messages\n\nAll is well.", is_summary=is_summary)
    entry = MessageEntry(b"1", 0, 0, False, message, True, False)
    folds = Folds()
    assert folds.is_foldable(entry)
    assert folds.is_unfolded(entry) is not is_summary
    folds.toggle(entry)
    assert folds.is_unfolded(entry) is is_summary


def test_a_message_stays_a_summary_whatever_changes() -> None:
    assert Message(Role.SYSTEM, "Summary", is_summary=True).as_of(7).is_summary
