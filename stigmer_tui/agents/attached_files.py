"""Files of messages, as models get them: images and documents as such, texts as a part of the message."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from grpc.aio import AioRpcError, Channel
from pydantic_ai.messages import BinaryContent, ModelMessage, UserContent, UserPromptPart

from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.models.ollama import Ollama
from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.execution_pb2 import AttachedFileQuery
from stigmer_tui.api.execution_pb2_grpc import ExecutionControllerStub
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_providers import OLLAMA
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.units import size_text
from stigmer_tui.definition.attached_files import AttachedFile, files_in

TEXTS_ONLY = ("gpt-3.5", "o1-mini", "o1-preview", "o3-mini", "gpt-oss", "deepseek", "claude-2", "claude-instant")
"""How the names of models begin that take no images and no documents."""

TOKENS = 1_600
"""Of an image or a page, by estimate."""


async def check_files(choice: ModelChoice, files: Sequence[AttachedFile]) -> None:
    """Raises StigmerError if the model does not take one of the files."""
    others = [file for file in files if not file.is_text]
    if not others or choice.is_scripted:
        return
    if choice.model.startswith(TEXTS_ONLY):
        raise _refusal(choice, others[0], "it takes texts only")
    if choice.provider is OLLAMA:
        for file in others:
            if not file.is_image:
                raise _refusal(choice, file, "models of Ollama take images and texts")
        capabilities = await Ollama(choice.base_url).capabilities(choice.model)
        if capabilities and "vision" not in capabilities:
            raise _refusal(choice, others[0], "it takes texts only", "One that sees: ollama pull llama3.2-vision")


def _refusal(
    choice: ModelChoice, file: AttachedFile, reason: str, advice: str = "Choose another model."
) -> StigmerError:
    return StigmerError(f"{choice} cannot be given {file}: {reason}", advice)


async def load_files(channel: Channel, execution: AgentExecution, redactor: Redactor) -> list[UserContent]:
    """What the model gets of the files of an execution. Raises StigmerError if they cannot be read."""
    contents: list[UserContent] = []
    files = files_in(execution.metadata.annotations)
    if not files:
        return contents
    controller = ExecutionControllerStub(channel)
    for file in files:
        query = AttachedFileQuery(execution_id=execution.metadata.id, hash=file.hash)
        try:
            content = (await controller.attachedFile(query)).content
        except AioRpcError as error:
            raise StigmerError(f"Cannot read the attached file {file.name}: {error.details()}") from error
        contents.append(_content(file, content, redactor))
    return contents


def _content(file: AttachedFile, content: bytes, redactor: Redactor) -> UserContent:
    if file.is_text:
        text = redactor.text(content.decode(errors="replace"))
        return f'<file name="{escape(file.name)}">\n{text}\n</file>'
    return BinaryContent(content, media_type=file.type, identifier=file.name)


def prompt_text(part: UserPromptPart) -> str:
    """What a person has said, without the files."""
    if isinstance(part.content, str):
        return part.content
    return next((item for item in part.content if isinstance(item, str)), "")


def estimated_file_tokens(execution: AgentExecution) -> int:
    files = files_in(execution.metadata.annotations)
    return sum(file.size // 4 if file.is_text else TOKENS for file in files)


def without_contents(body: Any, messages: Iterable[ModelMessage]) -> Any:
    """A request with a note in the place of each image or document, which would be megabytes."""
    notes = {}
    for part in (part for message in messages for part in message.parts):
        if isinstance(part, UserPromptPart) and not isinstance(part.content, str):
            for item in part.content:
                if isinstance(item, BinaryContent):
                    note = f"<{item.identifier}: {size_text(len(item.data))}>"
                    notes[base64.b64encode(item.data).decode()] = note
                    notes[base64.urlsafe_b64encode(item.data).decode()] = note
    return _noted(body, notes) if notes else body


def _noted(value: Any, notes: dict[str, str]) -> Any:
    match value:
        case str():
            for content, note in notes.items():
                value = value.replace(content, note)
            return value
        case dict():
            return {name: _noted(item, notes) for name, item in value.items()}
        case list():
            return [_noted(item, notes) for item in value]
        case _:
            return value
