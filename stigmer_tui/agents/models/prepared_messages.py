"""Messages as a model gets them: of those that it has got before, nothing is looked at again.

The framework goes through the whole conversation for each request, for text that looks like control tokens or like a
message of the system, and much else; it took 40 µs for each turn there was before.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_

from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model, ModelRequestParameters


class PreparedMessages:
    """Of one model in one run."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._plain: Sequence[ModelMessage] = ()
        """Messages of the latest request, if there was nothing in them to change."""

    def of(self, messages: list[ModelMessage], parameters: ModelRequestParameters) -> list[ModelMessage]:
        """What the framework makes of the messages for its model."""
        known = len(self._plain)
        if known and _same(self._plain, messages[:known]):
            new = messages[known:]
            if not new or _same(new, self._model.prepare_messages(new, parameters)):
                self._plain = messages
                return messages
        prepared = self._model.prepare_messages(messages, parameters)
        self._plain = messages if _same(messages, prepared) else ()
        return prepared


def _same(these: Sequence[ModelMessage], those: Sequence[ModelMessage]) -> bool:
    return len(these) == len(those) and all(map(is_, these, those))
