"""Builds the agent runner as one executable file: `make build-agent-runner`.

PyInstaller collects the interpreter and the libraries in a folder. In its own single files all of that is unpacked at
each start, for each keeper too, which costs most of a second (measured: 0.9 s of a processor, against 0.2 s); ours
unpacks itself once (unpack.sh).
"""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
import tarfile
from pathlib import Path

import PyInstaller.__main__

from stigmer_tui.core.daemon_processes import AGENT_RUNNER

HERE = Path(__file__).parent
ROOT = HERE.parent
WORK = ROOT / "build" / AGENT_RUNNER.name

# Loaded by name only.
MODULES = ("stigmer_tui.agents",)

# Read by the libraries themselves.
METADATA = ("genai-prices", "mcp", "pydantic-ai-slim")


def main(target: Path) -> None:
    folder = _collect()
    archive = _archive(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    script = (HERE / "unpack.sh").read_text(encoding="utf-8")
    script = script.replace("@ID@", hashlib.sha256(archive).hexdigest()[:16])
    script = script.replace("@LINE@", str(script.count("\n") + 1))
    target.write_bytes(script.encode() + archive)
    target.chmod(0o755)
    sys.stdout.write(f"{target}: {target.stat().st_size / 1e6:.0f} MB\n")


def _collect() -> Path:
    shutil.rmtree(WORK, ignore_errors=True)
    options = ["--noconfirm", "--onedir", "--log-level=WARN", f"--name={AGENT_RUNNER.name}"]
    options += [f"--distpath={WORK / 'dist'}", f"--workpath={WORK}", f"--specpath={WORK}"]
    options += [f"--collect-submodules={module}" for module in MODULES]
    # The table of prices.
    options += ["--collect-data=stigmer_tui"]
    options += [f"--copy-metadata={package}" for package in METADATA]
    PyInstaller.__main__.run([*options, str(ROOT / "stigmer_tui" / "agents" / "standalone.py")])
    return WORK / "dist" / AGENT_RUNNER.name


def _archive(folder: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        archive.add(folder, AGENT_RUNNER.name, filter=_nobodys)
    return content.getvalue()


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without the names of whoever built it, and for the owner only of what is unpacked, also where that is root."""
    entry.mode &= 0o700
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    main(Path(sys.argv[1]))
