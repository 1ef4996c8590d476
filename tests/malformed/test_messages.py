"""Messages to every method of the server: bytes that are no message, empty ones, and odd values in every field."""

from __future__ import annotations

import pkgutil
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc.aio import AioRpcError

from stigmer_tui import api as generated
from stigmer_tui.api.channel import open_channel
from tests.server.conftest import RUNNER_TOKEN, Api, running

OUR_FAULT = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED)

VARIANTS = 12
"""Odd messages for each method."""

MAX_DEPTH = 4
"""Of messages within messages."""

TEXTS = ("", " ", "../../x", "a" * 3000, "\0", "${ .x | ", "'; DROP TABLE executions; --", "🫖", "[1", "wfx_1", "local")
NUMBERS = (0, 1, 7, 2**31 - 1)


def methods() -> Iterator[MethodDescriptor]:
    for module in pkgutil.iter_modules(generated.__path__):
        if module.name.endswith("_pb2"):
            file = import_module(f"{generated.__name__}.{module.name}").DESCRIPTOR
            for service in file.services_by_name.values():
                yield from service.methods


METHODS = list(methods())


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path) as opened:
        yield opened


def odd(message: Message, chance: random.Random, depth: int = 0) -> Message:
    """Some of its fields get values that are of the right type, and that hardly any caller means."""
    for field in cast(Sequence[FieldDescriptor], message.DESCRIPTOR.fields):
        if chance.random() < 0.4:
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            continue
        values = [_odd_value(field, chance, depth) for _ in range(2 if field.is_repeated else 1)]
        for value in values:
            _put(message, field, value)
    return message


def _odd_value(field: FieldDescriptor, chance: random.Random, depth: int) -> Any:
    if field.message_type:
        inner = GetMessageClass(field.message_type)()
        return odd(inner, chance, depth + 1) if depth < MAX_DEPTH else inner
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return chance.choice(TEXTS).encode()
        case FieldDescriptor.CPPTYPE_STRING:
            return chance.choice(TEXTS)
        case FieldDescriptor.CPPTYPE_BOOL:
            return chance.random() < 0.5
        case FieldDescriptor.CPPTYPE_FLOAT | FieldDescriptor.CPPTYPE_DOUBLE:
            return chance.choice((0.0, -1.0, float("nan"), float("inf"), 1e308))
        case _:
            return chance.choice(NUMBERS)


def _put(message: Message, field: FieldDescriptor, value: Any) -> None:
    if field.is_repeated:
        getattr(message, field.name).extend([value])
    elif field.message_type:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def payloads(method: MethodDescriptor) -> Iterator[bytes]:
    yield b""
    yield b"\xff\xff\xff no message"
    # A length that is longer than what follows.
    yield b"\x0a\x7fshort"
    chance = random.Random(method.full_name)
    for _ in range(VARIANTS):
        yield odd(GetMessageClass(method.input_type)(), chance).SerializeToString()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
async def test_every_method(method: MethodDescriptor, server: Api) -> None:
    service = method.containing_service.full_name
    token = RUNNER_TOKEN if "Runner" in service else ""
    channel = open_channel(server.server.address, token)
    call: Any = channel.unary_stream(f"/{service}/{method.name}")
    for payload in payloads(method):
        stream = call(payload, timeout=20)
        try:
            await anext(aiter(stream), None)
        except AioRpcError as error:
            code, said = error.code(), error.details() or ""
            assert code not in OUR_FAULT, f"{payload!r}: {code.name}: {said}"
            assert said and "Traceback" not in said and "incident" not in said, said
        finally:
            stream.cancel()
    await channel.close()
