"""Definitions of their own, for notebooks and unit tests."""

from __future__ import annotations

from contextvars import Token
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from stigmer_tui.sdk.errors import DefinitionError, near_miss
from stigmer_tui.sdk.registry import Registry, enter_registry, leave_registry

if TYPE_CHECKING:
    from google.protobuf.message import Message


class Definitions:
    """What is defined within its `with` block, apart from everything else: for unit tests and notebooks.

        def test_the_flow_says_something_kind() -> None:
            with Definitions() as definitions:
                define_shop()
            tally = definitions.manifest("Workflow", "tally")
            assert [task["name"] for task in tally["spec"]["tasks"]] == ["fetch", "answer", "result"]

    Nothing is deployed. In a notebook, and in an interpreter in which one types, a cell may be run again: what it
    defines takes the place of what it defined before.
    """

    def __init__(self) -> None:
        self._registry = Registry()
        self._token: Token[Registry] | None = None

    def __enter__(self) -> Self:
        self._token = enter_registry(self._registry)
        return self

    def __exit__(self, *details: object) -> None:
        if self._token is not None:
            leave_registry(self._token)
            self._token = None

    def manifests(self) -> list[dict[str, Any]]:
        """All manifests as data, in the form of `stigmer-tui get --output json`.

        Raises DefinitionError for what shows only when everything is defined, such as a workflow without tasks.
        """
        from google.protobuf.json_format import MessageToDict

        return [MessageToDict(message, preserving_proto_field_name=True) for message in self._messages()]

    def manifest(self, kind: str, name: str) -> dict[str, Any]:
        """One of them: `definitions.manifest("Agent", "helper")`. Raises DefinitionError where there is none."""
        found = {each["metadata"]["name"]: each for each in self.manifests() if each["kind"] == kind}
        if name not in found:
            raise DefinitionError(f'No {kind} "{name}" is defined', near_miss(name, list(found)))
        return found[name]

    def write(self, folder: str | Path) -> None:
        """Writes the manifests as files, as a project leaves them in STIGMER_OUT_DIR."""
        from stigmer_tui.sdk.manifests import manifest_files, write_files

        write_files(manifest_files(self._registry, 0), Path(folder))

    def _messages(self) -> list[Message]:
        from stigmer_tui.sdk.manifests import manifest_messages

        return manifest_messages(self._registry)
