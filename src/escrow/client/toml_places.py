"""On which line of a TOML file a key stands, which the standard library's reader does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["TomlPlaces"]

_KEY = r"(?:[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*')"
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_TABLE = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]\]?")
_ENTRY = re.compile(rf"\s*({_DOTTED})\s*=(.*)")
_LONG_TEXTS = ('"""', "'''")


@dataclass(frozen=True, slots=True)
class TomlPlaces:
    """Where the keys of a file stand, by their dotted names without quotes."""

    lines: dict[str, int]

    @classmethod
    def of(cls, text: str) -> TomlPlaces:
        """Look through a file that is TOML."""
        lines: dict[str, int] = {}
        for name, line in _keys(text):
            lines.setdefault(name, line)
        return cls(lines)

    def line_of(self, dotted: str) -> int | None:
        """Give the line of a key, or of the nearest table around it; None for the file as a whole."""
        while dotted:
            if dotted in self.lines:
                return self.lines[dotted]
            dotted = dotted.rpartition(".")[0]
        return None


def _keys(text: str) -> Iterator[tuple[str, int]]:
    table = ""
    for number, line in _outside_long_texts(text):
        if found := _TABLE.match(line):
            table = _plain(found[1])
            yield table, number
        elif found := _ENTRY.match(line):
            yield f"{table}.{_plain(found[1])}" if table else _plain(found[1]), number


def _outside_long_texts(text: str) -> Iterator[tuple[int, str]]:
    ending: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if ending is None:
            yield number, line
            found = _ENTRY.match(line)
            value = found[2].lstrip() if found else ""
            opened = next((quotes for quotes in _LONG_TEXTS if value.startswith(quotes)), None)
            ending = opened if opened and opened not in value[3:] else None
        elif ending in line:
            ending = None


def _plain(dotted: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(_KEY, dotted))
