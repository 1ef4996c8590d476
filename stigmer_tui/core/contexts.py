"""Contexts: backends by name, of which one is used. `local` is the daemon of this home, and needs no entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stigmer_tui.core.addresses import names_this_machine
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home, absolute

LOCAL, CLOUD = "local", "cloud"

CONTEXTS = "contexts"
"""Key of config.yaml: entries by name."""

CLOUD_KEYS = ("backend", "cloud")
"""Of an existing installation (`docs/compatibility.md` 161)."""

CLOUD_ADDRESS = "api.stigmer.ai:443"
TLS_PORT = 443


@dataclass(frozen=True, slots=True)
class Context:
    name: str
    address: str = ""
    """host:port; empty for a daemon of ours."""
    tls: bool = False
    ca: Path | None = None
    """Certificates to trust instead of the system's, as PEM."""
    token_variable: str = ""
    """Variable of the environment with the token; without one the keyring is asked."""
    filed_token: str = ""
    """Of an existing installation's config.yaml. We never write it."""
    organization: str = ""
    home: Path | None = None
    """Home folder of another daemon of ours."""

    @property
    def url(self) -> str:
        """As it stands in config.yaml; empty for a daemon of ours."""
        return f"https://{self.address}" if self.tls else self.address

    @property
    def token_name(self) -> str:
        """In the list of stored keys."""
        return f"context {self.name}"

    def described(self) -> str:
        if self.address:
            return f"{self.url} (TLS)" if self.tls else self.address
        return f"the daemon of {self.home}" if self.home else "the daemon on this machine"

    def token(self, home: Home, environment: Mapping[str, str]) -> str:
        """Empty where none is known. Raises StigmerError where it cannot be had, or would be sent in clear to another
        machine.
        """
        token = self._token(home, environment)
        if token and not self.tls and not names_this_machine(self.address.rpartition(":")[0]):
            raise StigmerError(
                f"The context {self.name} would send its token in clear to {self.address}",
                f"Use TLS: stigmer-tui context set {self.name} --server {self.address} --tls",
            )
        if token:
            from stigmer_tui.core.known_secrets import remember_values

            remember_values([token])
        return token

    def _token(self, home: Home, environment: Mapping[str, str]) -> str:
        if self.token_variable:
            if token := environment.get(self.token_variable, "").strip():
                return token
            raise StigmerError(
                f"The context {self.name} takes its token from {self.token_variable}, which is not set",
                f"Set it, or store the token in the keyring: stigmer-tui context set {self.name} --token",
            )
        # Imported lazily: most people use the daemon, which needs no stored token.
        from stigmer_tui.core.stored_keys import KeyStore, find_stored

        keys = KeyStore(home)
        stored = find_stored(keys.list(), self.token_name, self.url)
        return (keys.read(stored) if stored else "") or self.filed_token


OUR_DAEMON = Context(LOCAL)


def read_contexts(file: ConfigurationFile) -> dict[str, Context]:
    """All that there are, our daemon first. Raises StigmerError, with file and line, for an invalid entry."""
    contexts = {LOCAL: OUR_DAEMON, CLOUD: _cloud(file)}
    value: Any = file.document.value if file.document else None
    entries: Any = value.get(CONTEXTS) if isinstance(value, dict) else None
    if entries is None:
        return contexts
    if not isinstance(entries, dict):
        raise StigmerError(f"{file.where((CONTEXTS,))} must hold contexts by their names")
    for name in map(str, entries):
        contexts[name] = _entry(file, name, contexts.get(name))
    return contexts


def find_context(name: str, origin: str, file: ConfigurationFile) -> Context:
    """Raises StigmerError where there is none of this name."""
    if not name or name == LOCAL:
        return OUR_DAEMON
    contexts = read_contexts(file)
    if name in contexts:
        return contexts[name]
    # Imported lazily, as below: every command loads this module.
    from difflib import get_close_matches

    near = get_close_matches(name, contexts, n=1)
    advice = f"Did you mean {near[0]}? " if near else ""
    raise StigmerError(
        f"There is no context {name}, which {origin} names",
        f"{advice}All of them: stigmer-tui context list; a new one: stigmer-tui context set {name} --server HOST:PORT",
    )


def parse_server(text: str, where: str) -> tuple[str, bool]:
    """host:port, and whether it is reached by TLS, of `host:port` or `https://host[:port]`. Raises StigmerError."""
    from urllib.parse import urlsplit

    try:
        address = urlsplit(text if "://" in text else f"//{text}")
        host, port = address.hostname, address.port
    except ValueError:
        host, port, address = None, None, urlsplit("")
    tls = address.scheme == "https"
    port = port or (TLS_PORT if tls else None)
    if not host or not port or address.scheme not in ("", "https") or address.path.strip("/") or "@" in address.netloc:
        raise StigmerError(f"{where}: not the address of a server", "Expected host:port, or https://host:port for TLS.")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}", tls


def _cloud(file: ConfigurationFile) -> Context:
    endpoint = file.text((*CLOUD_KEYS, "endpoint")) or CLOUD_ADDRESS
    address, _ = parse_server(endpoint, file.where((*CLOUD_KEYS, "endpoint")))
    return Context(
        CLOUD,
        address,
        tls=True,
        filed_token=file.text((*CLOUD_KEYS, "token")),
        organization=file.text((*CLOUD_KEYS, "org_id")),
    )


def _entry(file: ConfigurationFile, name: str, known: Context | None) -> Context:
    def text(key: str) -> str:
        return file.text((CONTEXTS, name, key))

    def path(key: str) -> Path | None:
        """Relative to the folder of config.yaml."""
        value = text(key)
        return absolute(str(file.path.parent / value) if value[0] != "~" else value) if value else None

    where = file.where((CONTEXTS, name))
    server, home = text("server"), path("home")
    if name == LOCAL:
        raise StigmerError(f"{where}: {LOCAL} is always the daemon on this machine", "Choose another name.")
    if home:
        if server:
            raise StigmerError(f"{where}: a context has a server or a home, not both")
        return Context(name, home=home, organization=text("organization"))
    if not server and known is None:
        raise StigmerError(f"{where}: the context {name} has no server", "Give it one, host:port, or remove the entry.")
    context = known or Context(name)
    if server:
        address, tls = parse_server(server, where)
        context = Context(name, address, tls)
    return replace(
        context,
        ca=path("ca"),
        token_variable=text("token_variable"),
        organization=text("organization") or context.organization,
    )
