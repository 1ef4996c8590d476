"""The choice of a provider of models: their states, a masked form for a key, and a test call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import progress_bar
from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.cells import clean_lines, one_line
from stigmer_tui.tui.screens.dismissal import Modal
from stigmer_tui.workbench.model_providers import ModelProviders, ProviderView

NAME_WIDTH, STATE_WIDTH = 30, 16

Work = Callable[[], Awaitable[str]]


class ProvidersScreen(Modal[None]):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.PROVIDERS)

    def __init__(self, providers: ModelProviders) -> None:
        super().__init__()
        self._providers = providers
        self._views: Sequence[ProviderView] = ()
        self._list = OptionList(id="providers-list")
        self._key = Input(password=True, id="providers-key", disabled=True)
        self._key.cursor_blink = False
        self._detail = Static(id="providers-detail")
        self._result = Static(id="providers-result")
        self._is_working = False

    def compose(self) -> ComposeResult:
        with Vertical(id="providers"):
            yield Label("Model providers", id="providers-title")
            yield self._list
            yield self._detail
            yield self._key
            yield self._result
            yield Label(
                footer_text("providers.use", "providers.key", "providers.pull", "providers.test", "providers.leave"),
                id="providers-keys",
            )

    def on_mount(self) -> None:
        self._key.display = False
        self._list.focus()
        self._begin("Looking at the providers …", self._nothing)

    # What the person does

    def action_use(self) -> None:
        if (view := self._selected()) and not self._key.display:
            self._begin(f"Choosing {view.name} …", lambda: self._providers.use(view.name))

    def on_option_list_option_selected(self) -> None:
        self.action_use()

    def action_key(self) -> None:
        view = self._selected()
        if view is None or self._is_working:
            return
        if not view.key_variable:
            self._say(f"{view.name} needs no key")
            return
        self._key.placeholder = f"{view.key_variable}, hidden; enter stores it, esc does not"
        self._key.disabled, self._key.display = False, True
        self.set_focus(self._key)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        view, key = self._selected(), event.value.strip()
        self._close_form()
        if view and key:
            self._begin(f"Storing the key of {view.name} …", lambda: self._providers.store_key(view.name, key))

    def action_test(self) -> None:
        if view := self._selected():
            self._begin(f"Testing {view.name} …", lambda: self._providers.test(view.name))

    def action_pull(self) -> None:
        view = self._selected()
        if view is None or self._is_working:
            return
        if view.needs_model:
            self._begin(f"Getting {view.model} …", lambda: self._pull(view))
        else:
            self._say(f"{view.name} lacks no model")

    async def _pull(self, view: ProviderView) -> str:
        async with aclosing(self._providers.pull(view.model)) as steps:
            async for step in steps:
                self._say(progress_bar(step.done, step.total) if step.total else one_line(step.status))
        return f"{view.name} has {view.model}"

    def on_option_list_option_highlighted(self) -> None:
        """What does not fit into its row."""
        view = self._selected()
        self._detail.update(Text(view.detail if view else "", "dim"))

    def action_move(self, step: int) -> None:
        if step > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_leave(self) -> None:
        if self._key.display:
            self._close_form()
        else:
            self.dismiss(None)

    # What becomes of it

    def _close_form(self) -> None:
        self._key.value = ""
        self._key.disabled, self._key.display = True, False
        self._list.focus()

    def _selected(self) -> ProviderView | None:
        index = self._list.highlighted
        return self._views[index] if index is not None and index < len(self._views) else None

    def _begin(self, doing: str, work: Work) -> None:
        """One thing at a time. It ends with this screen."""
        if self._is_working:
            return
        self._is_working = True
        self._say(doing)
        self.run_worker(self._work(work), exit_on_error=True)

    async def _work(self, work: Work) -> None:
        try:
            said = await work()
            self._show(await self._providers.list())
        except StigmerError as error:
            said = str(error)
        finally:
            self._is_working = False
        self._say(said)

    async def _nothing(self) -> str:
        return ""

    def _show(self, views: Sequence[ProviderView]) -> None:
        selected = self._list.highlighted
        if selected is None:
            selected = next((index for index, view in enumerate(views) if view.is_used), 0)
        self._views = views
        self._list.clear_options()
        self._list.add_options([Option(_row(view)) for view in views])
        self._list.highlighted = selected if views else None

    def _say(self, text: str) -> None:
        self._result.update(Text("\n".join(clean_lines(text))))


def _row(view: ProviderView) -> Text:
    name = one_line(f"{view.name} {view.model}".strip())
    head = f"{'●' if view.is_used else ' '} {name:<{NAME_WIDTH}}  {view.state:<{STATE_WIDTH}}  "
    detail = "e enters it" if view.needs_key else "p gets it" if view.needs_model else one_line(view.detail)
    return Text.assemble(head, (detail, "dim"))
