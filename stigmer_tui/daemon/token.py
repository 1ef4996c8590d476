"""The bearer token of an instance: whoever can read its file may use the daemon."""

from __future__ import annotations

import secrets

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import ensure_private, read_private, write_private


def read_token(home: Home) -> str:
    """Empty when there is none. Raises StigmerError for a file that cannot be read, or that is a symbolic link."""
    try:
        return read_private(home.token).strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StigmerError(f"Cannot read the token {home.token}: {error.strerror}") from error


def create_token(home: Home) -> str:
    """The token of this instance, made on its first start; the file is readable by its owner only.

    Raises StigmerError as `read_token`, and where it cannot be written.
    """
    token = read_token(home)
    try:
        if not token:
            token = secrets.token_urlsafe(32)
            write_private(home.token, token)
        ensure_private(home.token)
    except OSError as error:
        raise StigmerError(f"Cannot write the token {home.token}: {error.strerror}") from error
    return token
