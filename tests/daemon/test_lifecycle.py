"""Starting and stopping the daemon, with other programs in the place of the server."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.configuration import Configuration, ModelSettings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember_values
from stigmer_tui.core.model_providers import KEY_VARIABLES
from stigmer_tui.core.paths import Home
from stigmer_tui.core.processes import OWNER_MARK
from stigmer_tui.core.remote_access import RemoteAccess
from stigmer_tui.daemon import lifecycle
from stigmer_tui.daemon.lifecycle import (
    LAST_LINES,
    NO_ROOM,
    READY_DESCRIPTOR,
    StartOptions,
    check_options,
    one_at_a_time,
    restart_daemon,
    start_daemon,
    stop_daemon,
)
from stigmer_tui.daemon.record import DaemonLock, DaemonRecord, read_record
from stigmer_tui.daemon.token import create_token
from tests.certificates import Authority
from tests.daemon.test_record import stand_in
from tests.daemon.test_running import held
from tests.server.conftest import running

LIMIT = 60.0

SAY_HOW_STARTED = """
import os, sys
print("arguments:", *sys.argv[1:])
print("folder:", os.getcwd())
for name in ("STIGMER_HOME", "STIGMER_LLM_SCRIPT", "SANDBOX_ROOT_DIR"):
    print(name, os.environ.get(name, "-"))
print("session:", os.getsid(0) == os.getpid(), "input:", sys.stdin.read() == "")
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def replace_server(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    def command(*arguments: str) -> list[str]:
        assert arguments[0] == "internal-server"
        return [sys.executable, "-S", "-c", code, *arguments[1:]]

    monkeypatch.setattr(lifecycle, "own_command", command)


async def failure(configuration: Configuration, options: StartOptions | None = None) -> StigmerError:
    with pytest.raises(StigmerError) as raised:
        await asyncio.wait_for(start_daemon(configuration, options), LIMIT)
    return raised.value


def leave_record(home: Home, address: str, requires_token: bool) -> None:
    """As a daemon does that was killed."""
    lock = DaemonLock.acquire(home.daemon_lock, 0)
    lock.write(DaemonRecord(2**30, "long ago", address, "1.0", requires_token))
    lock.release()


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        ("print('Error: The port is taken\\n\\nChoose another.\\nOr none.')", "The port is taken", "Choose another."),
        ("print('Error: The port is taken')", "The port is taken", ""),
        ("print('Error: one\\ntwo')", "The daemon did not start", "Error: one\ntwo"),
        ("print('odd')", "The daemon did not start", "odd"),
        ("", "The daemon did not start", "It printed nothing; see "),
        (f"print(*range({LAST_LINES + 5}), sep='\\n')", "The daemon did not start", "5\n6\n7"),
    ],
)
async def test_a_server_that_does_not_start_is_told_in_its_own_words(
    home: Home, monkeypatch: pytest.MonkeyPatch, code: str, message: str, advice: str
) -> None:
    replace_server(monkeypatch, code)
    error = await failure(Configuration(home))
    assert error.message == message
    assert error.advice.startswith(advice) and bool(error.advice) == bool(advice)


async def test_a_server_that_finds_the_disk_full_cannot_even_say_so(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_server(monkeypatch, "import sys; sys.exit(1)")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=NO_ROOM - 1))
    error = await failure(Configuration(home))
    assert error.message == f"The daemon cannot start: the disk of {home.root} is full"
    assert error.advice.startswith("Make room on the disk")


async def test_a_server_that_says_nothing_is_not_waited_for_without_end(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "START_LIMIT", 0.05)
    code = f"import os, time; open({str(home.root / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(1000)"
    replace_server(monkeypatch, code)
    spawned: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def spawn(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        spawned.append(popen(*arguments, **options))
        return spawned[0]

    monkeypatch.setattr(subprocess, "Popen", spawn)
    error = await failure(Configuration(home))
    assert error.message == "The daemon did not start within 0 s"
    assert error.advice == f"It printed nothing; see {home.log('server')}"
    assert spawned[0].wait(LIMIT) == -signal.SIGKILL


async def test_what_a_server_prints_is_for_its_owner_alone_and_shows_no_secret(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_values(["sesame-4711"])
    code = (
        "import sys; sys.stdout.buffer.write(b'caf\\xe9\\n'); sys.stdout.flush(); print('sesame-4711', file=sys.stderr)"
    )
    replace_server(monkeypatch, code)
    assert (await failure(Configuration(home))).advice == "caf\ufffd\n[REDACTED]"
    assert home.log("start").stat().st_mode & 0o777 == 0o600


async def test_a_server_that_answers_has_started(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    token = create_token(home.token)
    async with running(home.root, token) as api:
        address = api.server.address
        code = f"import os; os.write(int(os.environ['{READY_DESCRIPTOR}']), b'{address}\\n')"
        replace_server(monkeypatch, code)
        spawn = lifecycle._spawn
        with ExitStack() as stack:

            def spawn_and_hold(
                configuration: Configuration, arguments: list[str], environment: Mapping[str, str]
            ) -> None:
                spawn(configuration, arguments, environment)
                stack.enter_context(held(home, address))

            monkeypatch.setattr(lifecycle, "_spawn", spawn_and_hold)
            for _ in range(2):
                # The second time it runs already.
                assert await asyncio.wait_for(start_daemon(Configuration(home)), LIMIT) == Endpoint(address, token)
                monkeypatch.setattr(lifecycle, "_spawn", None)


async def test_a_server_that_says_that_it_listens_and_is_not_there_has_failed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"import os; print('words'); os.write(int(os.environ['{READY_DESCRIPTOR}']), b'127.0.0.1:1\\n')"
    replace_server(monkeypatch, code)
    assert (await failure(Configuration(home))).advice == "words"


async def how_started(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch, options: StartOptions | None = None
) -> list[str]:
    replace_server(monkeypatch, SAY_HOW_STARTED)
    return (await failure(configuration, options)).advice.splitlines()


async def test_a_server_works_in_its_home_and_gets_whole_paths(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STIGMER_LLM_SCRIPT", "turns.yaml")
    monkeypatch.setenv("SANDBOX_ROOT_DIR", "boxes")
    model = ModelSettings(script=tmp_path / "turns.yaml")
    configuration = Configuration(home, model=model, sandbox_root=tmp_path / "boxes")
    assert await how_started(configuration, monkeypatch) == [
        "arguments:",
        f"folder: {home.root}",
        f"STIGMER_HOME {home.root}",
        f"STIGMER_LLM_SCRIPT {tmp_path / 'turns.yaml'}",
        f"SANDBOX_ROOT_DIR {tmp_path / 'boxes'}",
        "session: True input: True",
    ]


SAY_KEYS = """
import os
print("environment:", os.environ.get("OPENAI_API_KEY", "-"))
print("pipe:", os.fdopen(int(os.environ["STIGMER_KEYS_FD"])).read())
"""


async def test_a_key_is_in_no_environment_of_the_server(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in KEY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "k-1")
    replace_server(monkeypatch, SAY_KEYS)
    assert (await failure(Configuration(home))).advice.splitlines() == [
        "environment: -",
        'pipe: {"OPENAI_API_KEY": "k-1"}',
    ]


async def test_what_the_file_says_is_left_to_the_server_to_read(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("STIGMER_LLM_SCRIPT", raising=False)
    monkeypatch.delenv("SANDBOX_ROOT_DIR", raising=False)
    model = ModelSettings(script=tmp_path / "turns.yaml")
    configuration = Configuration(home, model=model, sandbox_root=tmp_path / "boxes")
    assert (await how_started(configuration, monkeypatch))[3:5] == ["STIGMER_LLM_SCRIPT -", "SANDBOX_ROOT_DIR -"]


@pytest.mark.parametrize(
    ("configured", "options", "arguments"),
    [
        ("", StartOptions(), ""),
        ("127.0.0.1:7", StartOptions(), " --address 127.0.0.1:7"),
        ("127.0.0.1:7", StartOptions("127.0.0.1:8"), " --address 127.0.0.1:8"),
        ("", StartOptions(no_auth=True), " --no-auth"),
    ],
)
async def test_options_reach_the_server(
    home: Home, monkeypatch: pytest.MonkeyPatch, configured: str, options: StartOptions, arguments: str
) -> None:
    started = await how_started(Configuration(home, configured), monkeypatch, options)
    assert started[0] == f"arguments:{arguments}"


@pytest.mark.parametrize(("requires_token", "access"), [(True, ""), (False, " --no-auth")])
async def test_a_server_takes_the_place_of_one_that_was_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch, requires_token: bool, access: str
) -> None:
    leave_record(home, "127.0.0.1:9", requires_token)
    assert (await how_started(Configuration(home), monkeypatch))[0] == f"arguments: --prefer 127.0.0.1:9{access}"


def test_without_a_token_only_this_machine_may_reach_it(home: Home) -> None:
    everywhere = Configuration(home, "0.0.0.0:1")
    check_options(everywhere, StartOptions("127.0.0.1:1", no_auth=True))
    check_options(Configuration(home), StartOptions(no_auth=True))
    for configuration, options in (
        (everywhere, StartOptions(no_auth=True)),
        (Configuration(home), StartOptions("0.0.0.0:1", no_auth=True)),
        (Configuration(home), StartOptions(no_auth=True, remote=RemoteAccess("0.0.0.0:1", home.root, home.root))),
    ):
        with pytest.raises(StigmerError, match=r"not at 0\.0\.0\.0:1"):
            check_options(configuration, options)


def test_beyond_this_machine_it_listens_by_tls_only(home: Home, tmp_path: Path) -> None:
    for configuration, options in (
        (Configuration(home, "0.0.0.0:1"), StartOptions()),
        (Configuration(home), StartOptions("0.0.0.0:1")),
    ):
        with pytest.raises(StigmerError, match=r"At 0\.0\.0\.0:1 other machines could reach the daemon") as refusal:
            check_options(configuration, options)
        assert "--listen ADDRESS:PORT --tls-cert FILE --tls-key FILE" in refusal.value.advice
    with pytest.raises(StigmerError, match="would listen without TLS"):
        check_options(Configuration(home, listen="0.0.0.0:1"), StartOptions())
    one, other = (Authority().sign("x").write(tmp_path, name) for name in ("one", "other"))
    check_options(Configuration(home, listen="0.0.0.0:1", tls_certificate=one[0], tls_key=one[1]), StartOptions())
    with pytest.raises(StigmerError, match="are no certificate with its key"):
        check_options(Configuration(home), StartOptions(remote=RemoteAccess("0.0.0.0:1", one[0], other[1])))
    with pytest.raises(StigmerError, match=r"Cannot read .*nowhere, which TLS needs"):
        check_options(Configuration(home), StartOptions(remote=RemoteAccess("0.0.0.0:1", tmp_path / "nowhere", one[1])))


async def test_a_restart_with_options_that_no_daemon_takes_stops_nothing(home: Home) -> None:
    with stand_in(home) as daemon:
        leave_open = DaemonRecord(daemon.pid, read(home).start, "127.0.0.1:1", "0", requires_token=False)
        rewrite(home, leave_open)
        with pytest.raises(StigmerError, match=r"not at 0\.0\.0\.0:1"):
            await asyncio.wait_for(restart_daemon(Configuration(home), StartOptions("0.0.0.0:1")), LIMIT)
        assert daemon.poll() is None


def read(home: Home) -> DaemonRecord:
    record = read_record(home)
    assert record
    return record


def rewrite(home: Home, record: DaemonRecord) -> None:
    descriptor = os.open(home.daemon_lock, os.O_RDWR)
    DaemonLock(home.daemon_lock, descriptor).write(record)
    os.close(descriptor)


async def test_a_restart_ends_the_old_one_and_keeps_its_address_and_access(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stand_in(home) as daemon:
        rewrite(home, DaemonRecord(daemon.pid, read(home).start, "127.0.0.1:1", "0", requires_token=False))
        replace_server(monkeypatch, SAY_HOW_STARTED)
        with pytest.raises(StigmerError) as raised:
            await asyncio.wait_for(restart_daemon(Configuration(home)), LIMIT)
        assert daemon.wait(LIMIT) != 0
    assert raised.value.advice.splitlines()[0] == "arguments: --no-auth"


async def test_where_nothing_was_ever_started_nothing_is_stopped(tmp_path: Path) -> None:
    assert not await asyncio.wait_for(stop_daemon(Home(tmp_path / "nowhere")), LIMIT)
    assert not (tmp_path / "nowhere").exists()


async def test_a_daemon_is_stopped_with_all_that_it_has_started(home: Home) -> None:
    with stand_in(home) as daemon:
        assert await asyncio.wait_for(stop_daemon(home), LIMIT)
        # In good order: it is asked to end.
        assert daemon.wait(LIMIT) == -signal.SIGTERM
    assert read_record(home) is None
    assert not await asyncio.wait_for(stop_daemon(home), LIMIT)


async def test_a_daemon_that_does_not_end_is_killed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "STOP_LIMIT", 0.05)
    with stand_in(home) as daemon:
        daemon.send_signal(signal.SIGSTOP)
        assert await asyncio.wait_for(stop_daemon(home), LIMIT)
        assert daemon.wait(LIMIT) == -signal.SIGKILL
    assert read_record(home) is None


def sleeping(environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "1000"], env=environment)


async def test_commands_of_a_runner_that_was_killed_are_ended_too(home: Home) -> None:
    environment = {**os.environ, OWNER_MARK: str(home.data)}
    other = {**os.environ, OWNER_MARK: f"{home.data}-other"}
    leave_record(home, "127.0.0.1:9", requires_token=True)
    with (
        sleeping(environment) as orphan,
        sleeping(other) as bystander,
    ):
        assert not await asyncio.wait_for(stop_daemon(home), LIMIT)
        orphan.wait(LIMIT)
        assert bystander.poll() is None
        bystander.kill()
    assert read_record(home) is None


async def test_starts_and_stops_happen_one_at_a_time(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "START_LIMIT", 0.0)
    async with one_at_a_time(home):
        assert home.start_lock.stat().st_mode & 0o777 == 0o600
        with pytest.raises(StigmerError, match="Another program has been starting or stopping the daemon for 0 s"):
            async with one_at_a_time(home):
                raise AssertionError
    async with one_at_a_time(home):
        pass
