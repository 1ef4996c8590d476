"""The command palette: available commands, then resources to run; typing also finds the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape
from textual.screen import Screen

from stigmer_tui.tui.commands import BY_ID, COMMANDS, Command, Place, can_do
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.workbench.ownership import own_first

if TYPE_CHECKING:
    from stigmer_tui.tui.app import StigmerApp

HELP_SCORE = 0.1
"""Score of a command whose help contains the query, below all matches of titles."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of the palette."""

    title: str
    help: str
    run: Callable[[], Awaitable[object] | None]
    key: str = ""
    is_listed: bool = True
    """Whether it is listed before anything is typed."""


def offers(app: StigmerApp, screen: Screen[Any]) -> Iterator[Offer]:
    """Available commands, those of the focused region first, and resources to run."""
    seen = set()
    for active in screen.active_bindings.values():
        command = BY_ID.get(active.binding.id or "")
        if command and command.title and command.place is not Place.APP and active.enabled and command.id not in seen:
            seen.add(command.id)
            yield _offer(command, partial(app.run_action, command.action, active.node))
    at_the_end = []
    for command in COMMANDS:
        if (
            command.place is Place.APP
            and command.title
            and can_do(command.action.removeprefix("app."), app.session.state)
        ):
            offer = _offer(command, partial(app.run_action, command.action))
            if command.at_end:
                at_the_end.append(offer)
            else:
                yield offer
    for resource in own_first(app.session.state) if screen is app.main else ():
        name, about = one_line(resource.name), one_line(resource.description)
        yield Offer(f"Run {name}", about, partial(app.run_resource, resource))
        yield Offer(f"Edit input and run {name}", about, partial(app.open_form, resource), is_listed=False)
    yield from at_the_end


class CommandProvider(Provider):
    async def discover(self) -> Hits:
        for offer in self._offers():
            if offer.is_listed:
                title = Text.assemble(offer.title, (f"  {offer.key}" if offer.key else "", "dim not bold"))
                yield DiscoveryHit(title, offer.run, offer.title, escape(offer.help) or None)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for offer in self._offers():
            score = matcher.match(offer.title)
            if not score and query.lower() in offer.help.lower():
                score = HELP_SCORE
            if score:
                # Highlighting parses markup, which a resource name may contain.
                title = Content(offer.title) if "[" in offer.title else matcher.highlight(offer.title)
                yield Hit(score, title, offer.run, offer.title, escape(offer.help) or None)

    def _offers(self) -> Iterator[Offer]:
        app: StigmerApp = self.app  # type: ignore[assignment]
        return offers(app, self.screen)


def _offer(command: Command, run: Callable[[], Awaitable[object]]) -> Offer:
    about = command.help if command.help != command.title else ""
    return Offer(command.title, about, run, command.key_names[0] if command.keys else "")
