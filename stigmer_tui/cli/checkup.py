"""What a person can get wrong, looked at in one go: each finding says what to do about it."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_tui import __version__
from stigmer_tui.core.addresses import bind_error
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.terminal import is_addressable, terminal_encoding
from stigmer_tui.core.units import plural, size_text

if TYPE_CHECKING:
    from stigmer_tui.agents.models.choice import ModelChoice

LITTLE_SPACE = 1_000_000_000
NO_SPACE = 50_000_000
"""Bytes that are free."""

FEW_WATCHES = 8192
"""Folders that the system may watch for one user."""


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Something works less well than it could."""
    PROBLEM = "problem"
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    verdict: Verdict
    message: str
    mend: str = ""
    """What a person can do."""
    fix: Callable[[], None] | None = None
    """What the program can do by itself, safely."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What is looked at."""

    configuration: Configuration
    folder: Path
    """The working folder, which may be a project."""
    environment: Mapping[str, str]

    @property
    def home(self) -> Home:
        return self.configuration.home


Check = Callable[[Setup], AsyncIterator[Finding]]


async def check_program(setup: Setup) -> AsyncIterator[Finding]:
    system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("program", Verdict.OK, f"stigmer-tui {__version__}, {system}")


async def check_home(setup: Setup) -> AsyncIterator[Finding]:
    root = setup.home.root
    if not root.exists():
        there = next(folder for folder in root.parents if folder.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            mend = "Choose another place: export STIGMER_HOME=FOLDER"
            yield Finding("home", Verdict.PROBLEM, f"{root} cannot be made: {there} cannot be written", mend)
            return
        yield Finding("home", Verdict.OK, f"{root} is made when it is first needed")
        return
    if not root.is_dir():
        yield Finding("home", Verdict.PROBLEM, f"{root} is not a folder", f"Move it away: mv {root} {root}.old")
        return
    if not os.access(root, os.W_OK | os.X_OK):
        yield Finding("home", Verdict.PROBLEM, f"{root} cannot be written", f"Take it: sudo chown -R $USER {root}")
        return
    free = shutil.disk_usage(root).free
    if free < LITTLE_SPACE:
        verdict = Verdict.PROBLEM if free < NO_SPACE else Verdict.WARNING
        yield Finding("home", verdict, f"Only {size_text(free)} are free at {root}", "Runs wait when the disk is full.")
    if readable := [path for path in setup.home.data.glob("*") if _is_readable_by_others(path)]:
        message = f"{plural(len(readable), 'file')} in {setup.home.data} can be read by other users"
        mend = f"Close them: chmod -R go= {setup.home.data}"
        yield Finding("home", Verdict.PROBLEM, message, mend, setup.home.prepare)
    else:
        yield Finding("home", Verdict.OK, f"{root}, {size_text(free)} free")


async def check_server(setup: Setup) -> AsyncIterator[Finding]:
    """The server in use: the named one, or our daemon."""
    from stigmer_tui.client.endpoint import Endpoint
    from stigmer_tui.daemon.running import running_record
    from stigmer_tui.daemon.status import read_status, status_of

    if setup.configuration.server:
        await status_of(Endpoint.named(setup.configuration.context, setup.home, setup.environment))
        message = (
            f"The server at {setup.configuration.server}, which {setup.configuration.context_origin} names, answers"
        )
        yield Finding("server", Verdict.OK, message)
        return
    if await running_record(setup.home) is None:
        for finding in _stopped_daemon(setup):
            yield finding
        return
    if (status := await read_status(setup.home)) is None:
        return
    if status.version != __version__:
        message = f"The daemon is version {status.version}, this program is {__version__}"
        yield Finding("daemon", Verdict.WARNING, message, "Restart it: stigmer-tui server restart")
    hindered = [component for component in status.components if component.detail]
    for component in hindered:
        message = f"{component.name}: {component.detail}"
        yield Finding("daemon", Verdict.PROBLEM, message, f"More: stigmer-tui server logs -c {component.name}")
    if not hindered:
        yield Finding("daemon", Verdict.OK, f"running at {status.address}, version {status.version}")


def _stopped_daemon(setup: Setup) -> list[Finding]:
    from stigmer_tui.core.sqlite import inspect
    from stigmer_tui.runners.journal import inspect_journals
    from stigmer_tui.server.schema import MIGRATIONS

    if setup.home.database.exists():
        inspect(setup.home.database, len(MIGRATIONS))
        inspect_journals(setup.home.journals)
    if (address := setup.configuration.address) and bind_error(address):
        mend = "Choose another one: stigmer-tui config set server.address 127.0.0.1:0"
        return [Finding("daemon", Verdict.PROBLEM, f"Another program listens at {address}", mend)]
    return [Finding("daemon", Verdict.OK, "not running; it is started when it is needed")]


async def check_service(setup: Setup) -> AsyncIterator[Finding]:
    from stigmer_tui.daemon.service import service_of, starts_this_program

    try:
        service = service_of(setup.home, setup.environment)
    except StigmerError as error:
        yield Finding("service", Verdict.OK, error.message)
        return
    match starts_this_program(service):
        case None:
            yield Finding("service", Verdict.OK, "none; stigmer-tui server install starts the daemon with each session")
        case True:
            yield Finding("service", Verdict.OK, f"{service.name} starts the daemon with each session")
        case False:
            mend = "Write it anew: stigmer-tui server stop && stigmer-tui server install"
            yield Finding("service", Verdict.WARNING, f"{service.path} starts another program than this one", mend)


async def check_model(setup: Setup) -> AsyncIterator[Finding]:
    from stigmer_tui.agents.models.choice import ModelChooser
    from stigmer_tui.core.model_providers import OLLAMA, PROVIDERS
    from stigmer_tui.core.proxies import proxy_for
    from stigmer_tui.core.stored_keys import KeyStore

    for provider in PROVIDERS:
        if provider.address:
            # Raises for a variable that names no proxy.
            proxy_for(provider.address, setup.environment)
    settings = setup.configuration.model
    stored = KeyStore(setup.home).list()
    choice = ModelChooser(settings, setup.environment, setup.home.configuration, stored).choose(has_script=True)
    if choice.is_scripted:
        mend = "Choose one: stigmer-tui provider use NAME. Its key: stigmer-tui secrets set NAME"
        yield Finding("model", Verdict.WARNING, "No provider of models: agents play their scripts only", mend)
        return
    if settings.script and not settings.script.is_file():
        yield Finding("model", Verdict.PROBLEM, f"There is no script file {settings.script}")
    if choice.provider is OLLAMA:
        yield await _ollama(choice)
        return
    key = f", with the key in {choice.key_variable}" if choice.key_variable else ""
    if choice.stored:
        key = f", with the key in the {choice.stored.place}"
    mend = f"Whether it answers: stigmer-tui provider test {choice.provider.name}"
    yield Finding("model", Verdict.OK, f"{choice}{key}", mend)


async def _ollama(choice: ModelChoice) -> Finding:
    from stigmer_tui.agents.models.ollama import Ollama

    ollama = Ollama(choice.base_url)
    try:
        names = await ollama.models()
    except StigmerError as error:
        return Finding("model", Verdict.PROBLEM, error.message, error.advice)
    if ollama.has(choice.model, names):
        return Finding("model", Verdict.OK, f"{choice}, at {ollama.address}")
    mend = f"Get it: stigmer-tui provider pull {choice.model}"
    if names:
        mend += f"\nIt has {', '.join(names)}: stigmer-tui provider use ollama --model NAME"
    return Finding("model", Verdict.PROBLEM, f"Ollama has no model {choice.model}", mend)


async def check_secrets(setup: Setup) -> AsyncIterator[Finding]:
    import keyring

    from stigmer_tui.core.stored_keys import SAFE_PRIORITY, KeyPlace, KeyStore

    try:
        backend = keyring.get_keyring()
        is_usable = backend.priority >= SAFE_PRIORITY
    except Exception:
        # Backends raise errors of their own libraries, too.
        is_usable = False
    kept = [one for one in KeyStore(setup.home).list() if one.place is KeyPlace.KEYRING]
    names = ", ".join(dict.fromkeys(one.variable for one in kept))
    if is_usable:
        stored = f"; keys of providers in it: {names}" if names else ""
        yield Finding("secrets", Verdict.OK, f"encrypted, with a key in {backend.name}{stored}")
        return
    mend = "On Linux a secret service keeps it, such as that of gnome-keyring or KeePassXC."
    if names:
        yield Finding("secrets", Verdict.PROBLEM, f"No keyring, but {names} should be in it", mend)
        return
    message = "No keyring: secrets are kept in memory only, and are gone when the daemon stops"
    yield Finding("secrets", Verdict.WARNING, message, mend)


async def check_sandbox(setup: Setup) -> AsyncIterator[Finding]:
    from stigmer_tui.agents.sandbox.confinement import find_confinement

    with tempfile.TemporaryDirectory() as folder:
        confinement = await find_confinement(Path(folder), setup.configuration.requires_sandbox)
    if confinement.bubblewrap:
        yield Finding("sandbox", Verdict.OK, f"commands of agents are confined by {confinement}")
        return
    message = "Commands of agents start in their folder, but are not confined to it"
    if shutil.which("bwrap"):
        mend = "bubblewrap is installed and does not work: the system forbids user namespaces."
    else:
        mend = "Install bubblewrap (Linux), such as: sudo apt install bubblewrap"
    if setup.configuration.requires_sandbox:
        yield Finding("sandbox", Verdict.PROBLEM, f"Commands of agents are refused: a sandbox is {confinement}", mend)
        return
    yield Finding("sandbox", Verdict.WARNING, message, mend)


async def check_terminal(setup: Setup) -> AsyncIterator[Finding]:
    from stigmer_tui.tui.render.glyphs import ASCII, glyphs_for

    term = setup.environment.get("TERM", "")
    if not is_addressable(setup.environment):
        message = f"The app cannot draw on this terminal: TERM is {term!r}"
        yield Finding("terminal", Verdict.PROBLEM, message, "If it is a modern one: export TERM=xterm-256color")
    elif glyphs_for(encoding := terminal_encoding(setup.environment)) is ASCII:
        message = f"The locale is {encoding}: the app draws with ASCII signs"
        yield Finding("terminal", Verdict.WARNING, message, "For all signs: export LC_ALL=C.UTF-8")
    else:
        yield Finding("terminal", Verdict.OK, term or "no TERM")


async def check_watch(setup: Setup) -> AsyncIterator[Finding]:
    from stigmer_tui.project.folder_events import must_poll

    if must_poll(setup.environment, setup.folder):
        message = "Not all changes of files are reported here, so they are looked for twice a second"
        yield Finding("watch", Verdict.OK, message)
        return
    watches = _max_watches()
    if watches is not None and watches < FEW_WATCHES:
        mend = f"Raise it: sudo sysctl fs.inotify.max_user_watches={FEW_WATCHES * 16}"
        yield Finding("watch", Verdict.WARNING, f"The system watches only {watches} folders for a user", mend)
    else:
        yield Finding("watch", Verdict.OK, "changes of files are reported by the system")


async def check_project(setup: Setup) -> AsyncIterator[Finding]:
    from stigmer_tui.project.project_file import find_project, load_project
    from stigmer_tui.project.project_keys import Runtime
    from stigmer_tui.project.python_environment import own_interpreter

    folder = find_project(setup.folder)
    if folder is None:
        yield Finding("project", Verdict.OK, "none in this folder")
        return
    project = load_project(folder)
    if not project.main.is_file():
        yield Finding("project", Verdict.PROBLEM, f"There is no {project.main}", "Set `main:` in Stigmer.yaml.")
    elif project.runtime is Runtime.GO and not shutil.which("go"):
        yield Finding("project", Verdict.PROBLEM, "It is a Go project, and there is no go", "Get it: https://go.dev/dl")
    elif project.runtime is Runtime.PYTHON:
        interpreter = own_interpreter(folder, setup.environment) or Path(sys.executable)
        yield Finding("project", Verdict.OK, f"{project.name}, run by {interpreter}")
    else:
        yield Finding("project", Verdict.OK, project.name)


CHECKS: Mapping[str, Check] = {
    "program": check_program,
    "home": check_home,
    "server": check_server,
    "service": check_service,
    "model": check_model,
    "secrets": check_secrets,
    "sandbox": check_sandbox,
    "terminal": check_terminal,
    "watch": check_watch,
    "project": check_project,
}


async def checkup(setup: Setup) -> AsyncIterator[Finding]:
    """All findings, in the order of CHECKS. What a check refuses to go on with is a finding, too."""
    for subject, check in CHECKS.items():
        try:
            async for finding in check(setup):
                yield finding
        except StigmerError as error:
            yield Finding(subject, Verdict.PROBLEM, error.message, error.advice)


def _is_readable_by_others(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.lstat().st_mode) & 0o077) and not path.is_symlink()
    except OSError:
        return False


def _max_watches() -> int | None:
    """None where the system has no such limit."""
    with suppress(OSError, ValueError):
        return int(Path("/proc/sys/fs/inotify/max_user_watches").read_text(encoding="ascii"))
    return None


def run_checkup(setup: Setup) -> list[Finding]:
    async def collect() -> list[Finding]:
        return [finding async for finding in checkup(setup)]

    return asyncio.run(collect())
