"""How a form asks for a field of a JSON schema."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label

from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.workbench.input_form import FieldError, InputForm
from stigmer_tui.workbench.schema_fields import SchemaField


def field_label(field: SchemaField) -> Text:
    written = f"{field.type} as JSON" if field.type in ("object", "array") else field.type
    kind = " or ".join(_words(field)) or written or "any"
    parts = [kind, "" if field.is_required else "may be left out", one_line(field.description)]
    return Text.assemble(one_line(field.name), ("  " + " · ".join(filter(None, parts)), "dim"))


def field_input(field: SchemaField, text: str = "") -> Input:
    """Of a few words, the one that is begun is offered: the right arrow takes it."""
    words = _words(field)
    suggester = SuggestFromList(words) if words else None
    shown = Input(text, placeholder=one_line(field.default), select_on_focus=False, suggester=suggester)
    shown.cursor_blink = False
    return shown


def _words(field: SchemaField) -> tuple[str, ...]:
    """All that can be typed; empty where it can be anything."""
    return field.choices or (("true", "false") if field.type == "boolean" else ())


class SchemaInputs(Vertical):
    """The fields that the input of a workflow is made of."""

    def __init__(self, form: InputForm, typed: Mapping[str, str]) -> None:
        """`typed` is a draft, by field."""
        super().__init__(classes="inputs")
        self._form = form
        texts = {**form.texts, **typed}
        self._inputs = {field.name: field_input(field, texts.get(field.name, "")) for field in form.fields}

    def compose(self) -> ComposeResult:
        for field in self._form.fields:
            with Vertical(classes="field"):
                yield Label(field_label(field), classes="form-label")
                yield self._inputs[field.name]

    @property
    def texts(self) -> dict[str, str]:
        return {name: shown.value for name, shown in self._inputs.items()}

    @property
    def first(self) -> Input:
        """The first one that is to be filled in, or else the first of all."""
        wanted = (field for field in self._form.fields if field.is_required and not field.default)
        name = next((field.name for field in wanted if not self._inputs[field.name].value), self._form.fields[0].name)
        return self._inputs[name]

    def message(self) -> str:
        """Raises StigmerError for what does not fit; the field that it is about has the focus then."""
        try:
            return self._form.message(self.texts)
        except FieldError as error:
            self._inputs[error.field].focus()
            raise
