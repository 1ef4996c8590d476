"""The run form: what a run is started with. What was typed is kept when the form is left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Label, TextArea

from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.clean import one_line
from stigmer_tui.workbench.model import Resource, ResourceKind
from stigmer_tui.workbench.state import RunInput, Value
from stigmer_tui.workbench.suggestions import Source, Suggestion

DEFAULT_MESSAGE = "execute"
"""What a run is started with when nothing is said (contract, PROJECT-AND-DAEMON 4)."""

MESSAGE_TITLES = {ResourceKind.AGENT: "Message", ResourceKind.WORKFLOW: "Trigger message"}


ROWS_AROUND_BODY = 8
"""Frame, title, a note of two rows, keys, and a row of the workbench above and below."""


class MessageArea(TextArea):
    """Enter is for starting the run, as in every chat; a new line is one key further."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.MESSAGE)

    class Submitted(Message):
        pass

    def action_new_line(self) -> None:
        self.insert("\n")

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted())
            return
        await super()._on_key(event)


class VariableField(Vertical):
    """One variable: its name and meaning, where its value comes from, and the value."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.VARIABLE)

    def __init__(self, suggestion: Suggestion) -> None:
        super().__init__(classes="field")
        self.suggestion = suggestion
        variable = suggestion.variable
        self._input = Input(
            suggestion.text, placeholder=_placeholder(suggestion), password=variable.is_secret, select_on_focus=False
        )
        self._input.cursor_blink = False
        self._origin = Label(classes="field-origin")

    def compose(self) -> ComposeResult:
        variable = self.suggestion.variable
        with Horizontal(classes="field-head"):
            yield Label(variable.name, classes="field-name", markup=False)
            yield Label(one_line(variable.description), classes="field-about", markup=False)
            yield self._origin
        yield self._input

    def on_mount(self) -> None:
        self._show_origin()

    def on_input_changed(self) -> None:
        self._show_origin()

    @property
    def is_missing(self) -> bool:
        variable = self.suggestion.variable
        return bool(variable.used_by) and not variable.has_value and not self._input.value

    @property
    def value(self) -> Value | None:
        text = self._input.value
        return Value(text, self.suggestion.variable.is_secret) if text else None

    @property
    def is_secret(self) -> bool:
        return self.suggestion.variable.is_secret

    @property
    def input(self) -> Input:
        return self._input

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.is_secret if action == "look" else True

    def action_look(self) -> None:
        self._input.password = not self._input.password

    def _show_origin(self) -> None:
        """Where the value comes from that the run would have now."""
        if self.is_missing:
            origin = "missing"
        elif not self._input.value:
            origin = Source.DEFAULT if self.suggestion.variable.has_value else "not set"
        else:
            origin = self.suggestion.source if self._input.value == self.suggestion.text else "typed"
        self._origin.update(origin)
        self._origin.set_class(self.is_missing, "-missing")


class RunForm(ModalScreen[RunInput | None]):
    """Returns the input to start with, or None when the form is left; `draft` is what was typed so far."""

    AUTO_FOCUS = ""
    """What is typed at once must not begin in the first field and go on in the right one: it may be secret."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.FORM)

    def __init__(self, resource: Resource, run_input: RunInput, suggestions: Iterable[Suggestion]) -> None:
        super().__init__()
        self._resource = resource
        self._message = MessageArea(
            run_input.message, soft_wrap=True, show_line_numbers=False, placeholder=DEFAULT_MESSAGE, id="message"
        )
        self._message.cursor_blink = False
        self._fields = [VariableField(suggestion) for suggestion in suggestions]
        known = {field.suggestion.variable.name for field in self._fields}
        others = {name: value for name, value in run_input.environment.items() if name not in known}
        self._hidden = {name: value for name, value in others.items() if value.is_secret}
        lines = [f"{name}={value.text}" for name, value in others.items() if not value.is_secret]
        self._others = MessageArea("\n".join(lines), soft_wrap=False, show_line_numbers=False, id="others")
        self._others.cursor_blink = False

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Label(f"Run {one_line(self._resource.name)}", id="form-title", markup=False)
            with VerticalScroll(id="form-body", can_focus=False):
                yield Label(f"{MESSAGE_TITLES[self._resource.kind]}  ·  ctrl+j new line", classes="form-label")
                yield self._message
                yield from self._fields
                yield Label("Other variables  ·  KEY=VALUE, one on each line", classes="form-label")
                yield self._others
            yield Label("", id="form-note", markup=False)
            look = ["form.look"] if any(field.is_secret for field in self._fields) else []
            yield Label(footer_text("form.start", "form.next", *look, "form.leave"), id="form-keys")

    def on_mount(self) -> None:
        missing = self._first_missing()
        self.set_focus(missing.input if missing else self._message)
        self._message.move_cursor(self._message.document.end)

    def on_resize(self) -> None:
        """What does not fit is scrolled; what is wrong, and the keys, are always seen."""
        self.query_one("#form-body").styles.max_height = max(3, self.size.height - ROWS_AROUND_BODY)

    @property
    def draft(self) -> RunInput:
        environment = dict(self._hidden)
        for line in self._others.text.splitlines():
            name, separator, text = line.partition("=")
            if separator and name.strip():
                environment[name.strip()] = Value(text)
        for field in self._fields:
            if value := field.value:
                environment[field.suggestion.variable.name] = value
        return RunInput(self._message.text.strip(), environment)

    def on_input_submitted(self) -> None:
        self.action_start()

    def on_message_area_submitted(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """With a value missing, it is shown where; the same key once more on it says nothing new."""
        if problem := self._problem():
            self._note(problem)
        elif missing := self._first_missing():
            variable = missing.suggestion.variable
            tasks = ", ".join(variable.used_by)
            self._note(f"{variable.name} has no value, and {tasks} cannot do without it · ctrl+s starts anyway")
            missing.input.focus()
        else:
            self.dismiss(self.draft)

    def action_start_anyway(self) -> None:
        if problem := self._problem():
            self._note(problem)
        else:
            self.dismiss(self.draft)

    def action_leave(self) -> None:
        self.dismiss(None)

    def _problem(self) -> str:
        for line in self._others.text.splitlines():
            name, separator, _ = line.partition("=")
            if line.strip() and not (separator and name.strip()):
                return f"{line.strip()} is not of the form KEY=VALUE"
            if name.strip().startswith("secret:"):
                return "A secret would be seen here; give it with: stigmer-tui run --runtime-env secret:KEY=VALUE"
        return ""

    def _first_missing(self) -> VariableField | None:
        return next((field for field in self._fields if field.is_missing), None)

    def _note(self, text: str) -> None:
        self.query_one("#form-note", Label).update(text)


def _placeholder(suggestion: Suggestion) -> str:
    variable = suggestion.variable
    if not variable.has_value:
        return ""
    return "has a value" if variable.is_secret else one_line(variable.default)
