"""Settings. Flags override the environment, which overrides config.yaml, which overrides the defaults.

The keys under `backend` are those of an existing installation (`docs/compatibility.md` 161), so that one file
serves both; unknown keys are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stigmer_tui.core import settings
from stigmer_tui.core.errors import StigmerError, as_text
from stigmer_tui.core.paths import Home, absolute
from stigmer_tui.core.settings import Setting

if TYPE_CHECKING:
    from stigmer_tui.core.yaml_text import Document

DEFAULT_ADDRESS = "127.0.0.1:50051"
DEFAULT_ORGANIZATION = "local"
SERVER_VARIABLE = settings.SERVER.variable


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model agents use. If `provider` is empty, it follows from the keys in the environment, or is `scripted`."""

    provider: str = ""
    model: str = ""
    base_url: str = ""
    script: Path | None = None
    """Script file for the scripted provider, used by agents without a script of their own."""


@dataclass(frozen=True, slots=True)
class Configuration:
    home: Home
    address: str = ""
    """host:port for the daemon to listen on; empty for the default."""
    server: str = ""
    """host:port of a server to connect to (STIGMER_SERVER_ADDR); empty to use our own daemon."""
    organization: str = DEFAULT_ORGANIZATION
    model: ModelSettings = field(default_factory=ModelSettings)
    sandbox_root: Path | None = None
    """One working folder for all agents, instead of one per session below the home folder."""


def load_configuration(environment: Mapping[str, str]) -> Configuration:
    """Raises StigmerError, with file and line, for an invalid config.yaml."""
    home = Home.from_environment(environment)
    file = _File.read(home.configuration)

    def text_of(variable: str) -> str:
        return as_text(environment.get(variable, ""), variable).strip()

    def text(setting: Setting) -> str:
        return text_of(setting.variable) or file.text(*setting.keys)

    def path(setting: Setting) -> Path | None:
        """Relative to the working folder; in config.yaml, relative to the folder of that file."""
        if text := text_of(setting.variable):
            return absolute(text)
        text = file.text(*setting.keys)
        return absolute(str(home.root / text) if text[0] != "~" else text) if text else None

    return Configuration(
        home=home,
        address=parse_address(text(settings.ADDRESS)),
        server=named_server(environment),
        organization=text(settings.ORGANIZATION) or DEFAULT_ORGANIZATION,
        model=ModelSettings(
            provider=text(settings.PROVIDER).lower(),
            model=text(settings.MODEL),
            base_url=text(settings.BASE_URL),
            script=path(settings.SCRIPT),
        ),
        sandbox_root=path(settings.SANDBOX_ROOT),
    )


def named_server(environment: Mapping[str, str]) -> str:
    """host:port from STIGMER_SERVER_ADDR; empty if it is not set."""
    return parse_address(as_text(environment.get(SERVER_VARIABLE, ""), SERVER_VARIABLE).strip())


def parse_address(text: str) -> str:
    """Normalizes `host:port`, `:port` or a bare port to `host:port`. Port 0 means any free port; empty stays empty."""
    if not text:
        return ""
    host, _, port = text.rpartition(":")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise StigmerError(f"Not an address: {text}", "Expected host:port or a port, such as 127.0.0.1:50051 or 0.")
    return f"{host or '127.0.0.1'}:{int(port)}"


@dataclass(frozen=True, slots=True)
class _File:
    document: Document | None
    """Returns None if the file does not exist."""

    @classmethod
    def read(cls, path: Path) -> _File:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            raise StigmerError(f"Cannot read {path}: {_reason(error)}") from error
        if not text.strip():
            return cls(None)
        from stigmer_tui.core.yaml_text import read_yaml

        return cls(read_yaml(text, str(path)))

    def text(self, *keys: str) -> str:
        if self.document is None:
            return ""
        value: Any = self.document.value
        for depth, key in enumerate(keys):
            if value is None:
                return ""
            if not isinstance(value, dict):
                where = self.document.where(*keys[:depth])
                raise StigmerError(f"{where} must hold keys such as {key!r}, not a plain value")
            value = value.get(key)
        if isinstance(value, dict | list):
            raise StigmerError(f"{self.document.where(*keys)} must be a plain value")
        return "" if value is None else as_text(str(value), self.document.where(*keys)).strip()


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
