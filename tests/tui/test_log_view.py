"""Which lines the log screen shows, and where its window stands."""

from __future__ import annotations

from stigmer_tui.tui.log_view import SURPLUS, LogView
from stigmer_tui.workbench.daemon_logs import MAX_LINES, LogLine


def line(number: int, message: str = "", level: str = "info", component: str = "server") -> LogLine:
    return LogLine(f"2026-11-28T12:00:00.{number:06d}Z", level, component, message or f"line {number}")


def view_of(*lines: LogLine) -> LogView:
    view = LogView()
    view.add(lines)
    return view


def selected(view: LogView) -> LogLine | None:
    return view.selected_line


def messages(view: LogView) -> list[str]:
    return [line.message for line in view.lines]


def test_it_stays_at_the_end_until_another_line_is_selected() -> None:
    view = view_of(line(1), line(2))
    view.add([line(3)])
    assert (view.is_following, view.selected) == (True, 2)
    view.move(-1)
    view.add([line(4)])
    assert (view.is_following, view.selected) == (False, 1)
    view.move(9)
    view.add([line(5)])
    assert selected(view) == line(5)


def test_one_process_at_a_time_then_all() -> None:
    view = view_of(line(1), line(2, component="workflow-runner"), line(3, component="agent-runner"))
    seen = []
    for _ in range(4):
        view.next_component()
        seen.append((view.wanted.component, messages(view)))
    assert seen == [
        ("server", ["line 1"]),
        ("workflow-runner", ["line 2"]),
        ("agent-runner", ["line 3"]),
        ("", ["line 1", "line 2", "line 3"]),
    ]


def test_levels_and_above_then_all() -> None:
    view = view_of(line(1, level="debug"), line(2), line(3, level="warning"), line(4, level="error"))
    seen = []
    for _ in range(4):
        view.next_level()
        seen.append((view.wanted.level, len(view.lines)))
    assert seen == [("info", 3), ("warning", 2), ("error", 1), ("", 4)]


def test_a_search_also_chooses_what_comes_later() -> None:
    view = view_of(line(1, "Tea is served"), line(2, "coffee"))
    view.search("TEA")
    view.add([line(3, "more coffee"), line(4, "more tea")])
    assert messages(view) == ["Tea is served", "more tea"]
    view.search("")
    assert len(view.lines) == view.count == 4


def test_the_selection_stays_on_its_line_when_others_go_and_come() -> None:
    view = view_of(*(line(number, level="error" if number % 2 else "info") for number in range(10)))
    view.move(-4)
    assert selected(view) == line(5, level="error")
    for _ in range(3):
        view.next_level()
    assert selected(view) == line(5, level="error")
    view.search("line 7")
    assert selected(view) == line(7, level="error")
    view.search("nothing has this")
    assert selected(view) is None
    view.search("")
    assert view.is_following


def test_the_window_holds_the_selected_line_whole() -> None:
    view = view_of(*(line(number) for number in range(100)))
    view.fit(10, 4)
    assert view.top == 93
    view.move(-50)
    view.fit(10, 4)
    assert view.top == 49
    view.move(3)
    view.fit(10, 4)
    assert view.top == 49
    view.move(10)
    view.fit(10, 1)
    assert view.top == 53
    view.fit(10, 10)
    assert view.top == view.selected == 62


def test_a_window_that_is_higher_than_the_log_begins_at_its_beginning() -> None:
    view = view_of(line(1), line(2))
    view.fit(10, 1)
    assert view.top == 0


def test_the_oldest_lines_are_dropped_and_the_selection_stays() -> None:
    view = view_of(*(line(number) for number in range(MAX_LINES)))
    view.move(-10)
    kept = selected(view)
    view.add([line(MAX_LINES + number) for number in range(SURPLUS + 1)])
    assert view.count == len(view.lines) == MAX_LINES
    assert selected(view) == kept
    view.begin("")
    assert (view.count, selected(view), view.is_following) == (0, None, True)
