"""The real CLIs, as far as they are installed, on the model server of the tests; and what they print, recorded.

    npm install @anthropic-ai/claude-code @google/gemini-cli @kilocode/cli
    npm install @openai/codex @qwen-code/qwen-code opencode-ai
    PATH=$PWD/node_modules/.bin:$PATH python -m tests.agent_clis.real_clis [AGENT …]

writes `streams/AGENT.jsonl` anew, and `streams/AGENT-limit.jsonl` for those that give up when they reach a usage limit.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.agent_clis.outcome import ExitCode
from stigmer_tui.agent_clis.records import RunRecord
from stigmer_tui.agent_clis.run import RunOptions, run_agent
from stigmer_tui.agent_clis.table import AGENTS
from stigmer_tui.agent_clis.tasks import find_task
from stigmer_tui.core.clock import SystemClock
from tests.agent_clis.model_apis import model_apis

STREAMS = Path(__file__).parent / "streams"
MODELS = {"kilo": "local/m", "opencode": "local/m", "gemini": "gemini-2.5-flash", "claude": "sonnet"}
GIVING_UP = ("claude", "codex", "gemini", "kilo", "opencode")
"""Their output tells of a usage limit; qwen has it in its own log."""
LIMIT = 120.0
"""Seconds."""

INSTALLED = [agent for agent in AGENTS if agent.name != "ollama" and shutil.which(agent.binary)]
"""Ollama's own program is in no registry of packages."""


@dataclass(frozen=True)
class RealRun:
    record: RunRecord
    transcript: str


def run_real(name: str, root: Path, refuses: bool = False) -> RealRun:
    """Has a real CLI do `debug_smoke_commit` in a new repository below `root`, which is its home, too."""
    agent = next(agent for agent in INSTALLED if agent.name == name)
    repository, home = root / "repository", root / "home"
    repository.mkdir(parents=True)
    (home / "tmp").mkdir(parents=True)
    with model_apis(refuses) as url:
        environment = _environment(home, url)
        _configure(home, url)
        subprocess.run(
            "git init -q && git commit -q --allow-empty -m first",
            shell=True,
            cwd=repository,
            env=environment,
            check=True,
        )
        options = RunOptions(repository, root / "logs", environment, MODELS.get(name, "m"), LIMIT, notifies=False)
        task = find_task(repository, "debug_smoke_commit")
        record = asyncio.run(run_agent(agent, task, options, SystemClock(), lambda report: None))
    folder = root / "logs" / task.name / name / record.run_id
    return RealRun(record, (folder / "transcript.log").read_text(encoding="utf-8", errors="replace"))


def _environment(home: Path, url: str) -> dict[str, str]:
    local = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "local",
        "options": {"baseURL": f"{url}/v1", "apiKey": "k"},
        "models": {"m": {"name": "m"}},
    }
    who = {f"GIT_{role}_{what}": "agent@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        # Codex puts the helper of its sandbox into its home, but not into one below the folder for temporary files.
        "TMPDIR": str(home / "tmp"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "IS_SANDBOX": "1",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "k",
        "GOOGLE_GEMINI_BASE_URL": url,
        "GEMINI_API_KEY": "k",
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": "k",
        "OPENAI_MODEL": "m",
        "OPENCODE_CONFIG_CONTENT": json.dumps({"provider": {"local": local}}),
        "KILO_CONFIG_CONTENT": json.dumps({"provider": {"local": local}}),
        **who,
    }


def _configure(home: Path, url: str) -> None:
    provider = {"name": '"local"', "base_url": f'"{url}/v1"', "env_key": '"OPENAI_API_KEY"', "wire_api": '"responses"'}
    never_again = {"request_max_retries": "0", "stream_max_retries": "0"}
    lines = [f"{key} = {value}" for key, value in (provider | never_again).items()]
    codex = "\n".join(['model = "m"', 'model_provider = "local"', "[model_providers.local]", *lines, ""])
    files: Mapping[str, str] = {
        ".codex/config.toml": codex,
        ".gemini/settings.json": json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}),
        ".qwen/settings.json": json.dumps({"security": {"auth": {"selectedType": "openai"}}}),
    }
    for name, text in files.items():
        (home / name).parent.mkdir()
        (home / name).write_text(text)


def record_streams(name: str) -> None:
    for refuses in (False, True) if name in GIVING_UP else (False,):
        with tempfile.TemporaryDirectory() as folder:
            run = run_real(name, Path(folder), refuses)
            transcript = run.transcript.replace(str(Path(folder).resolve()), "/recorded").replace(folder, "/recorded")
            transcript = re.sub(r"/[^\s:\"]*?/node_modules/", "/recorded/node_modules/", transcript)
        expected = ExitCode.USAGE_LIMIT if refuses else ExitCode.SUCCESS
        if run.record.exit_code != expected:
            sys.exit(f"{name}: {run.record.error}\n{transcript}")
        path = STREAMS / f"{name}{'-limit' if refuses else ''}.jsonl"
        path.write_text(transcript, encoding="utf-8")
        sys.stdout.write(f"{path.name}: {len(transcript.splitlines())} lines\n")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or [agent.name for agent in INSTALLED]:
        record_streams(wanted)
