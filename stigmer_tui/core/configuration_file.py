"""config.yaml: its values with the lines they stand in, and edits that keep everything else, comments included."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stigmer_tui.core.errors import StigmerError, as_text

if TYPE_CHECKING:
    from stigmer_tui.core.yaml_text import Document


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    path: Path
    content: str = ""
    document: Document | None = None
    """None for a file that is empty or does not exist."""

    @classmethod
    def read(cls, path: Path) -> ConfigurationFile:
        """Raises StigmerError, with file and line, for a file that cannot be read or is not valid YAML."""
        try:
            return cls.parse(path, path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(path)
        except (OSError, UnicodeDecodeError) as error:
            raise StigmerError(f"Cannot read {path}: {_reason(error)}") from error

    @classmethod
    def parse(cls, path: Path, content: str) -> ConfigurationFile:
        """Raises StigmerError, with file and line, for text that is not valid YAML."""
        if not content.strip():
            return cls(path, content)
        # Imported lazily: most homes have no configuration.
        from stigmer_tui.core.yaml_text import read_yaml

        return cls(path, content, read_yaml(content, str(path)))

    def text(self, keys: tuple[str, ...]) -> str:
        """The plain value at the keys; empty if there is none. Raises StigmerError for a list or a mapping."""
        if self.document is None:
            return ""
        value: Any = self.document.value
        for depth, key in enumerate(keys):
            if value is None:
                return ""
            if not isinstance(value, dict):
                where = self.document.where(*keys[:depth])
                raise StigmerError(f"{where} must hold keys such as {key!r}, not a plain value")
            value = value.get(key)
        if isinstance(value, dict | list):
            raise StigmerError(f"{self.document.where(*keys)} must be a plain value")
        return "" if value is None else as_text(str(value), self.document.where(*keys)).strip()

    def where(self, keys: tuple[str, ...]) -> str:
        """`config.yaml:3`"""
        line = self.document.lines.get(keys, 1) if self.document else 1
        return f"{self.path.name}:{line}"

    def edited(self, keys: tuple[str, ...], value: str | None) -> ConfigurationFile:
        """With another value at the keys, or without any for None. Raises StigmerError where that is impossible."""
        from ruamel.yaml import YAML

        yaml = YAML()
        yaml.preserve_quotes = True
        yaml.width = 1 << 16
        root = yaml.load(self.content) or yaml.map()
        parents, place = [], root
        for depth, key in enumerate(keys):
            if not isinstance(place, dict):
                where = self.document.where(*keys[:depth]) if self.document else str(self.path)
                raise StigmerError(f"{where} must hold keys such as {key!r}, not a plain value")
            parents.append(place)
            if depth < len(keys) - 1 and place.get(key) is None:
                if value is None:
                    return self
                place[key] = yaml.map()
            place = place.get(key)
        if value is None:
            parents[-1].pop(keys[-1], None)
            for parent, key in zip(reversed(parents[:-1]), reversed(keys[:-1]), strict=True):
                if not parent[key]:
                    del parent[key]
        else:
            parents[-1][keys[-1]] = value
        out = StringIO()
        if root:
            yaml.dump(root, out)
        return ConfigurationFile.parse(self.path, out.getvalue())


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
