"""Settings: what a flag says wins over the environment, that over config.yaml, that over the defaults.

The keys under `backend` are those of an existing installation (`docs/compatibility.md` 161), so that one file
serves both; keys that are not ours are left alone.
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
    """Which model agents use. An empty provider is chosen by what there is: a key in the environment, or a script."""

    provider: str = ""
    model: str = ""
    base_url: str = ""
    script: Path | None = None
    """A file with the turns of the scripted provider, for agents that carry none."""


@dataclass(frozen=True, slots=True)
class Configuration:
    home: Home
    address: str = ""
    """host:port at which the daemon is to listen; empty when nobody chose one."""
    server: str = ""
    """host:port of a server that is not ours to start (STIGMER_SERVER_ADDR); empty for our own daemon."""
    organization: str = DEFAULT_ORGANIZATION
    model: ModelSettings = field(default_factory=ModelSettings)
    sandbox_root: Path | None = None
    """A folder for all agents, instead of one for each session below the home folder."""


def load_configuration(environment: Mapping[str, str]) -> Configuration:
    """Raises StigmerError, with file and line, for a config.yaml that cannot be understood."""
    home = Home.from_environment(environment)
    file = _File.read(home.configuration)

    def text_of(variable: str) -> str:
        return as_text(environment.get(variable, ""), variable).strip()

    def text(setting: Setting) -> str:
        return text_of(setting.variable) or file.text(*setting.keys)

    def path(setting: Setting) -> Path | None:
        """Relative to where the person is; in the file, to where that is."""
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
    """host:port of the server that STIGMER_SERVER_ADDR names; empty where our own daemon is used."""
    return parse_address(as_text(environment.get(SERVER_VARIABLE, ""), SERVER_VARIABLE).strip())


def parse_address(text: str) -> str:
    """`host:port` from that, from `:port` or from a bare port; port 0 is any free one. Empty stays empty."""
    if not text:
        return ""
    host, _, port = text.rpartition(":")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise StigmerError(f"Not an address: {text}", "Expected host:port or a port, such as 127.0.0.1:50051 or 0.")
    return f"{host or '127.0.0.1'}:{int(port)}"


@dataclass(frozen=True, slots=True)
class _File:
    document: Document | None
    """None for a file that is not there."""

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
