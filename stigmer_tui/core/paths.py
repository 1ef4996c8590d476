"""Where an instance keeps its files. STIGMER_HOME moves all of them, so that instances stand side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core import settings
from stigmer_tui.core.errors import StigmerError, as_text
from stigmer_tui.core.private_files import close_to_others, make_private_folders


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one instance, `~/.stigmer` unless STIGMER_HOME says otherwise.

    What an existing Stigmer installation keeps there (its database, its configuration) is left alone: our own files
    are below `data`, under names that it does not use (`docs/compatibility.md` 160).
    """

    root: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Home:
        """Raises StigmerError where there is no such folder to be told."""
        configured = as_text(environment.get(settings.HOME.variable, ""), settings.HOME.variable).strip()
        return cls(absolute(configured or "~/.stigmer"))

    @property
    def configuration(self) -> Path:
        return self.root / "config.yaml"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def database(self) -> Path:
        return self.data / "workbench.db"

    @property
    def artifacts(self) -> Path:
        """ZIP files of skills, by their hash."""
        return self.data / "skills"

    @property
    def token(self) -> Path:
        return self.data / "token"

    @property
    def daemon_lock(self) -> Path:
        """Locked by the server while it lives, so that there is never a second one on the same data; in it stands what
        the server says of itself: pid, address, version.
        """
        return self.data / "daemon.lock"

    @property
    def start_lock(self) -> Path:
        """Held by whoever is starting or stopping the daemon."""
        return self.data / "start.lock"

    @property
    def logs(self) -> Path:
        # Not `logs`, where an existing installation has a file that one of ours would be called too.
        return self.data / "workbench-logs"

    @property
    def journals(self) -> Path:
        """What runners resume from."""
        return self.data / "journals"

    @property
    def workspace(self) -> Path:
        """Where agents work with files, a folder for each session."""
        return self.data / "workspace"

    @property
    def cache(self) -> Path:
        return self.data / "cache"

    def log(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    def prepare(self) -> None:
        """Makes the folders, and closes to others what an earlier version, or somebody else, left open to them; what
        agents work on is closed by the folder around it. Raises StigmerError.
        """
        make_private_folders(
            (self.root, self.data, self.logs, self.journals, self.workspace, self.cache, self.artifacts)
        )
        whole = (self.logs, self.journals, self.cache, self.artifacts)
        close_to_others(self.data, [folder.name for folder in whole])


def absolute(path: str) -> Path:
    """With `~` for the person's home folder, and else from the working folder. Raises StigmerError where there is no
    such folder.
    """
    try:
        expanded = Path(path).expanduser()
    except RuntimeError as error:
        raise StigmerError(f"Cannot resolve {path}: this user has no home folder", "Set HOME.") from error
    return expanded if expanded.is_absolute() else working_folder() / expanded


def working_folder() -> Path:
    """Raises StigmerError where it has been deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise StigmerError("The folder in which you are has been deleted", "Go to another one: cd ~") from error
