"""Normalizes the deltas of tool calls in a chat completion, which servers split and number in many ways."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NOT_YET = "{}"
"""No arguments, or arguments that follow later."""


@dataclass(slots=True)
class _Call:
    position: int
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    unsent: str = ""
    """Arguments that are held back."""
    extra: Any = None
    """Data that Google expects back with the call."""
    is_sent: bool = False

    def has_whole_arguments(self) -> bool:
        try:
            return isinstance(json.loads("".join(self.arguments)), dict)
        except ValueError:
            return False


class ToolCalls:
    """Reads deltas and gives them in the form of OpenAI.

    Calls are numbered from 0. A call begins once its name is complete, and its id and name are sent once.
    """

    def __init__(self, tools: Collection[str]) -> None:
        """`tools` are the names of tools, which are complete names."""
        self._tools = tools
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def read(self, deltas: Any) -> Iterator[dict[str, Any]]:
        """Reads deltas; gives those that can be sent."""
        for delta in deltas if isinstance(deltas, Sequence) else [deltas]:
            if isinstance(delta, Mapping):
                yield from self._read(delta)

    def end(self) -> Iterator[dict[str, Any]]:
        """Ends the calls; gives what was held back."""
        for call in self._calls:
            if call.name and (call.unsent or not call.is_sent):
                yield self._delta(call, call.unsent)

    def _read(self, delta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        function = delta.get("function")
        function = function if isinstance(function, Mapping) else delta
        call_id, name = _text(delta.get("id")), _text(function.get("name"))
        arguments = _arguments(function.get("arguments"))
        call = self._call(delta.get("index"), call_id, name, arguments)
        call.id = call.id or call_id
        call.extra = call.extra or delta.get("extra_content")
        self._set_name(call, name)
        self._append_arguments(call, arguments)
        # A name that is not known is complete only when the arguments begin.
        is_named = call.name in self._tools or (call.name and call.unsent)
        ready = "" if call.unsent == NOT_YET else call.unsent
        if is_named and (ready or not call.is_sent):
            yield self._delta(call, ready)

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
        """Whether a delta with the index of a known call begins another one: some servers give all the same index."""
        if not name or not known.name or (call_id and call_id == known.id):
            return False
        if name == known.name and not arguments:
            return False
        return known.has_whole_arguments() or (name != known.name and known.name in self._tools)

    def _set_name(self, call: _Call, name: str) -> None:
        """Names come once, repeated in every delta, in pieces, or growing."""
        is_whole = call.is_sent or bool(call.arguments) or call.name in self._tools
        if not call.name or name.startswith(call.name):
            call.name = call.name if is_whole and call.name else name
        elif not is_whole and name:
            call.name += name

    def _append_arguments(self, call: _Call, arguments: str) -> None:
        if not arguments:
            return
        so_far = call.arguments
        if call.unsent == NOT_YET and arguments.lstrip().startswith("{"):
            so_far.clear()
            call.unsent = ""
        is_repeated = sum(map(len, so_far)) == len(arguments) > 2 and "".join(so_far) == arguments
        if not (is_repeated and call.has_whole_arguments()):
            so_far.append(arguments)
            call.unsent += arguments

    def _delta(self, call: _Call, arguments: str) -> dict[str, Any]:
        function = {"arguments": arguments}
        delta: dict[str, Any] = {"index": call.position, "type": "function", "function": function}
        if not call.is_sent:
            function["name"] = call.name
            delta["id"] = call.id or None
            if call.extra:
                delta["extra_content"] = call.extra
        call.is_sent = True
        call.unsent = call.unsent[len(arguments) :]
        return delta


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _arguments(value: Any) -> str:
    """Arguments as text, even where a server sends data."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
