"""The agent runner as a program of its own: which one the daemon starts, and how it comes to be installed.

    bin/agent-runner        one executable file
    bin/agent-runner.json   its manifest: version, platform and SHA-256

The program itself can be its agent runner, too, and is wherever there is no other.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import shutil
import stat
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path

from stigmer_tui.core.daemon_processes import AGENT_RUNNER
from stigmer_tui.core.errors import StigmerError, system_refusal
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import make_private_folders, read_private, write_private

EXECUTABLE_MODE = 0o700

BEGINNING = 1024
"""Bytes in which a binary names the folder into which it unpacks itself (`binary/unpack.sh`)."""

TRIAL_LIMIT = 30.0
"""Seconds for a new binary to say its version. It needs less than one, but the machine may be busy."""

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of an installed binary."""

    version: str
    platform: str
    """As in the names of releases: `linux-amd64`."""
    sha256: str


class Condition(Enum):
    USABLE = "usable"
    MISSING = "missing"
    UNSUITABLE = "unsuitable"
    """Of another version, or for another machine."""
    DAMAGED = "damaged"
    """It is not what was installed."""
    FOREIGN = "foreign"
    """Nothing says that we have installed it."""


@dataclass(frozen=True, slots=True)
class Found:
    condition: Condition
    why: str = ""
    """What is wrong with it, as the rest of a sentence that its path begins."""


@dataclass(frozen=True, slots=True)
class RunnerProgram:
    """What the daemon starts as its agent runner."""

    arguments: Sequence[str]
    notice: str = ""
    """Why it is not the binary, where a person expects it to be."""


ChooseProgram = Callable[[Callable[[str], None]], Awaitable[RunnerProgram]]
"""Decides what is started; it is given a function that takes what it is doing meanwhile."""


@dataclass(frozen=True, slots=True)
class AgentRunnerBinary:
    """The binary of one home."""

    home: Home
    version: str
    """Of this program, which is that of the binary it can use."""
    platform: str = field(default_factory=lambda: this_platform())

    @property
    def path(self) -> Path:
        return self.home.binaries / AGENT_RUNNER.name

    @property
    def manifest_path(self) -> Path:
        return self.home.binaries / f"{AGENT_RUNNER.name}.json"

    @property
    def scratch(self) -> Path:
        """Where a new one is put before it is installed."""
        return self.home.binaries / f".{AGENT_RUNNER.name}.{os.getpid()}"

    @property
    def is_development(self) -> bool:
        """Whether there is no release of this version."""
        return "dev" in self.version

    @property
    def release(self) -> str:
        """Name of the file in a release."""
        return f"{AGENT_RUNNER.name}-v{self.version}-{self.platform}"

    def find(self) -> Found:
        """Reads the whole file, which takes a tenth of a second."""
        try:
            status = self.path.lstat()
        except FileNotFoundError:
            return Found(Condition.MISSING)
        except OSError as error:
            return Found(Condition.FOREIGN, f"cannot be read: {error.strerror}")
        manifest = self._manifest()
        if manifest is None or not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
            return Found(Condition.FOREIGN, "was not installed by this program, and is left alone")
        if manifest.platform != self.platform:
            return Found(Condition.UNSUITABLE, f"is for {manifest.platform}, and this machine is {self.platform}")
        if manifest.version != self.version:
            return Found(Condition.UNSUITABLE, f"is of version {manifest.version}, and the daemon of {self.version}")
        try:
            if sha256_of(self.path) != manifest.sha256 or not status.st_mode & stat.S_IXUSR:
                return Found(Condition.DAMAGED, "is not what was installed")
        except OSError as error:
            return Found(Condition.DAMAGED, f"cannot be read: {error.strerror}")
        return Found(Condition.USABLE)

    async def install(self, scratch: Path) -> None:
        """Puts a new file in the place of the binary, if it runs here. Raises StigmerError; `scratch` is gone then."""
        try:
            await asyncio.to_thread(scratch.chmod, EXECUTABLE_MODE)
            await self._try_out(scratch)
            await asyncio.to_thread(self._put_in_place, scratch)
        except OSError as error:
            raise system_refusal(error) from error
        finally:
            await asyncio.to_thread(scratch.unlink, missing_ok=True)

    def _put_in_place(self, scratch: Path) -> None:
        manifest = Manifest(self.version, self.platform, sha256_of(scratch))
        # First, so that there is never a binary of ours that nothing says we have installed.
        write_private(self.manifest_path, json.dumps(asdict(manifest), indent=2) + "\n")
        scratch.replace(self.path)

    def remove_leftovers(self) -> None:
        """Of earlier binaries, which unpack themselves beside the file, and of installations that were cut off. Only
        while no agent runner runs.
        """
        with suppress(OSError):
            with self.path.open("rb") as file:
                beginning = file.read(BEGINNING)
            for path in self.home.binaries.glob(f".{AGENT_RUNNER.name}[-.]*"):
                if f'{path.name}"'.encode() in beginning:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    async def _try_out(self, program: Path) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                "--version",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            raise StigmerError(f"{self.release} does not run on this machine: {error.strerror}") from error
        try:
            async with asyncio.timeout(TRIAL_LIMIT):
                output, _ = await process.communicate()
        except TimeoutError:
            raise StigmerError(f"{self.release} did not say its version in {TRIAL_LIMIT:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        said = output.decode(errors="replace").strip()
        if process.returncode or said != f"{AGENT_RUNNER.name} {self.version}":
            raise StigmerError(f"{self.release} does not run on this machine: it says {said[:200]!r}")

    def _manifest(self) -> Manifest | None:
        """None where there is none that can be understood."""
        try:
            entries = from_json(read_private(self.manifest_path))
            manifest = Manifest(entries["version"], entries["platform"], entries["sha256"])
        except (OSError, StigmerError, ValueError, KeyError, TypeError):
            return None
        return manifest if all(isinstance(value, str) for value in asdict(manifest).values()) else None


async def choose_program(
    binary: AgentRunnerBinary, builtin: Sequence[str], release_url: str, report: Callable[[str], None]
) -> RunnerProgram:
    """The binary if it is as it should be, after fetching it where a release URL is configured; else the program
    itself. `report` is given what is being done.
    """
    if binary.is_development:
        return RunnerProgram(builtin)
    found = await asyncio.to_thread(binary.find)
    match found.condition:
        case Condition.USABLE:
            await asyncio.to_thread(binary.remove_leftovers)
            return RunnerProgram([str(binary.path)])
        case Condition.MISSING if not release_url:
            return RunnerProgram(builtin)
        case Condition.FOREIGN:
            return RunnerProgram(builtin, _notice(f"{binary.path} {found.why}"))
        case _ if not release_url:
            return RunnerProgram(builtin, _notice(f"{binary.path} {found.why}"))
    try:
        await _fetch(binary, release_url, report)
    except StigmerError as error:
        return RunnerProgram(builtin, _notice(error.message))
    await asyncio.to_thread(binary.remove_leftovers)
    return RunnerProgram([str(binary.path)])


async def _fetch(binary: AgentRunnerBinary, release_url: str, report: Callable[[str], None]) -> None:
    # Loads an HTTP client, which is seldom needed.
    from stigmer_tui.daemon.release_download import fetch_release

    make_private_folders([binary.home.binaries])
    address = release_url.replace("{version}", f"v{binary.version}").rstrip("/")
    await fetch_release(f"{address}/{binary.release}", binary.scratch, report)
    report(f"Installing {binary.release}")
    await binary.install(binary.scratch)


def _notice(why: str) -> str:
    return f"The built-in agent runner is used: {why}"


def this_platform() -> str:
    """Of this machine, as in the names of releases: `darwin-arm64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{ARCHITECTURES.get(machine, machine)}"


def sha256_of(path: Path) -> str:
    """Does not follow a symbolic link. Raises OSError."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
