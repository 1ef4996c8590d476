"""Where an instance keeps its files. STIGMER_HOME moves all of them, so several instances can coexist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core import settings
from stigmer_tui.core.errors import StigmerError, as_text
from stigmer_tui.core.private_files import close_to_others, make_private_folders

PROJECT_FILE = "Stigmer.yaml"
"""Makes a folder a project."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one instance, `~/.stigmer` unless STIGMER_HOME says otherwise.

    Files of an existing Stigmer installation there (its database, its configuration) are never touched: ours are
    below `data`, under names that it does not use (`docs/compatibility.md` 160).
    """

    root: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Home:
        """Raises StigmerError if there is no home folder."""
        configured = as_text(environment.get(settings.HOME.variable, ""), settings.HOME.variable).strip()
        return cls(absolute(configured or "~/.stigmer"))

    @property
    def configuration(self) -> Path:
        return self.root / "config.yaml"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def binaries(self) -> Path:
        """Shared with an existing installation, which has other programs there; made when something is installed."""
        return self.root / "bin"

    @property
    def database(self) -> Path:
        return self.data / "workbench.db"

    @property
    def artifacts(self) -> Path:
        """ZIP files of skills, named by hash."""
        return self.data / "skills"

    @property
    def run_skills(self) -> Path:
        """Files of the skills of each run, as long as it lasts."""
        return self.data / "run-skills"

    @property
    def token(self) -> Path:
        return self.data / "token"

    @property
    def api_token(self) -> Path:
        """Of the API by HTTP, which needs no other rights."""
        return self.data / "api-token"

    @property
    def daemon_lock(self) -> Path:
        """Locked by the server while it lives, so that no second server uses the same data; contains its pid, address
        and version.
        """
        return self.data / "daemon.lock"

    @property
    def start_lock(self) -> Path:
        """Locked by the process that starts or stops the daemon."""
        return self.data / "start.lock"

    @property
    def logs(self) -> Path:
        # Not `logs`: an existing installation has files there with the same names.
        return self.data / "workbench-logs"

    @property
    def journals(self) -> Path:
        """Journals of the runners, from which executions resume."""
        return self.data / "journals"

    @property
    def recordings(self) -> Path:
        """What runs play again in place of models and of other sides, as JSON; only an instance for tests has any."""
        return self.data / "recordings"

    @property
    def workspace(self) -> Path:
        """Working folders of agents, one per session."""
        return self.data / "workspace"

    @property
    def stored_keys(self) -> Path:
        """Which keys of model providers are stored. The keys are in the keyring, or in here, encrypted."""
        return self.data / "stored-keys.json"

    @property
    def cache(self) -> Path:
        return self.data / "cache"

    def log(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    def prepare(self) -> None:
        """Creates the folders, and makes existing files private. Agents' working folders are protected by the folder
        around them. Raises StigmerError.
        """
        make_private_folders(
            (self.root, self.data, self.logs, self.journals, self.workspace, self.cache, self.artifacts)
        )
        whole = (self.logs, self.journals, self.cache, self.artifacts)
        close_to_others(self.data, [folder.name for folder in whole])


def absolute(path: str) -> Path:
    """Expands `~`, and resolves relative paths against the working folder. Raises StigmerError if that folder does not
    exist.
    """
    try:
        expanded = Path(path).expanduser()
    except RuntimeError as error:
        raise StigmerError(f"Cannot resolve {path}: this user has no home folder", "Set HOME.") from error
    return expanded if expanded.is_absolute() else working_folder() / expanded


def working_folder() -> Path:
    """Raises StigmerError if it has been deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise StigmerError("The folder in which you are has been deleted", "Go to another one: cd ~") from error
