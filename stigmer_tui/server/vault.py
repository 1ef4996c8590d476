"""Secret values: encrypted in the database if the OS keyring keeps the key, else only in this process's memory."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.environment_pb2 import Environment, EnvironmentValue
from stigmer_tui.api.execution_context_pb2 import ExecutionContext, ExecutionValue
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember_values
from stigmer_tui.core.redaction import REDACTED
from stigmer_tui.core.sqlite import Database, outcome, persisted
from stigmer_tui.core.stored_keys import encrypting_backend

logger = logging.getLogger(__name__)

KEYRING_SERVICE = "stigmer-tui"
KEYRING_LIMIT = 2.0
"""Seconds. A locked keyring may open a dialog on another screen."""

NONCE_SIZE = 12


class KeySource(Protocol):
    async def key(self) -> bytes | None:
        """32 bytes that outlive the process, or None if there is no keyring."""
        ...


class KeyringKey:
    """A random key in the OS keyring, one per home folder."""

    def __init__(self, home: str) -> None:
        self._home = home

    async def key(self) -> bytes | None:
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._fetch), KEYRING_LIMIT)
        except StigmerError as error:
            logger.warning("secrets stay in memory. %s", error.message)
            return None
        except Exception as error:
            logger.info("no keyring (%s): secrets stay in memory", type(error).__name__)
            return None

    def _fetch(self) -> bytes:
        keyring = encrypting_backend()
        stored: str | None = keyring.get_password(KEYRING_SERVICE, self._home)
        if stored is None:
            stored = base64.b64encode(os.urandom(32)).decode()
            keyring.set_password(KEYRING_SERVICE, self._home, stored)
        return base64.b64decode(stored)


class Vault:
    def __init__(self, database: Database, source: KeySource) -> None:
        self._database = database
        self._source = source
        self._key: asyncio.Task[bytes | None] | None = None
        self._memory: dict[str, dict[str, str]] = {}
        self.description = ""
        """Where values are kept, for the status; empty before the first one."""

    async def keep(self, owner: str, values: Mapping[str, str]) -> None:
        if not values:
            return
        remember_values(values.values())
        cipher = await self._cipher()
        if cipher is None:
            self._memory.setdefault(owner, {}).update(values)
            return
        rows = []
        for name, value in values.items():
            nonce = os.urandom(NONCE_SIZE)
            rows.append((owner, name, nonce + cipher.encrypt(nonce, value.encode(), f"{owner}/{name}".encode())))
        sql = "INSERT OR REPLACE INTO secrets VALUES (?, ?, ?)"
        await outcome(self._database.write(lambda db: db.executemany(sql, rows)))

    async def reveal(self, owner: str) -> dict[str, str]:
        """The values of an owner by name, except those that were only in the memory of a former process."""
        found = dict(self._memory.get(owner, {}))
        rows = self._database.read("SELECT name, value FROM secrets WHERE owner = ?", (owner,))
        cipher = await self._cipher() if rows else None
        if cipher is not None:
            for name, value in rows:
                data = cipher.decrypt(value[:NONCE_SIZE], value[NONCE_SIZE:], f"{owner}/{name}".encode())
                found[name] = data.decode()
        remember_values(found.values())
        return found

    async def forget(self, owner: str) -> None:
        self._memory.pop(owner, None)

        def write() -> asyncio.Future[Any]:
            return self._database.write(lambda db: db.execute("DELETE FROM secrets WHERE owner = ?", (owner,)))

        await persisted(write(), write)

    async def protect(self, owner: str, resource: Any) -> None:
        """Stores the secret values of a resource's variables, and replaces them by marks.

        A mark that a client sends back refers to the stored value.
        """
        values = {}
        for name, variable in secret_variables(resource):
            if variable.value and variable.value != REDACTED:
                values[name] = variable.value
                variable.value = REDACTED
        await self.keep(owner, values)

    async def _cipher(self) -> Any:
        if self._key is None:
            self._key = asyncio.create_task(self._source.key())
        key = await asyncio.shield(self._key)
        self.description = "keyring" if key else "memory"
        if key is None:
            return None
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(key)


def variables_of(resource: Any) -> Mapping[str, EnvironmentValue | ExecutionValue]:
    """The variables of a resource of any kind."""
    match resource:
        case Environment() | ExecutionContext():
            return resource.spec.data
        case Agent() | Workflow():
            return resource.spec.env_spec.data
        case AgentExecution() | WorkflowExecution():
            return resource.spec.runtime_env
        case _:
            return {}


def secret_variables(resource: Any) -> Iterator[tuple[str, EnvironmentValue | ExecutionValue]]:
    for name, variable in variables_of(resource).items():
        if variable.is_secret:
            yield name, variable
