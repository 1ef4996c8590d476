"""ZIP files of skills."""

from __future__ import annotations

import io
import zipfile


def zipped(**files: str) -> bytes:
    """Names as keywords, with `__` for a dot: `zipped(SKILL__md="…")`. The same at any time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", ".")), text)
    return buffer.getvalue()
