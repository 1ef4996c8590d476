"""Another machine's client, played by another home folder: by TLS and token, with our own `context`."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

from tests.certificates import Authority
from tests.e2e.projects import GREETING
from tests.e2e.world import World


def test_another_machine_drives_the_daemon_by_tls(world: World, tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.sign("127.0.0.1").write(world.folder, "server")
    ca = world.folder / "ca.pem"
    ca.write_bytes(authority.certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"

    tls = ("--listen", address, "--tls-cert", str(certificate), "--tls-key", str(key))
    for arguments, reason in (
        (("--listen", address), "would listen without TLS"),
        (("--address", "0.0.0.0:0"), "would speak to them in clear"),
        (("--listen", address, "--tls-cert", str(certificate), "--tls-key", str(ca)), "no certificate with its key"),
        ((*tls, "--no-auth"), "this machine only"),
    ):
        refused = world.run("server", "start", *arguments)
        assert (refused.code, reason in refused.err) == (1, True), refused
    assert world.processes() == []

    started = world.run("server", "start", *tls)
    assert started.code == 0, started.err
    assert f"Other machines reach it at {address} by TLS, with the token in {world.home.token}" in started.out
    # What it was started with stays, also without the flags.
    assert f"at {address} by TLS" in world.run("server", "restart").out

    far = World(tmp_path / "far", {"FAR_TOKEN": world.home.token.read_text()})
    far.folder.mkdir()
    there = ("context", "set", "far", "--server", address, "--tls", "--token-variable", "FAR_TOKEN")
    assert far.run(*there).code == 0
    assert far.run("context", "use", "far").code == 0
    untrusted = far.run("list")
    assert (untrusted.code, "is not trusted" in untrusted.err) == (1, True), untrusted
    assert far.run("context", "set", "far", "--ca", str(ca)).code == 0
    ran = far.run("run", "greet", "--output", "json", cwd=far.project(GREETING))
    assert ran.code == 0, ran
    assert json.loads(far.run("server", "status", "--output", "json").out)["named_by"] == "the context far"
    assert "greet" in world.run("list").out
    assert far.processes() == []
    far.variables = {"FAR_TOKEN": "of-yesterday"}
    assert "wrong or has expired" in far.run("list").err

    # After a real run, what is kept is for its owner only.
    open_to_others = [
        path
        for path in (world.home.root, *world.home.root.rglob("*"))
        if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077 and not path.is_socket()
    ]
    assert open_to_others == []
