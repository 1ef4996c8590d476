from __future__ import annotations

from pathlib import Path

import pytest

from tests.malformed.refusals import Shell


@pytest.fixture
def shell(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    logging_as_before: None,
) -> Shell:
    return Shell(tmp_path, monkeypatch, capsys)
