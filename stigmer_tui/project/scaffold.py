"""`stigmer-tui new NAME`: a project that runs as it is, offline (`docs/compatibility.md` 141)."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_schema import SCHEMA_FILE, schema_text

TEMPLATE = Path(__file__).parent / "template"
PLACEHOLDER = "my-project"
"""The name of the project in the template."""
HIDDEN = {"gitignore": ".gitignore"}
"""Files of the template that would take effect within this repository under their real names."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def create_project(parent: Path, name: str) -> Path:
    """Creates the folder `name` with a project in it, and returns it; a failure leaves nothing behind.

    Raises StigmerError for a name that is not valid, for a folder that exists, and where nothing can be written.
    """
    if not _NAME.fullmatch(name):
        raise StigmerError(f"{name!r} is not a valid project name", "Use letters, digits, hyphens and underscores.")
    folder = parent.absolute() / name
    if folder.exists() or folder.is_symlink():
        raise StigmerError(f"{folder} is there already", "Choose another name, or remove it first.")
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
        try:
            _write(scratch, name)
            scratch.chmod(0o755)
            scratch.rename(folder)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    except OSError as error:
        raise StigmerError(f"Cannot make {folder}: {error.strerror or error}") from error
    return folder


def _write(folder: Path, name: str) -> None:
    (folder / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    for source in sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        relative = source.relative_to(TEMPLATE)
        target = folder / relative.with_name(HIDDEN.get(relative.name, relative.name))
        target.parent.mkdir(exist_ok=True)
        text = source.read_text(encoding="utf-8").replace(PLACEHOLDER, name)
        target.write_text(text, encoding="utf-8")
