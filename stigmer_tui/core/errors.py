"""Errors with messages for users."""

from __future__ import annotations

import errno


class StigmerError(Exception):
    """What went wrong, where, and what to do about it, in words for the user.

    `message` is one line without a full stop. `advice` says what to do and may have several lines. Only these two
    are printed, so they must contain everything that helps.
    """

    exit_code = 1
    """Exit code of a process that ends with this error."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}\n\n{self.advice}" if self.advice else self.message


def system_refusal(error: OSError) -> StigmerError:
    """An OSError in words: permission denied, disk full, no such folder."""
    what = error.strerror or str(error) or type(error).__name__
    place = error.filename if isinstance(error.filename, str) else ""
    message = f"Cannot use {place}: {what}" if place else f"The system refuses: {what}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StigmerError(message if place else f"Cannot write: {what}", "Make room there, and try again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = "See who may read and write there; STIGMER_HOME chooses another place for everything that is kept."
        return StigmerError(message, advice)
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return StigmerError(message, "Allow more open files (ulimit -n), and try again.")
    return StigmerError(message)


def as_text(text: str, name: str) -> str:
    """Returns the text unchanged. Raises StigmerError if it contains lone surrogates: bytes of the command line or the
    environment that are not UTF-8, or half a surrogate pair from JSON or YAML.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError as error:
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise StigmerError(f"{name} is not valid UTF-8 text: {shown[:200]}", "Give it in UTF-8.") from error
    return text
