"""Provider keys from a user's environment that the daemon lacks; in memory only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stigmer_tui.core.known_secrets import remember_values
from stigmer_tui.core.model_providers import KEY_VARIABLES, missing_keys


class ProviderKeys:
    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` is the daemon's own, whose keys are never replaced."""
        self._environment = environment
        self.variables: dict[str, str] = {}

    def take(self, offered: Mapping[str, str]) -> list[str]:
        """Returns the names of new or changed keys."""
        found = missing_keys(self._environment, offered)
        taken = [name for name, value in found.items() if name in KEY_VARIABLES and self.variables.get(name) != value]
        remember_values(found[name] for name in taken)
        if taken:
            self.variables |= found
        return taken

    def forget(self, names: Iterable[str]) -> None:
        """Empties keys that were given; runners that have one take the empty value instead of it."""
        self.variables |= {name: "" for name in names if self.variables.get(name)}
