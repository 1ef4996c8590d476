"""A copy of a database from before a migration."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

from stigmer_tui.core.private_files import ensure_private
from stigmer_tui.core.storage_errors import Fault, StorageError, storage_error


def backup_path(path: Path, version: int) -> Path:
    """Beside the database, with the version that it is of: `workbench.db.version-3`."""
    return path.with_name(f"{path.name}.version-{version}")


def back_up(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    """Copies the database as it is, complete or not at all. Raises StorageError."""
    complete = backup_path(path, version)
    partial = complete.with_name(f"{complete.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        ensure_private(partial)
        with closing(sqlite3.connect(partial)) as copy:
            connection.backup(copy)
        partial.replace(complete)
    except sqlite3.Error as error:
        partial.unlink(missing_ok=True)
        raise storage_error(complete, error) or StorageError(complete, Fault.IO, str(error)) from error
    except OSError as error:
        fault = Fault.FULL if error.errno == errno.ENOSPC else Fault.READ_ONLY
        raise StorageError(complete, fault, error.strerror or "") from error
    return complete
