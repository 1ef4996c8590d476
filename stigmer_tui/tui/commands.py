"""Every command of the app, once: key bindings, footer, palette and help are made from this table.

The order is that of the footer and of the help. What a command does is the action of that name, on the app (`app.…`)
or on the widget that the command belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType

from stigmer_tui.core.daemon_processes import RUNNERS
from stigmer_tui.core.watch_rules import Queueing, When
from stigmer_tui.tui.run_views import VIEWS
from stigmer_tui.workbench.approvals import is_waiting
from stigmer_tui.workbench.project_tests import Form
from stigmer_tui.workbench.side_by_side import runs_side_by_side
from stigmer_tui.workbench.state import WorkbenchState

KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "pagedown": "page down",
    "pageup": "page up",
}
"""Keys whose names on the screen are not the framework's."""


EXPORTS = {Form.SCRIPT: "a script", Form.JSON: "JSON", Form.MARKDOWN: "Markdown"}
"""What a run can be exported as, besides a test."""


class Place(StrEnum):
    """Where a key works; the heading of its group in the help."""

    PICKER = "Picker"
    FILTER = "Filter"
    ENTRIES = "Run"
    PANE = "Views of a run"
    WRITING = "Message to an agent"
    SIDEBAR = "Daemon"
    WORKBENCH = "Workbench"
    APP = "Everywhere"
    FORM = "Run form"
    FIELDS = "Fields of a form"
    MESSAGE = "Message"
    VARIABLE = "Variable"
    QUESTION = "Question"
    QUIT = "Quit"
    DELETE = "Delete a run"
    HELP = "Help"
    NOTICES = "Notices"
    LOGS = "Logs"
    LOG_LINES = "Lines of the log"
    LOG_SEARCH = "Search in the log"
    BY_NAME = "Run by name"
    APPROVAL = "Approval"
    PROVIDERS = "Model providers"
    DIFFERENCES = "Differences"
    ALL_RUNS = "All runs"
    RUN_GRID = "Grid of runs"
    SIDE_BY_SIDE = "Side by side"
    RUN_HISTORY = "Runs"
    RUN_TABLE = "Table of runs"
    RUN_SEARCH = "Search for runs"
    COMPARISON = "Comparison of two runs"
    REQUEST = "Request to a model"
    LINES = "Long texts"
    TOOLS = "Tools of MCP servers"
    TOOL = "Call of a tool"


Condition = Callable[[WorkbenchState], bool]


@dataclass(frozen=True, slots=True)
class Command:
    id: str
    action: str
    place: Place
    keys: str = ""
    """Names of keys as the framework has them, with commas between them; empty for what only the palette has."""
    label: str = ""
    """In the footer; empty for what is not shown there."""
    title: str = ""
    """In the palette; empty for what is not offered there."""
    help: str = ""
    """What it does, for the help and the palette."""
    when: Condition | None = None
    """Whether it can be done; where only a widget knows, that is what its `check_action` says."""
    rank: int = 5
    """In a narrow footer, commands with a higher one are left out first."""
    at_end: bool = False
    """Whether it stands behind all others in the footer."""
    is_priority: bool = False
    """Whether the key works before the focused widget gets it."""

    @property
    def key_names(self) -> tuple[str, ...]:
        """Its keys as they are written on the screen."""
        return tuple(key_name(key) for key in self.keys.split(",") if key)

    def binding(self) -> Binding:
        return Binding(
            self.keys,
            self.action,
            self.label or self.title or self.help,
            show=bool(self.label),
            key_display=self.key_names[0],
            priority=self.is_priority,
            tooltip=self.help,
            id=self.id,
        )


def key_name(key: str) -> str:
    return KEY_NAMES.get(key, key)


def _is_running(state: WorkbenchState) -> bool:
    return state.shown is not None and not state.shown.execution.state.is_final and not state.daemon.problem


def _is_asked(state: WorkbenchState) -> bool:
    """A tool call of the shown run waits for approval."""
    return state.shown is not None and not state.daemon.problem and is_waiting(state.shown.execution)


def _can_run_again(state: WorkbenchState) -> bool:
    return state.shown is not None and not state.daemon.problem


def _can_write(state: WorkbenchState) -> bool:
    return state.shown is not None and state.shown.can_continue


def _is_shown(state: WorkbenchState) -> bool:
    return state.shown is not None


def _has_tests(state: WorkbenchState) -> bool:
    return bool(state.tests.all) and state.daemon.connected


def _has_failed_tests(state: WorkbenchState) -> bool:
    return bool(state.tests.failed)


def _only_passes(state: WorkbenchState) -> bool:
    return _has_tests(state) and not _has_failed_tests(state)


def _has_ended(state: WorkbenchState) -> bool:
    return state.shown is not None and state.shown.execution.state.is_final and state.daemon.connected


def _is_connected(state: WorkbenchState) -> bool:
    """To a daemon of our own, which lists its processes."""
    return state.daemon.connected and bool(state.daemon.components)


def _has_failed(state: WorkbenchState) -> bool:
    return state.daemon.connected and bool(state.daemon.failed)


def _has_sides(state: WorkbenchState) -> bool:
    return bool(runs_side_by_side(state))


def _has_own_daemon(state: WorkbenchState) -> bool:
    """Whether its logs are on this machine: also those of one that does not come up."""
    return bool(state.daemon.components) or not state.daemon.connected


def _has_server(state: WorkbenchState) -> bool:
    return state.daemon.connected


def _has_history(state: WorkbenchState) -> bool:
    """Whether all runs can be found, and not only those of this session."""
    return state.daemon.connected and state.daemon.abilities.can_list


def _is_disconnected(state: WorkbenchState) -> bool:
    return bool(state.daemon.problem)


def _has_project(state: WorkbenchState) -> bool:
    return state.project is not None and state.daemon.connected


def _is_watching(state: WorkbenchState) -> bool:
    return state.project is not None and state.project.watching


def _is_not_watching(state: WorkbenchState) -> bool:
    return state.project is not None and not state.project.watching


def _reruns_otherwise(when: When) -> Condition:
    return lambda state: _is_watching(state) and state.project is not None and state.project.watch_rules.when != when


def _queues_otherwise(queueing: Queueing) -> Condition:
    return lambda state: (
        _is_watching(state) and state.project is not None and state.project.watch_rules.queueing != queueing
    )


WHEN_TITLES = {
    When.ALWAYS: "Every save runs again what is shown",
    When.CHANGED: "Only a save that changes what is shown runs it again",
    When.NEVER: "No save runs anything again",
}

QUEUEING_TITLES = {
    Queueing.RESTART: "A save ends the run that goes on",
    Queueing.QUEUE: "A save lets the run that goes on end, then runs again",
    Queueing.IGNORE: "A save lets the run that goes on end, and runs nothing",
}

COMMANDS = (
    Command("picker.run", "run", Place.PICKER, "enter", "run", "Run", "Run the selected agent or workflow", rank=2),
    Command("picker.open", "open", Place.PICKER, "enter", "open", "Open run", "Show the selected run", rank=2),
    Command(
        "picker.edit", "edit", Place.PICKER, "e", "edit input", "Edit input and run", "Edit message and variables first"
    ),
    Command("picker.source", "source", Place.PICKER, "o", "source", "Open the source", "Open its line in your editor"),
    Command(
        "picker.tools", "tools", Place.PICKER, "m", "MCP tools", "MCP tools", "List the tools of an agent's MCP servers"
    ),
    Command("picker.fold", "fold", Place.PICKER, "enter,space,x", "fold", "", "Show what other projects have deployed"),
    Command("picker.by_name", "by_name", Place.PICKER, "enter", "run by name", "", "Run what is not in the list"),
    Command("picker.copy", "copy", Place.PICKER, "y", "", "Copy id", "Copy the id of what is selected"),
    Command(
        "picker.export", "export", Place.PICKER, "E", "", "Export run as a test",
        "Make a test of the selected run, in the project's folder of tests",
    ),
    Command(
        "picker.run_all", "app.run_all", Place.PICKER, "A", "", "Run all",
        "Run all that the project defines at the same time",
        _has_server,
    ),
    Command("picker.next", "move(1)", Place.PICKER, "j,down", help="Select the next line"),
    Command("picker.previous", "move(-1)", Place.PICKER, "k,up", help="Select the previous line"),
    Command("picker.first", "first", Place.PICKER, "g,home", help="Select the first line"),
    Command("picker.last", "last", Place.PICKER, "G,end", help="Select the last line"),
    Command("picker.page_down", "page(1)", Place.PICKER, "ctrl+d,pagedown", help="Move a page down"),
    Command("picker.page_up", "page(-1)", Place.PICKER, "ctrl+u,pageup", help="Move a page up"),
    Command("filter.done", "to_list", Place.FILTER, "enter,down", "to the list", help="Go to the list"),
    Command("filter.clear", "clear", Place.FILTER, "escape", "clear", help="Clear the filter"),
    Command(
        "entries.write", "write", Place.ENTRIES, "enter", "write", help="Write to the agent, at the end",
    ),
    Command(
        "entries.edit", "edit_message", Place.ENTRIES, "e", "edit message", "Edit message",
        "Edit a message of your own and send it again, in a fork of the conversation",
    ),
    Command("entries.fold", "fold", Place.ENTRIES, "enter,x", "fold", "Fold or unfold", "Fold or unfold the selection"),
    Command("entries.copy", "copy", Place.ENTRIES, "y", "copy", "Copy", "Copy what is selected"),
    Command(
        "entries.follow", "follow", Place.ENTRIES, "f", "follow", "Toggle follow", "Stay at the end of the run"
    ),
    Command("entries.next", "next", Place.ENTRIES, "j,down", help="Select the next entry"),
    Command("entries.previous", "previous", Place.ENTRIES, "k,up", help="Select the previous entry"),
    Command("entries.first", "first", Place.ENTRIES, "g,home", help="Go to the start"),
    Command("entries.last", "last", Place.ENTRIES, "G,end", help="Go to the end and follow"),
    Command("entries.half_page_down", "scroll(0.5)", Place.ENTRIES, "ctrl+d", help="Scroll half a page down"),
    Command("entries.half_page_up", "scroll(-0.5)", Place.ENTRIES, "ctrl+u", help="Scroll half a page up"),
    Command("entries.page_down", "scroll(1)", Place.ENTRIES, "pagedown", help="Scroll a page down"),
    Command("entries.page_up", "scroll(-1)", Place.ENTRIES, "pageup", help="Scroll a page up"),
    *(
        Command(
            f"pane.{view.id}", f"view('{view.id}')", Place.PANE, view.key, view.label.lower(),
            f"Show {view.label.lower()}", view.help,
        )
        # A run opens in the first view, so that is the last one that a person goes to.
        for view in reversed(VIEWS)
    ),
    Command(
        "pane.write", "write", Place.PANE, "i", "write", "Write to the agent", "Continue the conversation",
        _can_write, rank=4,
    ),
    Command("writing.send", "send", Place.WRITING, "enter", "send", help="Send the message", rank=1),
    Command("writing.new_line", "new_line", Place.WRITING, "ctrl+j,shift+enter,alt+enter", "line", help="Add a line"),
    Command("writing.older", "cursor_up", Place.WRITING, "up", help="Bring the message before, from the first line"),
    Command("writing.newer", "cursor_down", Place.WRITING, "down", help="Bring the message after, from the last line"),
    # Keys that move the focus are taken before any field gets them: what is typed next is meant for another one.
    Command("writing.complete", "complete", Place.WRITING, "tab", help="Complete the path of a file after @"),
    Command("writing.editor", "editor", Place.WRITING, "ctrl+g", "editor", help="Write it in $EDITOR"),
    Command("writing.leave", "leave", Place.WRITING, "escape", "back", help="Back to the transcript; the text stays"),
    Command(
        "pane.edit", "app.edit", Place.PANE, "e", "edit input", "Edit input and run",
        "Edit message and variables, then run it again", _is_shown,
    ),
    Command(
        "pane.allow", "app.allow", Place.PANE, "a", "allow", "Allow", "Make the tool call that waits", _is_asked,
        rank=0,
    ),
    Command(
        "pane.allow_tool", "app.allow_tool", Place.PANE, "A", "", "Allow in this run",
        "Make the call that waits, and later ones of its tool in this run", _is_asked,
    ),
    Command(
        "pane.change_arguments", "app.change_arguments", Place.PANE, "E", "", "Edit the arguments",
        "Make the call that waits with other arguments", _is_asked,
    ),
    Command(
        "pane.deny", "app.deny", Place.PANE, "d", "deny", "Deny, with a reason",
        "Do not make the call that waits; the agent gets the reason", _is_asked, rank=0,
    ),
    Command(
        "pane.request", "app.request", Place.PANE, "R", "", "Requests to the model",
        "Read what the model was really asked, and what fills its context", _is_shown,
    ),
    Command("sidebar.down", "scroll_by(1)", Place.SIDEBAR, "j,down", help="Scroll down"),
    Command("sidebar.up", "scroll_by(-1)", Place.SIDEBAR, "k,up", help="Scroll up"),
    Command(
        "sidebar.failed_test", "app.failed_test", Place.SIDEBAR, "enter", "failed test", "Open a failed test",
        "Show the run of a test that has failed, with its difference; again for the next one", _has_failed_tests,
        rank=0,
    ),
    Command(
        "sidebar.tests", "app.run_tests", Place.SIDEBAR, "enter", "run tests", help="Run all tests of the project",
        when=_only_passes, rank=1,
    ),
    Command(
        "sidebar.retry", "app.retry_failed", Place.SIDEBAR, "r", "try again", "Start failed processes",
        "Start the processes again that the daemon has given up", _has_failed, rank=0,
    ),
    Command(
        "run.cancel", "app.cancel", Place.WORKBENCH, "c", "cancel", "Cancel run", "Cancel the shown run",
        _is_running, rank=0,
    ),
    Command(
        "run.again", "app.rerun", Place.WORKBENCH, "r", "re-run", "Re-run", "Run it again with the same input",
        _can_run_again, rank=3,
    ),
    Command(
        "run.export", "app.export_test", Place.PANE, "E", "", "Export as a test",
        "Make a test of this run, in the project's folder of tests", _has_ended,
    ),
    Command(
        "daemon.retry", "app.retry", Place.WORKBENCH, "r", "retry", "Start the daemon",
        "Reconnect; the daemon is started if it is not running", _is_disconnected, rank=0,
    ),
    Command(
        "watch.off", "app.turn_watch_off", Place.WORKBENCH, "w", "watch off", "Turn watch off",
        "Turn watch off: what is saved is not deployed", _is_watching, rank=6,
    ),
    Command(
        "watch.on", "app.turn_watch_on", Place.WORKBENCH, "w", "watch on", "Turn watch on",
        "Turn watch on: deploy and run again when a file is saved", _is_not_watching, rank=6,
    ),
    *(
        Command(
            f"watch.when.{when}", f"app.rerun_when('{when}')", Place.APP, "", "", title,
            f"Watch: when: {when}, for this session", _reruns_otherwise(when),
        )
        for when, title in WHEN_TITLES.items()
    ),
    *(
        Command(
            f"watch.queueing.{queueing}", f"app.queue_reruns('{queueing}')", Place.APP, "", "", title,
            f"Watch: queueing: {queueing}, for this session", _queues_otherwise(queueing),
        )
        for queueing, title in QUEUEING_TITLES.items()
    ),
    Command(
        "providers.open", "app.providers", Place.WORKBENCH, "s", "", "Model providers",
        "Choose, test or give a key to a model provider",
    ),
    Command(
        "project.differences", "app.differences", Place.WORKBENCH, "D", "", "Differences",
        "Show how the project's code differs from what is deployed", _has_project,
    ),
    Command("picker.filter", "filter", Place.WORKBENCH, "slash", "filter", "Filter", "Filter the list", rank=7),
    Command(
        "region.next", "next_region", Place.WORKBENCH, "tab", "next pane", help="Go to the next region",
        rank=8, is_priority=True,
    ),
    Command("region.back", "back", Place.WORKBENCH, "escape", help="Back to the picker"),
    Command("region.picker", "region(0)", Place.WORKBENCH, "1", "", "Go to the picker", "Go to the picker"),
    Command("region.pane", "region(1)", Place.WORKBENCH, "2", "", "Go to the run", "Go to the run"),
    Command("region.sidebar", "region(2)", Place.WORKBENCH, "3", "", "Go to the daemon", "Go to the daemon"),
    Command(
        "fold.picker", "fold_picker", Place.WORKBENCH, "left_square_bracket", "", "Toggle picker",
        "Show or hide the picker",
    ),
    Command(
        "fold.sidebar", "fold_sidebar", Place.WORKBENCH, "right_square_bracket", "", "Toggle sidebar",
        "Show or hide the daemon's sidebar",
    ),
    Command(
        "daemon.restart", "app.restart_daemon", Place.APP, "", "", "Restart the daemon",
        "Stop it and start it again; runs continue where they were", _is_connected,
    ),
    *(
        Command(
            f"daemon.restart.{process.label}", f"app.restart_component('{process.name}')", Place.APP, "", "",
            f"Restart {process.label}", f"Restart the {process.noun} alone; its runs continue", _is_connected,
        )
        for process in RUNNERS
    ),
    Command(
        "daemon.stop", "app.stop_daemon", Place.APP, "", "", "Stop the daemon",
        "Runs stop with it and continue when it is started again", _is_connected,
    ),
    Command(
        "tests.run_all", "app.run_all_tests", Place.APP, "", "", "Run all tests",
        "Play the recordings of all tests of the project with the latest code", _has_tests,
    ),
    *(
        Command(
            f"run.export.{form}", f"app.export('{form}')", Place.APP, "", "", f"Export as {label}",
            f"Write the shown run as {label} into a new file in exports", _has_ended,
        )
        for form, label in EXPORTS.items()
    ),
    Command(
        "app.run_by_name", "app.run_by_name", Place.APP, "", "", "Run by name or id",
        "Run what is not in the list, or show a run", _has_server,
    ),
    Command(
        "daemon.logs", "app.logs", Place.WORKBENCH, "l", "", "Logs", "Read the daemon's logs; from a run, its lines",
        _has_own_daemon,
    ),
    Command(
        "app.history", "app.history", Place.WORKBENCH, "h", "", "Runs",
        "Find runs by what happened in them, and compare two", _has_history,
    ),
    Command("app.notices", "app.notices", Place.APP, "", "", "Notices", "Read the notices of this session again"),
    Command(
        "app.help", "app.help", Place.APP, "question_mark,f1", "help", "Help", "List every key", rank=1, at_end=True
    ),
    Command("app.palette", "app.command_palette", Place.APP, "ctrl+p", help="Open the command palette"),
    Command(
        "app.suspend", "app.suspend_process", Place.APP, "ctrl+z", "", "Suspend", "Suspend; `fg` in the shell resumes",
        is_priority=True,
    ),
    Command("app.theme", "app.change_theme", Place.APP, "", "", "Theme", "Choose the colours", at_end=True),
    Command(
        "app.quit", "app.quit", Place.APP, "q,ctrl+c", "quit", "Quit", "Quit; runs can continue in the daemon",
        rank=1, at_end=True,
    ),
    Command("form.start", "start", Place.FORM, "enter", "run", help="Run with this input"),
    Command("form.start_anyway", "start_anyway", Place.FORM, "ctrl+s,ctrl+enter", help="Run though a value is missing"),
    Command(
        "fields.next", "next_field", Place.FIELDS, "tab", "next field", help="Go to the next field", is_priority=True
    ),
    Command(
        "fields.previous", "previous_field", Place.FIELDS, "shift+tab", help="Go to the field before", is_priority=True
    ),
    Command("form.new_line", "new_line", Place.MESSAGE, "ctrl+j,shift+enter,alt+enter", "new line", help="Add a line"),
    Command("form.complete", "complete", Place.MESSAGE, "tab", help="Complete the path of a file after @"),
    Command(
        "form.look", "look", Place.VARIABLE, "ctrl+e", "show secret", help="Show or hide the secret", is_priority=True
    ),
    Command(
        "form.remember", "remember", Place.VARIABLE, "ctrl+r", "remember",
        help="Keep the secret in the keyring with this run, or forget it there", is_priority=True,
    ),
    Command("form.leave", "leave", Place.FORM, "escape", "back", help="Leave the form and keep what was typed"),
    Command("question.next", "move(1)", Place.QUESTION, "j,down", help="Select the next line"),
    Command("question.previous", "move(-1)", Place.QUESTION, "k,up", help="Select the previous line"),
    Command("question.choose", "choose", Place.QUESTION, "enter", "select", help="Do what is selected"),
    Command("quit.leave", "leave", Place.QUIT, "q", "quit", help="Quit; runs continue in the daemon"),
    Command("quit.stay", "stay", Place.QUIT, "escape", "stay", help="Do not quit"),
    Command("delete.keep", "keep", Place.DELETE, "escape", "back", help="Delete nothing"),
    Command("help.down", "scroll(1)", Place.HELP, "down", help="Scroll down"),
    Command("help.up", "scroll(-1)", Place.HELP, "up", help="Scroll up"),
    Command("help.page_down", "scroll(10)", Place.HELP, "pagedown", help="Scroll a page down"),
    Command("help.page_up", "scroll(-10)", Place.HELP, "pageup", help="Scroll a page up"),
    Command("help.leave", "leave", Place.HELP, "escape,f1", "back", help="Back to the workbench"),
    Command("notices.down", "scroll(1)", Place.NOTICES, "j,down", help="Scroll down"),
    Command("notices.up", "scroll(-1)", Place.NOTICES, "k,up", help="Scroll up"),
    Command("notices.page_down", "scroll(10)", Place.NOTICES, "ctrl+d,pagedown", help="Scroll a page down"),
    Command("notices.page_up", "scroll(-10)", Place.NOTICES, "ctrl+u,pageup", help="Scroll a page up"),
    Command("by_name.run", "run", Place.BY_NAME, "enter", "run", help="Run what has this name or id"),
    Command("by_name.leave", "leave", Place.BY_NAME, "escape", "back", help="Back to the workbench"),
    Command("logs.component", "component", Place.LOGS, "c", "process", help="Show the lines of one process, or of all"),
    Command("logs.level", "level", Place.LOGS, "l", "level", help="Show only the next level and above, or all levels"),
    Command(
        "logs.execution", "execution", Place.LOGS, "x", "one run", help="Show the lines about one run, or all"
    ),
    Command("logs.search", "search", Place.LOGS, "slash", "search", help="Show the lines with a text"),
    Command("logs.open", "open", Place.LOGS, "enter", "open run", help="Open the run that the line is about"),
    Command("logs.leave", "leave", Place.LOGS, "escape,q", "back", help="Back to the workbench", at_end=True),
    Command("log_lines.next", "move(1)", Place.LOG_LINES, "j,down", help="Select the next line"),
    Command("log_lines.previous", "move(-1)", Place.LOG_LINES, "k,up", help="Select the previous line"),
    Command("log_lines.first", "first", Place.LOG_LINES, "g,home", help="Select the first line"),
    Command("log_lines.last", "last", Place.LOG_LINES, "f,G,end", "follow", help="Go to the last line and follow"),
    Command("log_lines.page_down", "page(1)", Place.LOG_LINES, "ctrl+d,pagedown", help="Move a page down"),
    Command("log_lines.page_up", "page(-1)", Place.LOG_LINES, "ctrl+u,pageup", help="Move a page up"),
    Command("log_search.done", "to_lines", Place.LOG_SEARCH, "enter,down", "to the lines", help="Go to the lines"),
    Command("log_search.clear", "clear", Place.LOG_SEARCH, "escape", "clear", help="Search for nothing"),
    Command("approval.send", "send", Place.APPROVAL, "enter", "send", help="Send the decision"),
    Command("approval.leave", "leave", Place.APPROVAL, "escape", "back", help="Back; nothing is decided"),
    Command("providers.use", "use", Place.PROVIDERS, "enter", "use", help="Use it from the next run on"),
    Command("providers.key", "key", Place.PROVIDERS, "e", "enter key", help="Enter its key, which is not shown"),
    Command("providers.pull", "pull", Place.PROVIDERS, "p", "get model", help="Let Ollama get the model that it lacks"),
    Command("providers.test", "test", Place.PROVIDERS, "t", "test", help="Ask its model one short question"),
    Command("providers.next", "move(1)", Place.PROVIDERS, "j,down", help="Select the next line"),
    Command("providers.previous", "move(-1)", Place.PROVIDERS, "k,up", help="Select the previous line"),
    Command("providers.leave", "leave", Place.PROVIDERS, "escape", "back", help="Back to the workbench"),
    Command("differences.down", "scroll(1)", Place.DIFFERENCES, "j,down", help="Scroll down"),
    Command("differences.up", "scroll(-1)", Place.DIFFERENCES, "k,up", help="Scroll up"),
    Command("differences.page_down", "scroll(10)", Place.DIFFERENCES, "ctrl+d,pagedown", help="Scroll a page down"),
    Command("differences.page_up", "scroll(-10)", Place.DIFFERENCES, "ctrl+u,pageup", help="Scroll a page up"),
    Command("differences.leave", "leave", Place.DIFFERENCES, "escape,q", "back", help="Back to the workbench"),
    Command(
        "app.side_by_side", "app.side_by_side", Place.WORKBENCH, "b", "side by side", "Agents side by side",
        "Show what each agent made of this task last, side by side",
        _has_sides,
    ),
    Command("side_by_side.next", "next_side", Place.SIDE_BY_SIDE, "tab", "next run", help="Go to the next run"),
    Command("side_by_side.leave", "leave", Place.SIDE_BY_SIDE, "escape,q", "back", help="Back", at_end=True),
    Command("request.before", "go(-1)", Place.REQUEST, "left,h", "before", help="Show the request before"),
    Command("request.after", "go(1)", Place.REQUEST, "right,l", "after", help="Show the next request"),
    Command("request.new", "new", Place.REQUEST, "n", "next new", help="Go to the next part that is new"),
    Command("request.copy", "copy", Place.REQUEST, "y", "copy as curl", help="Copy it as a command, without its key"),
    Command("request.leave", "leave", Place.REQUEST, "escape,q", "back", help="Back to the run", at_end=True),
    Command("history.open", "open", Place.RUN_HISTORY, "enter", "open", help="Show the selected run"),
    Command("history.mark", "mark", Place.RUN_HISTORY, "space", "mark", help="Mark the selected run, or no longer"),
    Command(
        "history.compare", "compare", Place.RUN_HISTORY, "d", "compare",
        help="Compare the two that are marked, the selected one with the marked one, or with the run before it",
    ),
    Command(
        "history.again", "again", Place.RUN_HISTORY, "r", "re-run",
        help="Run again what the selected run has run, with its message", rank=6,
    ),
    Command(
        "history.edit", "edit", Place.RUN_HISTORY, "e", "edit input",
        help="Edit the message and variables of the selected run, then run it again", rank=7,
    ),
    Command(
        "history.delete", "delete", Place.RUN_HISTORY, "x", "delete",
        help="Delete the selected run, once it has ended, and all that is kept of it", rank=8,
    ),
    Command(
        "history.export", "export", Place.RUN_HISTORY, "E",
        help="Make a test of the selected run, in the project's folder of tests",
    ),
    Command(
        "history.search", "search", Place.RUN_HISTORY, "slash", "search",
        help="Find runs by a text, or by state:failed, name:helper, since:2h",
    ),
    Command(
        "history.copy", "copy", Place.RUN_HISTORY, "y", "copy id", help="Copy the id of the selected run", rank=9,
    ),
    Command("history.leave", "leave", Place.RUN_HISTORY, "escape,q", "back", help="Back to the workbench", at_end=True),
    Command("run_table.next", "move(1)", Place.RUN_TABLE, "j,down", help="Select the next run"),
    Command("run_table.previous", "move(-1)", Place.RUN_TABLE, "k,up", help="Select the run before"),
    Command("run_table.first", "first", Place.RUN_TABLE, "g,home", help="Select the first run"),
    Command("run_table.last", "last", Place.RUN_TABLE, "G,end", help="Select the last run"),
    Command("run_table.page_down", "page(1)", Place.RUN_TABLE, "ctrl+d,pagedown", help="Move a page down"),
    Command("run_table.page_up", "page(-1)", Place.RUN_TABLE, "ctrl+u,pageup", help="Move a page up"),
    Command("run_search.done", "to_table", Place.RUN_SEARCH, "enter,down", "to the runs", help="Go to the runs"),
    Command("run_search.clear", "clear", Place.RUN_SEARCH, "escape", "clear", help="Search for nothing"),
    Command(
        "comparison.transcripts", "side_by_side", Place.COMPARISON, "b", "side by side",
        help="Show both transcripts side by side",
    ),
    Command("comparison.leave", "leave", Place.COMPARISON, "escape,q", "back", help="Back to the runs", at_end=True),
    Command("lines.down", "scroll(1)", Place.LINES, "j,down", help="Scroll down"),
    Command("lines.up", "scroll(-1)", Place.LINES, "k,up", help="Scroll up"),
    Command("lines.page_down", "page(1)", Place.LINES, "ctrl+d,pagedown", help="A page down"),
    Command("lines.page_up", "page(-1)", Place.LINES, "ctrl+u,pageup", help="A page up"),
    Command("lines.first", "first", Place.LINES, "g,home", help="Go to the start"),
    Command("lines.last", "last", Place.LINES, "G,end", help="Go to the end"),
    Command("all_runs.open", "open", Place.ALL_RUNS, "enter", "open", help="Show the selected run"),
    Command("all_runs.cancel", "cancel", Place.ALL_RUNS, "c", "cancel", help="Cancel the selected run"),
    Command("all_runs.leave", "leave", Place.ALL_RUNS, "escape,q", "back", help="Back; what runs goes on", at_end=True),
    Command("run_grid.right", "move(1, 0)", Place.RUN_GRID, "right", help="Select the next run"),
    Command("run_grid.left", "move(-1, 0)", Place.RUN_GRID, "left", help="Select the run before"),
    Command("run_grid.down", "move(0, 1)", Place.RUN_GRID, "j,down", help="Select the run below"),
    Command("run_grid.up", "move(0, -1)", Place.RUN_GRID, "k,up", help="Select the run above"),
    Command("run_grid.first", "first", Place.RUN_GRID, "g,home", help="Select the first run"),
    Command("run_grid.last", "last", Place.RUN_GRID, "G,end", help="Select the last run"),
    Command("tools.open", "open", Place.TOOLS, "enter", "call", help="Open the form of the selected tool"),
    Command("tools.next", "move(1)", Place.TOOLS, "j,down", help="Select the next line"),
    Command("tools.previous", "move(-1)", Place.TOOLS, "k,up", help="Select the previous line"),
    Command("tools.leave", "leave", Place.TOOLS, "escape,q", "back", help="Back to the workbench"),
    Command("tool.call", "call", Place.TOOL, "enter", "call", help="Call the tool, without a model"),
    Command("tool.down", "scroll(10)", Place.TOOL, "pagedown", help="Scroll a page down"),
    Command("tool.up", "scroll(-10)", Place.TOOL, "pageup", help="Scroll a page up"),
    Command("tool.leave", "leave", Place.TOOL, "escape", "back", help="Back to the list"),
    Command("notices.leave", "leave", Place.NOTICES, "escape,q", "back", help="Back to the workbench"),
)  # fmt: skip

BY_ID = {command.id: command for command in COMMANDS}

CONDITIONS = {command.action: command.when for command in COMMANDS if command.when}


def bindings(*places: Place) -> list[BindingType]:
    """The keys of these places."""
    return [command.binding() for command in COMMANDS if command.place in places and command.keys]


def can_do(action: str, state: WorkbenchState) -> bool:
    """Whether an action of the app does something now."""
    when = CONDITIONS.get(f"app.{action}")
    return when is None or when(state)


def possible(state: WorkbenchState) -> tuple[bool, ...]:
    """Which commands can be done, of those that depend on the state; when it differs, the footer does too."""
    return tuple(when(state) for when in CONDITIONS.values())


def footer_text(*ids: str) -> str:
    """Keys and labels in a line, for what opens over the workbench."""
    return "   ".join(f"{BY_ID[id_].key_names[0]} {BY_ID[id_].label}" for id_ in ids)
