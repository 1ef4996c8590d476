"""The tool calls of a chat completion's stream, made of deltas in all the ways in which servers cut and number them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NOT_YET = "{}"
"""Stands for no arguments, or for arguments that are still to come."""


@dataclass(slots=True)
class _Call:
    position: int
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    untold: str = ""
    """Arguments that are held back."""
    extra: Any = None
    """What Google wants to have back with the call."""
    is_told: bool = False

    def has_whole_arguments(self) -> bool:
        try:
            return isinstance(json.loads("".join(self.arguments)), dict)
        except ValueError:
            return False


class ToolCalls:
    """Reads deltas as they come and gives them as OpenAI would have sent them.

    Calls are numbered anew; each is begun once its name is whole, and its id and name are told once.
    """

    def __init__(self, tools: Collection[str]) -> None:
        """`tools` are names that are known to be whole."""
        self._tools = tools
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def read(self, deltas: Any) -> Iterator[dict[str, Any]]:
        for delta in deltas if isinstance(deltas, Sequence) else [deltas]:
            if isinstance(delta, Mapping):
                yield from self._read(delta)

    def end(self) -> Iterator[dict[str, Any]]:
        """What was held back."""
        for call in self._calls:
            if call.name and (call.untold or not call.is_told):
                yield self._told(call, call.untold)

    def _read(self, delta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        function = delta.get("function")
        function = function if isinstance(function, Mapping) else delta
        call_id, name = _text(delta.get("id")), _text(function.get("name"))
        arguments = _arguments(function.get("arguments"))
        call = self._call(delta.get("index"), call_id, name, arguments)
        call.id = call.id or call_id
        call.extra = call.extra or delta.get("extra_content")
        self._name(call, name)
        self._argue(call, arguments)
        # Until its arguments begin, a name that is not known may still grow.
        is_named = call.name in self._tools or (call.name and call.untold)
        ready = "" if call.untold == NOT_YET else call.untold
        if is_named and (ready or not call.is_told):
            yield self._told(call, ready)

    def _call(self, index: Any, call_id: str, name: str, arguments: str) -> _Call:
        """The call that a delta belongs to, which may be a new one."""
        if isinstance(index, int):
            known = self._by_index.get(index)
        else:
            with_id = (call for call in self._calls if call_id and call.id == call_id)
            known = next(with_id, self._calls[-1] if self._calls else None)
        if known is None or self._is_another(known, call_id, name, arguments):
            known = _Call(len(self._calls))
            self._calls.append(known)
        if isinstance(index, int):
            self._by_index[index] = known
        return known

    def _is_another(self, known: _Call, call_id: str, name: str, arguments: str) -> bool:
        """Whether a delta in the place of a known call begins another one: some servers give all the same number."""
        if not name or not known.name or (call_id and call_id == known.id):
            return False
        if name == known.name and not arguments:
            return False
        return known.has_whole_arguments() or (name != known.name and known.name in self._tools)

    def _name(self, call: _Call, name: str) -> None:
        """Names come once, in every delta, in pieces, or longer each time."""
        is_whole = call.is_told or bool(call.arguments) or call.name in self._tools
        if not call.name or name.startswith(call.name):
            call.name = call.name if is_whole and call.name else name
        elif not is_whole and name:
            call.name += name

    def _argue(self, call: _Call, arguments: str) -> None:
        if not arguments:
            return
        so_far = call.arguments
        if call.untold == NOT_YET and arguments.lstrip().startswith("{"):
            so_far.clear()
            call.untold = ""
        is_repeated = sum(map(len, so_far)) == len(arguments) > 2 and "".join(so_far) == arguments
        if not (is_repeated and call.has_whole_arguments()):
            so_far.append(arguments)
            call.untold += arguments

    def _told(self, call: _Call, arguments: str) -> dict[str, Any]:
        function = {"arguments": arguments}
        delta: dict[str, Any] = {"index": call.position, "type": "function", "function": function}
        if not call.is_told:
            function["name"] = call.name
            delta["id"] = call.id or None
            if call.extra:
                delta["extra_content"] = call.extra
        call.is_told = True
        call.untold = call.untold[len(arguments) :]
        return delta


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _arguments(value: Any) -> str:
    """As a text, also where a server sends the data itself."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
