"""Writes the Python code for these .proto files into stigmer_tui/api/, flat: one module for each file.

Run by `make protos`, which brings the tools. `--check` compares instead of writing, and fails when they differ.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
TARGET = PROTOS.parent / "stigmer_tui" / "api"

# Generated modules import each other by the path of the .proto file; ours stand side by side in one package.
IMPORT_FROM = re.compile(r"^from (?:ai|buf|stigmer_tui)(?:\.\w+)* import (\w+_pb2(?:_grpc)?)", re.MULTILINE)
IMPORT_PLAIN = re.compile(r"^import (?:ai|buf|stigmer_tui)(?:\.\w+)*\.(\w+_pb2) as", re.MULTILINE)


def compile_protos(folder: Path) -> dict[str, str]:
    """The text of every generated module, by file name."""
    sources = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
    stems = [Path(source).stem for source in sources]
    if len(set(stems)) < len(stems):
        raise SystemExit("two .proto files have the same name; the generated modules stand in one folder")
    services = [source for source in sources if "\nservice " in (PROTOS / source).read_text()]
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    common = ["protoc", f"-I{PROTOS}", f"-I{well_known}"]
    messages = [*common, f"--python_out={folder}", f"--mypy_out=quiet:{folder}", *sources]
    stubs = [*common, f"--grpc_python_out={folder}", f"--mypy_grpc_out=quiet,only_async:{folder}", *services]
    if protoc.main(messages) or protoc.main(stubs):
        raise SystemExit("protoc failed")
    generated = [path for path in folder.rglob("*_pb2*.py*") if path.is_file()]
    return {path.name: flatten(path.read_text()) for path in generated}


def flatten(text: str) -> str:
    text = IMPORT_FROM.sub(r"from stigmer_tui.api import \1", text)
    return IMPORT_PLAIN.sub(r"import stigmer_tui.api.\1 as", text)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        fresh = compile_protos(Path(scratch))
    present = {path.name: path.read_text() for path in TARGET.glob("*_pb2*.py*")}
    if "--check" in sys.argv[1:]:
        stale = sorted(name for name in fresh.keys() | present.keys() if fresh.get(name) != present.get(name))
        if stale:
            raise SystemExit(f"stale generated code, run `make protos`: {', '.join(stale)}")
        return
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in present.keys() - fresh.keys():
        (TARGET / name).unlink()
    for name, text in fresh.items():
        (TARGET / name).write_text(text)


if __name__ == "__main__":
    main()
