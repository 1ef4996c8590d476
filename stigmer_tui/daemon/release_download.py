"""Fetches one file of a release, and believes it only with its checksum: `FILE` and `FILE.sha256` at one address."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx2

from stigmer_tui import __version__
from stigmer_tui.core.addresses import names_this_machine
from stigmer_tui.core.errors import StigmerError, system_refusal
from stigmer_tui.core.private_files import open_private
from stigmer_tui.core.proxies import proxy_for
from stigmer_tui.core.units import duration_text, size_text

MAX_REDIRECTS = 5

MAX_CHECKSUM_SIZE = 4096
"""Bytes of a .sha256 file."""

CHECKSUM = re.compile(r"([0-9a-f]{64})(?:\s+\*?(\S+))?\s*", re.IGNORECASE)
"""What sha256sum writes, or the sum alone."""


@dataclass(frozen=True, slots=True)
class Limits:
    connect: float = 5.0
    """Seconds."""
    silence: float = 15.0
    """Seconds without a byte."""
    whole: float = 900.0
    """Seconds for all of it."""
    size: int = 1_000_000_000
    """Bytes."""


async def fetch_release(
    url: str,
    target: Path,
    report: Callable[[str], None],
    limits: Limits = Limits(),
    environment: Mapping[str, str] = os.environ,
    free_space: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> None:
    """Leaves a whole and verified file at `target`, or none. `report` is given the progress.

    Raises StigmerError.
    """
    _check_address(url)
    name = urlsplit(url).path.rpartition("/")[2]
    try:
        async with asyncio.timeout(limits.whole):
            expected = await _checksum(f"{url}.sha256", name, limits, environment)
            actual = await _file(url, target, name, report, limits, environment, free_space)
        if actual != expected:
            raise StigmerError(f"{name} does not have the checksum that its release names, and is not used")
    except BaseException as error:
        _remove(target)
        match error:
            case TimeoutError():
                message = f"{name} was not fetched within {duration_text(limits.whole)}"
                raise StigmerError(message) from error
            case httpx2.HTTPError() | httpx2.InvalidURL() | ValueError():
                raise StigmerError(f"{name} cannot be fetched from {_host(url)}: {_reason(error)}") from error
            case OSError():
                refusal = system_refusal(error)
                raise StigmerError(f"{name} cannot be kept: {refusal.message}", refusal.advice) from error
        raise


async def _checksum(url: str, name: str, limits: Limits, environment: Mapping[str, str]) -> str:
    text = b""
    async with _opened(url, limits, environment) as response:
        async for part in response.aiter_bytes():
            text += part
            if len(text) > MAX_CHECKSUM_SIZE:
                break
    found = CHECKSUM.fullmatch(text.decode(errors="replace"))
    if found is None or (found[2] and found[2].rpartition("/")[2] != name):
        raise StigmerError(f"What stands at {_shown(url)} is not the checksum of {name}")
    return found[1].lower()


async def _file(
    url: str,
    target: Path,
    name: str,
    report: Callable[[str], None],
    limits: Limits,
    environment: Mapping[str, str],
    free_space: Callable[[Path], int],
) -> str:
    """Returns the SHA-256 of what was written."""
    digest, done, said = hashlib.sha256(), 0, ""
    async with _opened(url, limits, environment) as response:
        total = int(response.headers.get("Content-Length", "0"))
        free = free_space(target.parent)
        if total > free:
            room = f"it has {size_text(total)}, and {size_text(free)} are free in {target.parent}"
            raise StigmerError(f"There is no room for {name}: {room}")
        # A leftover, or whatever was put there: never written through.
        _remove(target)
        with os.fdopen(open_private(target, os.O_WRONLY | os.O_EXCL), "wb") as file:
            async for part in response.aiter_raw():
                done += len(part)
                if done > limits.size:
                    raise StigmerError(f"{name} is larger than {size_text(limits.size)}")
                digest.update(part)
                file.write(part)
                progress = f"{done * 100 // total} % of {size_text(total)}" if total else size_text(done)
                if progress != said:
                    said = progress
                    report(f"Fetching {name}: {said}")
            file.flush()
            os.fsync(file.fileno())
    return digest.hexdigest()


@asynccontextmanager
async def _opened(url: str, limits: Limits, environment: Mapping[str, str]) -> AsyncIterator[httpx2.Response]:
    """The successful answer to a request, after redirects. Raises StigmerError and what httpx2 raises."""
    timeout = httpx2.Timeout(limits.silence, connect=limits.connect)
    headers = {"User-Agent": f"stigmer-tui/{__version__}", "Accept-Encoding": "identity"}
    for _ in range(MAX_REDIRECTS + 1):
        _check_address(url)
        proxy = proxy_for(url, environment)
        async with (
            httpx2.AsyncClient(proxy=proxy.url if proxy else None, trust_env=False, timeout=timeout) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.has_redirect_location:
                url = urljoin(url, response.headers["Location"])
                continue
            if response.status_code != httpx2.codes.OK:
                answer = f"{response.status_code} {response.reason_phrase}".strip()
                raise StigmerError(f"{_shown(url)} answered {answer}")
            yield response
            return
    raise StigmerError(f"{_host(url)} redirects more than {MAX_REDIRECTS} times")


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _check_address(url: str) -> None:
    """A program is fetched over TLS, or from this machine. Raises StigmerError."""
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise StigmerError(f"The address of the release cannot be read: {error}") from error
    if address.scheme == "https" and address.hostname:
        return
    if address.scheme != "http" or not address.hostname or not names_this_machine(address.hostname):
        raise StigmerError(f"Releases are fetched over https only, not from {_shown(url)}")


def _reason(error: BaseException) -> str:
    match error:
        case httpx2.ConnectTimeout():
            return "it does not answer"
        case httpx2.TimeoutException():
            return "nothing more comes from it"
        case httpx2.RemoteProtocolError():
            return "the answer was cut off"
        case httpx2.ConnectError():
            return "it cannot be reached"
    return str(error) or type(error).__name__


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _shown(url: str) -> str:
    """Without what may be a secret: user, password and query."""
    address = urlsplit(url)
    return address._replace(netloc=_host(url), query="", fragment="").geturl()
