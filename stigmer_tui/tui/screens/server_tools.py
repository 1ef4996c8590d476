"""The tools of an agent's MCP servers: a list of them, and for each a form from its schema that calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Label, OptionList, Static
from textual.widgets.option_list import Option

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import duration_text, plural
from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.cells import clean_lines, one_line
from stigmer_tui.tui.screens.dismissal import Modal
from stigmer_tui.tui.screens.schema_inputs import field_input, field_label
from stigmer_tui.workbench.schema_fields import typed_values
from stigmer_tui.workbench.server_tools import ServerTool, ServerTools, ToolServer

NAME_WIDTH = 28


class ServerToolsScreen(Modal[None]):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.TOOLS)

    def __init__(self, agent: str, tools: ServerTools) -> None:
        super().__init__()
        self._agent = agent
        self._tools = tools
        self._rows: list[ServerTool | None] = []
        """Of the list; None for the line of a server."""
        self._list = OptionList(id="tools-list")
        self._about = Static(id="tools-about")

    def compose(self) -> ComposeResult:
        with Vertical(id="tools"):
            yield Label(f"MCP servers of {one_line(self._agent)}", id="tools-title", markup=False)
            yield self._list
            yield self._about
            yield Label(footer_text("tools.open", "tools.leave"), id="tools-keys")

    def on_mount(self) -> None:
        self._list.display = False
        self._say("Starting them …")
        self.run_worker(self._read(), exit_on_error=True)

    def action_open(self) -> None:
        if tool := self._selected():
            self.app.push_screen(ToolCallScreen(self._agent, tool, self._tools))

    def on_option_list_option_selected(self) -> None:
        self.action_open()

    def on_option_list_option_highlighted(self) -> None:
        """All that the tool says of itself."""
        if tool := self._selected():
            self._say(tool.description)

    def action_move(self, step: int) -> None:
        if step > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_leave(self) -> None:
        self.dismiss(None)

    def _selected(self) -> ServerTool | None:
        index = self._list.highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    async def _read(self) -> None:
        try:
            servers = await self._tools.servers(self._agent)
        except StigmerError as error:
            self._say(str(error))
            return
        self._show(servers)

    def _show(self, servers: Sequence[ToolServer]) -> None:
        self._say("" if servers else f"{self._agent} has no MCP servers")
        options = []
        for server in servers:
            self._rows.append(None)
            options.append(Option(_server_row(server), disabled=True))
            for tool in server.tools:
                self._rows.append(tool)
                options.append(Option(_tool_row(tool)))
        self._list.add_options(options)
        self._list.display = bool(options)
        self._list.highlighted = next((index for index, tool in enumerate(self._rows) if tool), None)
        self._list.focus()

    def _say(self, text: str) -> None:
        self._about.update(Text("\n".join(clean_lines(text.strip())), "dim"))


class ToolCallScreen(Modal[None]):
    """A field for each argument, and what came of the call."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.TOOL)

    def __init__(self, agent: str, tool: ServerTool, tools: ServerTools) -> None:
        super().__init__()
        self._agent = agent
        self._tool = tool
        self._tools = tools
        self._inputs = {argument.name: field_input(argument) for argument in tool.arguments}
        self._result = Static(id="tool-result")
        self._is_working = False

    def compose(self) -> ComposeResult:
        with Vertical(id="tool"):
            yield Label(f"{one_line(self._tool.server)} · {one_line(self._tool.name)}", id="tool-title", markup=False)
            with VerticalScroll(id="tool-body", can_focus=False):
                yield Label("\n".join(clean_lines(self._tool.description.strip())), id="tool-about", markup=False)
                for argument in self._tool.arguments:
                    with Vertical(classes="field"):
                        yield Label(field_label(argument), classes="form-label")
                        yield self._inputs[argument.name]
                yield self._result
            yield Label(footer_text("tool.call", "fields.next", "tool.leave"), id="tool-keys")

    def on_mount(self) -> None:
        for field in list(self._inputs.values())[:1]:
            field.focus()

    def on_input_submitted(self) -> None:
        self.action_call()

    def action_call(self) -> None:
        """One call at a time. It ends with this screen."""
        if self._is_working:
            return
        try:
            arguments = typed_values(self._tool.arguments, {name: field.value for name, field in self._inputs.items()})
        except StigmerError as error:
            self._say(str(error), is_error=True)
            return
        self._is_working = True
        self._say("Calling …")
        self.run_worker(self._call(arguments), exit_on_error=True)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        self.query_one("#tool-body").scroll_relative(y=rows, animate=False)

    async def _call(self, arguments: dict[str, object]) -> None:
        try:
            result = await self._tools.call(self._agent, self._tool, arguments)
        except StigmerError as error:
            self._say(str(error), is_error=True)
        else:
            self._say(result or "It returned nothing")
        finally:
            self._is_working = False

    def _say(self, text: str, is_error: bool = False) -> None:
        self._result.set_class(is_error, "is-error")
        self._result.update(Text("\n".join(clean_lines(text))))
        self._result.scroll_visible(animate=False)


def _server_row(server: ToolServer) -> Text:
    name = one_line(server.name)
    if server.error:
        return Text("\n".join([f"✗ {name}", *(f"  {line}" for line in clean_lines(server.error))]))
    ready = f"{plural(len(server.tools), 'tool')}, ready in {duration_text(server.seconds)}"
    return Text.assemble(f"✓ {name}  ", (ready, "dim"))


def _tool_row(tool: ServerTool) -> Text:
    first_line = one_line(tool.description.strip().partition("\n")[0])
    return Text.assemble(f"  {one_line(tool.shown_name):<{NAME_WIDTH}}  ", (first_line, "dim"))
