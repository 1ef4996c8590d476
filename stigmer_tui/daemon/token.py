"""The bearer token of an instance: whoever can read its file may use the daemon."""

from __future__ import annotations

import secrets

from stigmer_tui.core.paths import Home, write_private


def read_token(home: Home) -> str:
    """Empty when there is none."""
    try:
        return home.token.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def create_token(home: Home) -> str:
    """The token of this instance, made on its first start; the file is readable by its owner only."""
    token = read_token(home)
    if not token:
        token = secrets.token_urlsafe(32)
        write_private(home.token, token)
    home.token.chmod(0o600)
    return token
