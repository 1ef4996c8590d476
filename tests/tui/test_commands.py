"""The table of commands, and what is made from it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from stigmer_tui.tui.app import StigmerApp
from stigmer_tui.tui.commands import COMMANDS, Place
from stigmer_tui.tui.screens.all_runs import AllRunsScreen, RunGrid
from stigmer_tui.tui.screens.approval import DenyDialog
from stigmer_tui.tui.screens.comparison import ComparisonScreen
from stigmer_tui.tui.screens.dialogs import ByNameScreen, DeleteDialog, NoticesScreen, QuestionDialog, QuitDialog
from stigmer_tui.tui.screens.differences import DifferencesScreen
from stigmer_tui.tui.screens.dismissal import Modal
from stigmer_tui.tui.screens.help import HelpScreen
from stigmer_tui.tui.screens.logs import LogScreen, LogSearch
from stigmer_tui.tui.screens.main import FilterInput, MainScreen
from stigmer_tui.tui.screens.model_request import ModelRequestScreen
from stigmer_tui.tui.screens.providers import ProvidersScreen
from stigmer_tui.tui.screens.run_form import RunForm, VariableField
from stigmer_tui.tui.screens.run_history import RunHistoryScreen, RunSearch
from stigmer_tui.tui.screens.server_tools import ServerToolsScreen, ToolCallScreen
from stigmer_tui.tui.screens.side_by_side import SideBySideScreen
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.log_list import LogList
from stigmer_tui.tui.widgets.message_area import MessageArea
from stigmer_tui.tui.widgets.message_input import MessageInput
from stigmer_tui.tui.widgets.picker import Picker
from stigmer_tui.tui.widgets.run_pane import RunPane
from stigmer_tui.tui.widgets.run_table import RunTable
from stigmer_tui.tui.widgets.scrolled_rows import ScrolledRows
from stigmer_tui.tui.widgets.sidebar import Sidebar

README = Path(__file__).parents[2] / "README.md"

OWNERS = {
    Place.PICKER: Picker,
    Place.FILTER: FilterInput,
    Place.ENTRIES: EntryList,
    Place.PANE: RunPane,
    Place.WRITING: MessageInput,
    Place.SIDEBAR: Sidebar,
    Place.WORKBENCH: MainScreen,
    Place.APP: StigmerApp,
    Place.FORM: RunForm,
    Place.FIELDS: Modal,
    Place.MESSAGE: MessageArea,
    Place.VARIABLE: VariableField,
    Place.QUESTION: QuestionDialog,
    Place.QUIT: QuitDialog,
    Place.DELETE: DeleteDialog,
    Place.HELP: HelpScreen,
    Place.NOTICES: NoticesScreen,
    Place.BY_NAME: ByNameScreen,
    Place.LOGS: LogScreen,
    Place.ALL_RUNS: AllRunsScreen,
    Place.RUN_GRID: RunGrid,
    Place.SIDE_BY_SIDE: SideBySideScreen,
    Place.RUN_HISTORY: RunHistoryScreen,
    Place.RUN_TABLE: RunTable,
    Place.RUN_SEARCH: RunSearch,
    Place.COMPARISON: ComparisonScreen,
    Place.REQUEST: ModelRequestScreen,
    Place.LINES: ScrolledRows,
    Place.LOG_LINES: LogList,
    Place.LOG_SEARCH: LogSearch,
    Place.APPROVAL: DenyDialog,
    Place.PROVIDERS: ProvidersScreen,
    Place.DIFFERENCES: DifferencesScreen,
    Place.TOOLS: ServerToolsScreen,
    Place.TOOL: ToolCallScreen,
}

NOT_NAMED = {"home", "end", "page down", "page up", "down", "up", "f1", "ctrl+c"}
"""Keys of which the README speaks in words, or not at all."""


def test_each_command_is_there_once() -> None:
    assert [id_ for id_, count in Counter(command.id for command in COMMANDS).items() if count > 1] == []


def test_each_command_has_an_action() -> None:
    for command in COMMANDS:
        name, _, _ = command.action.partition("(")
        owner = StigmerApp if name.startswith("app.") else OWNERS[command.place]
        assert hasattr(owner, f"action_{name.removeprefix('app.')}"), command.id


def test_each_command_can_be_found_and_says_what_it_does() -> None:
    for command in COMMANDS:
        assert command.keys or command.title, command.id
        assert command.help[0].isupper() and not command.help.endswith("."), command.id


def test_one_key_means_one_thing_in_one_place() -> None:
    """Unless only one of them can be done at a time."""
    for place in Place:
        keys = Counter(key for command in COMMANDS if command.place is place for key in command.key_names)
        shared = {key for key, count in keys.items() if count > 1}
        assert shared <= {"enter", "t", "r", "w", "E"}, place


def test_the_readme_names_the_keys_of_the_workbench() -> None:
    """Every one of them, and none that is not there."""
    section = README.read_text().partition("## Keys")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {key for row in rows for key in re.findall(r"`([^`]+)`", row)}
    over = {Place.FORM, Place.MESSAGE, Place.VARIABLE, Place.QUIT, Place.HELP, Place.NOTICES, Place.BY_NAME}
    over |= {Place.LOGS, Place.LOG_LINES, Place.LOG_SEARCH, Place.APPROVAL, Place.WRITING}
    over |= {Place.PROVIDERS, Place.ALL_RUNS, Place.RUN_GRID, Place.RUN_TABLE, Place.RUN_SEARCH}
    over |= {Place.REQUEST, Place.LINES, Place.FIELDS}
    keys = {key for command in COMMANDS if command.place not in over for key in command.key_names}
    assert named - {"ctrl+j", "ctrl+g"} == keys - NOT_NAMED
