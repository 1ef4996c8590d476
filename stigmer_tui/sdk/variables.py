"""Variables of the environment that a run needs: declared where they are used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from stigmer_tui.sdk.collection import current_registry
from stigmer_tui.sdk.expressions import Expression, ReferenceSource, Secret
from stigmer_tui.sdk.mistakes import DefinitionError, Location, calling_line

NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_USE = re.compile(rf"\.(secrets|env_vars)\.({NAME.pattern})")


class DeclaredVariable(NamedTuple):
    """What is declared of a variable. Whoever starts a run is asked for those that have no default."""

    name: str
    is_secret: bool
    default: str | None
    description: str
    location: Location

    def merged(self, other: DeclaredVariable) -> DeclaredVariable | None:
        """Both declarations in one, or None when they contradict each other."""
        if self.is_secret != other.is_secret:
            return None
        default = self.default if self.default is not None else other.default
        description = self.description or other.description
        if other.default not in (None, default) or other.description not in ("", description):
            return None
        return self._replace(default=default, description=description)


def secret(name: str, *, description: str = "") -> Secret:
    """A secret of the run, such as a token. Its value is put in at the moment of the call and is shown nowhere.

        headers={"Authorization": f"Bearer {secret('SHOP_TOKEN', description='Token of the shop')}"}

    There is no default, because it would stand in the project and on the server in clear.
    """
    _declare(name, True, None, description)
    return Secret(name)


def env(name: str, *, default: str | None = None, description: str = "") -> Expression:
    """A variable of the run's environment. Its value is always a text.

    Whoever starts the run is asked for it, unless it has a default, which may be empty:

        region = env("REGION", default="eu", description="Region of the shop")
        flow.http_get("orders", f"https://shop.example/{region}/orders")
    """
    _declare(name, False, default, description)
    return Expression(ReferenceSource(f".env_vars.{name}", True, ()))


def variables_in(data: Any) -> Iterator[tuple[str, bool]]:
    """Name, and whether it is a secret, of every variable that the texts in some data use."""
    match data:
        case str():
            for namespace, name in _USE.findall(data):
                yield name, namespace == "secrets"
        case Mapping():
            for item in data.values():
                yield from variables_in(item)
        case list() | tuple():
            for item in data:
                yield from variables_in(item)


def _declare(name: str, is_secret: bool, default: str | None, description: str) -> None:
    if not NAME.fullmatch(name):
        suggestion = re.sub(r"\W", "_", name).upper()
        raise DefinitionError(
            f"{name!r} is not a valid variable name",
            f'Use capital letters, digits and underscores, such as "{suggestion}".'
            if NAME.fullmatch(suggestion)
            else "Use capital letters, digits and underscores.",
        )
    current_registry().add_variable(DeclaredVariable(name, is_secret, default, description, calling_line()))
