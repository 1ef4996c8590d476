"""`stigmer-tui new NAME`: a project that runs as it is, offline (`docs/compatibility.md` 141).

What it is made of stands in the folder `templates`, in one folder for each template.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_schema import SCHEMA_FILE, schema_text

FOLDER = Path(__file__).parent / "templates"
GITIGNORE = FOLDER / "gitignore"
"""Of every project; under its real name it would take effect within this repository."""
PLACEHOLDER = "my-project"
"""The name of the project in a template."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a project begins as."""

    name: str
    description: str

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return FOLDER / self.name


TEMPLATES = (
    Template("agent-workflow", "Python: a workflow and the agents of a small tea shop"),
    Template("agent", "Python: an agent with a folder and tools"),
    Template("workflow", "Python: a workflow with a branch and a loop"),
    Template("mcp", "Python: an agent with an MCP server of its own"),
    Template("yaml", "no code: manifests of an agent, a workflow and an instance"),
    Template("go", "Go: an agent and a workflow, by the standard library"),
    Template("node", "Node, or any other language: a program that writes manifests"),
)
"""All templates; the first one is taken where nobody chooses."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def template_named(name: str) -> Template:
    """Raises StigmerError, with the nearest name, where there is none of this name."""
    names = [template.name for template in TEMPLATES]
    if name not in names:
        from stigmer_tui.definition.problems import near_miss

        raise StigmerError(f"There is no template {name}{near_miss(name, names)}", f"There are {', '.join(names)}.")
    return TEMPLATES[names.index(name)]


def check_name(parent: Path, name: str) -> None:
    """Raises StigmerError for a name that is not valid, and for a folder that exists."""
    if not _NAME.fullmatch(name):
        raise StigmerError(f"{name!r} is not a valid project name", "Use letters, digits, hyphens and underscores.")
    folder = parent.absolute() / name
    if folder.exists() or folder.is_symlink():
        raise StigmerError(f"{folder} is there already", "Choose another name, or remove it first.")


def create_project(parent: Path, name: str, template: Template = TEMPLATES[0]) -> Path:
    """Creates the folder `name` with a project in it, and returns it; a failure leaves nothing behind.

    Raises StigmerError as `check_name` does, and where nothing can be written.
    """
    check_name(parent, name)
    folder = parent.absolute() / name
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
        try:
            _write(scratch, name, template)
            scratch.chmod(0o755)
            scratch.rename(folder)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    except OSError as error:
        raise StigmerError(f"Cannot make {folder}: {error.strerror or error}") from error
    return folder


def _write(folder: Path, name: str, template: Template) -> None:
    (folder / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    shutil.copyfile(GITIGNORE, folder / ".gitignore")
    for source in sorted(path for path in template.folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        target = folder / source.relative_to(template.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8").replace(PLACEHOLDER, name)
        target.write_text(text, encoding="utf-8")
