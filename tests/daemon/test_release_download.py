"""What is fetched of a release is whole and verified, or nothing is left of it."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.daemon.release_download import Limits, fetch_release
from tests.daemon.release_server import ReleaseServer, checksum, ok, release_server, status

NAME = "agent-runner-v1.2.3-linux-amd64"
CONTENT = bytes(range(256)) * 1000
UNHURRIED = Limits(connect=60, silence=60)


@pytest.fixture
async def server() -> AsyncIterator[ReleaseServer]:
    async with release_server() as server:
        server.release(NAME, CONTENT)
        yield server


async def fetch(server: ReleaseServer, folder: Path, limits: Limits = UNHURRIED, free: int = 10**9) -> list[str]:
    """Returns the reports of progress."""
    reports: list[str] = []
    await fetch_release(f"{server.url}/{NAME}", folder / "new", reports.append, limits, {}, lambda folder: free)
    return reports


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def refusal(server: ReleaseServer, folder: Path, limits: Limits = UNHURRIED, free: int = 10**9) -> str:
    with pytest.raises(StigmerError) as refused:
        await fetch(server, folder, limits, free)
    assert files(folder) == []
    return refused.value.message


async def test_a_whole_file_is_kept_and_its_progress_reported(server: ReleaseServer, tmp_path: Path) -> None:
    reports = await fetch(server, tmp_path)
    assert (tmp_path / "new").read_bytes() == CONTENT
    assert reports[-1] == f"Fetching {NAME}: 100 % of 256 kB"
    assert server.asked == [f"/{NAME}.sha256", f"/{NAME}"]


async def test_what_stood_in_its_place_is_not_written_through(server: ReleaseServer, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "new").symlink_to(tmp_path / "precious")
    await fetch(server, tmp_path)
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "new").is_symlink()


async def test_a_file_that_was_cut_off(server: ReleaseServer, tmp_path: Path) -> None:
    server.answers[f"/{NAME}"] = ok(CONTENT[:1000], len(CONTENT))
    assert "the answer was cut off" in await refusal(server, tmp_path)


async def test_a_file_that_was_cut_off_and_never_said_its_length(server: ReleaseServer, tmp_path: Path) -> None:
    server.answers[f"/{NAME}"] = b"HTTP/1.1 200 OK\r\n\r\n" + CONTENT[:1000]
    assert "does not have the checksum" in await refusal(server, tmp_path)


async def test_a_wrong_checksum(server: ReleaseServer, tmp_path: Path) -> None:
    server.answers[f"/{NAME}.sha256"] = ok(checksum(b"other", NAME))
    assert await refusal(server, tmp_path) == (
        f"{NAME} does not have the checksum that its release names, and is not used"
    )


@pytest.mark.parametrize(
    "text", [b"", b"<html>Sign in</html>", b"0" * 63, checksum(CONTENT, "another-file"), b"0" * 10_000]
)
async def test_what_is_no_checksum_of_it(server: ReleaseServer, tmp_path: Path, text: bytes) -> None:
    server.answers[f"/{NAME}.sha256"] = ok(text)
    assert "is not the checksum of" in await refusal(server, tmp_path)
    assert server.asked == [f"/{NAME}.sha256"]


async def test_a_checksum_alone_is_enough(server: ReleaseServer, tmp_path: Path) -> None:
    server.answers[f"/{NAME}.sha256"] = ok(checksum(CONTENT, NAME).split()[0].upper())
    await fetch(server, tmp_path)


@pytest.mark.parametrize("missing", [NAME, f"{NAME}.sha256"])
async def test_a_release_that_lacks_a_file(server: ReleaseServer, tmp_path: Path, missing: str) -> None:
    del server.answers[f"/{missing}"]
    assert await refusal(server, tmp_path) == f"{server.url}/{missing} answered 404 Not Found"


async def test_a_server_that_falls_silent(server: ReleaseServer, tmp_path: Path) -> None:
    server.answers[f"/{NAME}"] = ok(CONTENT[:1000], len(CONTENT))
    server.silent.add(f"/{NAME}")
    assert "nothing more comes from it" in await refusal(server, tmp_path, replace(UNHURRIED, silence=0.05))


async def test_a_server_that_is_too_slow_for_all_of_it(server: ReleaseServer, tmp_path: Path) -> None:
    server.answers[f"/{NAME}"] = ok(CONTENT[:1000], len(CONTENT))
    server.silent.add(f"/{NAME}")
    assert await refusal(server, tmp_path, replace(UNHURRIED, whole=0.3)) == f"{NAME} was not fetched within 300 ms"


async def test_redirects_are_followed(server: ReleaseServer, tmp_path: Path) -> None:
    server.answers["/store/7"] = server.answers[f"/{NAME}"]
    server.answers[f"/{NAME}"] = status("302 Found", "Location: /store/7")
    await fetch(server, tmp_path)
    assert (tmp_path / "new").read_bytes() == CONTENT


async def test_redirects_have_an_end(server: ReleaseServer, tmp_path: Path) -> None:
    server.answers[f"/{NAME}"] = status("302 Found", f"Location: {server.url}/{NAME}")
    assert "redirects more than 5 times" in await refusal(server, tmp_path)


@pytest.mark.parametrize("address", ["http://releases.example/x?key=hush", "file:///etc/passwd", "https:///x"])
async def test_a_redirect_to_where_nothing_is_trusted(server: ReleaseServer, tmp_path: Path, address: str) -> None:
    server.answers[f"/{NAME}"] = status("302 Found", f"Location: {address}")
    message = await refusal(server, tmp_path)
    assert message.startswith("Releases are fetched over https only")
    assert "hush" not in message


async def test_no_room_is_seen_before_anything_is_written(server: ReleaseServer, tmp_path: Path) -> None:
    message = await refusal(server, tmp_path, free=1000)
    assert message.startswith(f"There is no room for {NAME}: it has 256 kB, and 1.0 kB are free in ")


async def test_a_disk_that_takes_no_more_while_it_is_written(server: ReleaseServer, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        message = await refusal(server, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert message.startswith(f"{NAME} cannot be kept: ")


async def test_a_file_that_never_ends(server: ReleaseServer, tmp_path: Path) -> None:
    assert "is larger than 100 kB" in await refusal(server, tmp_path, replace(UNHURRIED, size=100_000))


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    async with release_server() as gone:
        pass
    assert "it cannot be reached" in await refusal(gone, tmp_path)


async def test_what_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(StigmerError):
        await fetch_release("http://[::1/agent-runner", tmp_path / "new", lambda report: None, environment={})


async def test_it_is_fetched_through_the_proxy_that_the_environment_names(tmp_path: Path) -> None:
    async with release_server() as proxy:
        with pytest.raises(StigmerError):
            await fetch_release(
                f"https://releases.example/{NAME}",
                tmp_path / "new",
                lambda report: None,
                environment={"https_proxy": proxy.url},
            )
        assert proxy.asked == ["releases.example:443"]
