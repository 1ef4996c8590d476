"""Bearer tokens, each in a file that its owner only can read: that of an instance, and that of its API by HTTP."""

from __future__ import annotations

import secrets
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.private_files import ensure_private, read_private, write_private


def read_token(path: Path) -> str:
    """Empty if there is none. Raises StigmerError for an unreadable file or a symbolic link."""
    try:
        return read_private(path).strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StigmerError(f"Cannot read the token {path}: {error.strerror}") from error


def create_token(path: Path) -> str:
    """Creates the token at the first start. Raises StigmerError like `read_token`, and if it cannot be written."""
    token = read_token(path)
    try:
        if not token:
            token = secrets.token_urlsafe(32)
            write_private(path, token)
        ensure_private(path)
    except OSError as error:
        raise StigmerError(f"Cannot write the token {path}: {error.strerror}") from error
    return token
