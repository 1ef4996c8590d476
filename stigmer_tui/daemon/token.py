"""The bearer token of an instance, readable by its owner only."""

from __future__ import annotations

import secrets

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import ensure_private, read_private, write_private


def read_token(home: Home) -> str:
    """Empty if there is none. Raises StigmerError for an unreadable file or a symbolic link."""
    try:
        return read_private(home.token).strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StigmerError(f"Cannot read the token {home.token}: {error.strerror}") from error


def create_token(home: Home) -> str:
    """Creates the token at the first start. Raises StigmerError like `read_token`, and if it cannot be written."""
    token = read_token(home)
    try:
        if not token:
            token = secrets.token_urlsafe(32)
            write_private(home.token, token)
        ensure_private(home.token)
    except OSError as error:
        raise StigmerError(f"Cannot write the token {home.token}: {error.strerror}") from error
    return token
