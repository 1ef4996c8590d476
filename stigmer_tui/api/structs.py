"""google.protobuf.Struct, whose numbers are all doubles, to and from plain data with integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value

EXACT = 2**53
"""The first integer that a double may round."""


def to_data(struct: Struct) -> dict[str, Any]:
    """By key: on the wire the fields have no order, and a reader sees another one each time."""
    return {key: _data(struct.fields[key]) for key in sorted(struct.fields)}


def to_struct(data: Mapping[str, Any]) -> Struct:
    """Integers that a double cannot hold become texts, so that no digit is lost."""
    return Struct(fields={str(key): _value(value) for key, value in data.items()})


def _data(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return to_data(value.struct_value)
        case "list_value":
            return [_data(item) for item in value.list_value.values]
        case "string_value":
            return value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= EXACT else number
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _value(data: Any) -> Value:
    match data:
        case None:
            return Value(null_value=0)  # type: ignore[arg-type]
        case bool():
            return Value(bool_value=data)
        case int() if abs(data) > EXACT:
            return Value(string_value=str(data))
        case int() | float():
            return Value(number_value=data)
        case str():
            return Value(string_value=data)
        case Mapping():
            return Value(struct_value=to_struct(data))
        case list() | tuple():
            return Value(list_value=ListValue(values=[_value(item) for item in data]))
        case _:
            raise TypeError(f"no JSON value: {data!r}")
