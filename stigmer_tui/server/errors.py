"""Errors of the API: a gRPC status code and a sentence."""

from __future__ import annotations

from grpc import StatusCode


class ApiError(Exception):
    """Ends a call with a status code and a message."""

    def __init__(self, code: StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> ApiError:
    return ApiError(StatusCode.INVALID_ARGUMENT, message)


def not_found(noun: str, name: str) -> ApiError:
    return ApiError(StatusCode.NOT_FOUND, f"{noun} not found: {name}")


def already_exists(noun: str, name: str) -> ApiError:
    return ApiError(StatusCode.ALREADY_EXISTS, f"{noun} already exists: {name}")


def not_supported(message: str) -> ApiError:
    return ApiError(StatusCode.UNIMPLEMENTED, message)


def impossible_now(message: str) -> ApiError:
    return ApiError(StatusCode.FAILED_PRECONDITION, message)
