"""The run form: message and variables of a run. Leaving it keeps a draft."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Label

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.run_variable import SECRET_PREFIX
from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.cells import cells, one_line
from stigmer_tui.tui.screens.dismissal import Modal
from stigmer_tui.tui.screens.schema_inputs import SchemaInputs
from stigmer_tui.tui.widgets.message_area import MENTION_HINT, MessageArea
from stigmer_tui.workbench.input_form import input_form
from stigmer_tui.workbench.mentioned_files import mentions, starting_folder
from stigmer_tui.workbench.model import Resource, ResourceKind
from stigmer_tui.workbench.state import RunInput, Value
from stigmer_tui.workbench.suggestions import Suggestion, ValueSource
from stigmer_tui.workbench.turns import with_files

DEFAULT_MESSAGE = "execute"
"""The message of a run if none is given (`docs/compatibility.md` 151)."""

MESSAGE_TITLES = {
    ResourceKind.AGENT: "Message",
    ResourceKind.WORKFLOW: "Trigger message",
    ResourceKind.TASK: "Agents, such as claude or codex; several work side by side",
}

PLACEHOLDERS = {ResourceKind.TASK: "those of the task, or else the first that answers"}
"""What is done without a message, where it is not that a default one is sent."""


MASK = "•"

ROWS_AROUND_BODY = 8
"""Rows of frame, title, note, keys, and one row of the workbench above and below."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The unchecked input of a form."""

    message: str
    fields: Mapping[str, str]
    """Texts by variable."""
    others: str
    inputs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Texts by field of the input."""


FORM_WIDTH = 84
"""The width in the style sheet."""

HIGH = 20
"""Rows of a window with room for a multi-line message."""


class OthersArea(MessageArea):
    """Other variables, one `NAME=VALUE` per line; values of `secret:` lines are masked."""

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        head, separator, value = line.plain.partition("=")
        if not (separator and head.strip().startswith(SECRET_PREFIX)):
            return line
        # As wide as the value, so that the cursor is where it seems to be.
        return Text(head + separator + "".join(MASK * cells(character) for character in value), end="", no_wrap=True)


class VariableField(Vertical):
    """One variable: name, description, origin of the value, and the value."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.VARIABLE)

    def __init__(self, suggestion: Suggestion, text: str | None = None) -> None:
        """`text` is the draft, if any."""
        super().__init__(classes="field")
        self.suggestion = suggestion
        self._is_kept = suggestion.is_remembered
        variable = suggestion.variable
        self._input = Input(
            suggestion.text if text is None else text,
            placeholder=_placeholder(suggestion),
            password=variable.is_secret,
            select_on_focus=False,
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
    def name_of_variable(self) -> str:
        return self.suggestion.variable.name

    @property
    def is_secret(self) -> bool:
        return self.suggestion.variable.is_secret

    @property
    def input(self) -> Input:
        return self._input

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.is_secret if action in ("look", "remember") else True

    @property
    def to_keep(self) -> str | None:
        """The value for the keyring; empty for one to be forgotten, None where nothing changes there."""
        text = self._input.value
        if not self._is_kept or not text:
            return "" if self.suggestion.is_remembered and not self._is_kept else None
        is_there = self.suggestion.source is ValueSource.KEYRING and text == self.suggestion.text
        return None if is_there else text

    def action_remember(self) -> None:
        self._is_kept = not self._is_kept
        self._show_origin()

    def action_look(self) -> None:
        self._input.password = not self._input.password

    def _show_origin(self) -> None:
        """Shows where the current value comes from."""
        if self.is_missing:
            origin = "missing"
        elif not self._input.value:
            origin = ValueSource.DEFAULT if self.suggestion.variable.has_value else "not set"
        else:
            origin = self.suggestion.source if self._input.value == self.suggestion.text else "typed"
        if self._is_kept and origin != ValueSource.KEYRING:
            origin = f"{origin} · goes to the keyring"
        elif self.suggestion.is_remembered and not self._is_kept:
            origin = f"{origin} · leaves the keyring"
        self._origin.update(origin)
        self._origin.set_class(self.is_missing, "-missing")


class RunForm(Modal[RunInput | None]):
    """Returns the input to start with, or None if the form is left, with the text in `draft`."""

    AUTO_FOCUS = ""
    """No automatic focus: keys typed at once may be a secret and must not start in the wrong field."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.FORM)

    def __init__(
        self,
        resource: Resource,
        run_input: RunInput,
        suggestions: Iterable[Suggestion],
        draft: Draft | None = None,
        default_message: str = "",
    ) -> None:
        """`run_input` is that of the last run; `draft` is from the last time the form was left; `default_message` is
        sent where none is written.
        """
        super().__init__()
        self._resource = resource
        self._message = MessageArea(
            draft.message if draft else run_input.message,
            placeholder=PLACEHOLDERS.get(resource.kind, default_message or DEFAULT_MESSAGE),
            takes_files=resource.kind is ResourceKind.AGENT,
            id="message",
        )
        form = input_form(resource.input_schema, run_input.message or default_message)
        self._inputs = SchemaInputs(form, draft.inputs if draft else {}) if form else None
        """In the place of the message, where the workflow declares its input."""
        typed = draft.fields if draft else {}
        self._fields = [VariableField(item, typed.get(item.variable.name)) for item in suggestions]
        known = {field.name_of_variable for field in self._fields}
        others = {name: value for name, value in run_input.environment.items() if name not in known}
        lines = [f"{SECRET_PREFIX * value.is_secret}{name}={value.text}" for name, value in others.items()]
        text = draft.others if draft else "\n".join(lines)
        self._others = OthersArea(text, soft_wrap=False, id="others")

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Label(f"Run {one_line(self._resource.name)}", id="form-title", markup=False)
            with VerticalScroll(id="form-body", can_focus=False):
                if self._inputs:
                    yield self._inputs
                else:
                    with Vertical(classes="field"):
                        yield Label(self._message_title(""), id="message-title", classes="form-label", markup=False)
                        yield self._message
                yield from self._fields
                with Vertical(classes="field"):
                    yield Label("Other variables  ·  KEY=VALUE or secret:KEY=VALUE", classes="form-label")
                    yield self._others
            yield Label("", id="form-note", markup=False)
            yield Label("", id="form-keys")

    def on_mount(self) -> None:
        missing = self._first_missing()
        if self._inputs:
            self.set_focus(self._inputs.first)
            return
        self.set_focus(missing.input if missing else self._message)
        if self._resource.kind is ResourceKind.AGENT:
            # Typing replaces the last message; enter sends it again.
            self._message.select_all()
        else:
            self._message.move_cursor(self._message.document.end)

    def on_resize(self) -> None:
        """Fits the form: fields scroll, while the note and the keys stay visible."""
        width, height = self.size
        self.query_one("#form-keys", Label).update(self._keys(min(FORM_WIDTH, width * 95 // 100) - 4))
        self.query_one("#form-body").styles.max_height = max(3, height - ROWS_AROUND_BODY)
        self._message.styles.height = 5 if height >= HIGH else 2
        self._others.styles.height = 3 if height >= HIGH else 2
        if self.focused:
            self.call_after_refresh(self._show_field, self.focused)

    def _keys(self, width: int) -> str:
        """As many keys as fit, always those for starting and leaving."""
        secret = ["form.look", "form.remember"] if any(field.is_secret for field in self._fields) else []
        for between in (["fields.next", *secret], secret):
            if cells(text := footer_text("form.start", *between, "form.leave")) <= width:
                return text
        return footer_text("form.start", "form.leave")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.call_after_refresh(self._show_field, event.widget)

    def _show_field(self, widget: Widget) -> None:
        """Scrolls to a field including its name."""
        if isinstance(widget.parent, Widget) and widget.parent.is_attached:
            self.query_one("#form-body").scroll_to_widget(widget.parent, animate=False)

    @property
    def draft(self) -> Draft:
        fields = {field.name_of_variable: field.input.value for field in self._fields}
        return Draft(self._message.text, fields, self._others.text, self._inputs.texts if self._inputs else {})

    @property
    def secrets_to_keep(self) -> dict[str, str]:
        """Values for the keyring by their variables; empty for those to be forgotten."""
        kept = {field.name_of_variable: field.to_keep for field in self._fields if field.is_secret}
        return {name: text for name, text in kept.items() if text is not None}

    def _run_input(self) -> RunInput:
        """Raises StigmerError for a mentioned file that cannot be attached."""
        environment = {}
        for line in self._others.text.splitlines():
            head, separator, text = line.partition("=")
            if separator and head.strip():
                secret = _secret_name(head)
                environment[secret or head.strip()] = Value(text, is_secret=bool(secret))
        for field in self._fields:
            if value := field.value:
                environment[field.name_of_variable] = value
        message = self._inputs.message() if self._inputs else self._message.text.strip()
        run_input = RunInput(message, environment)
        if self._resource.kind is not ResourceKind.AGENT:
            return run_input
        return with_files(run_input, mentions(run_input.message, starting_folder()))

    def on_input_submitted(self) -> None:
        self.action_start()

    def on_message_area_mentions(self, message: MessageArea.Mentions) -> None:
        self.query_one("#message-title", Label).update(self._message_title(message.text))

    def _message_title(self, about_files: str) -> str:
        files = about_files or (MENTION_HINT if self._resource.kind is ResourceKind.AGENT else "")
        return "  ·  ".join(filter(None, (MESSAGE_TITLES[self._resource.kind], "ctrl+j new line", files)))

    def on_message_area_entered(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Starts the run, or shows which value is missing."""
        if problem := self._problem():
            self._note(problem)
        elif missing := self._first_missing():
            variable = missing.suggestion.variable
            noun = "task" if len(variable.used_by) == 1 else "tasks"
            tasks = f"{noun} {', '.join(variable.used_by)}"
            self._note(f"{variable.name} has no value and is required by {tasks} · ctrl+s runs anyway")
            missing.input.focus()
        else:
            self._end()

    def action_start_anyway(self) -> None:
        if problem := self._problem():
            self._note(problem)
        else:
            self._end()

    def _end(self) -> None:
        try:
            self.dismiss(self._run_input())
        except StigmerError as error:
            self._note(one_line(str(error)))

    def action_leave(self) -> None:
        self.dismiss(None)

    def _problem(self) -> str:
        for line in self._others.text.splitlines():
            name, separator, _ = line.partition("=")
            is_secret = name.strip().startswith(SECRET_PREFIX)
            if line.strip() and not (separator and name.strip().removeprefix(SECRET_PREFIX)):
                shown = SECRET_PREFIX + "…" if is_secret else one_line(line)
                return f"{shown} is not of the form KEY=VALUE"
        return ""

    def _first_missing(self) -> VariableField | None:
        return next((field for field in self._fields if field.is_missing), None)

    def _note(self, text: str) -> None:
        self.query_one("#form-note", Label).update(text)


def _secret_name(head: str) -> str:
    """`TOKEN` of `secret:TOKEN`; empty for any other text."""
    head = head.strip()
    return head.removeprefix(SECRET_PREFIX) if head.startswith(SECRET_PREFIX) else ""


def _placeholder(suggestion: Suggestion) -> str:
    variable = suggestion.variable
    if not variable.has_value:
        return ""
    return "has a value" if variable.is_secret else one_line(variable.default) or "empty"
