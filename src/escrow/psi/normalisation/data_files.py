"""How the frozen data files of every profile are read: lines, sections of lines, and ranges of characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["folder_of", "lines", "pair", "ranges", "sections"]


def folder_of(version: str) -> Traversable:
    """Give the folder of the data files frozen under this version."""
    return files("escrow.psi.normalisation").joinpath("data", version)


def lines(file: Traversable) -> Iterator[str]:
    """Yield the lines that are neither empty nor a comment."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


def sections(file: Traversable) -> Mapping[str, list[str]]:
    """Give the lines below each ``[heading]``."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines(file):
        if line.startswith("["):
            current = found.setdefault(line.strip("[]"), [])
        else:
            current.append(line)
    return found


def pair(line: str) -> tuple[str, str]:
    """Cut a line in two at its first blank."""
    first, _, second = line.partition(" ")
    return first, second


def ranges(written: Iterable[str]) -> Iterator[str]:
    """Turn ranges of hexadecimal numbers into those of a regular expression."""
    for each in " ".join(written).split():
        first, _, last = each.partition("-")
        yield chr(int(first, 16)) + (f"-{chr(int(last, 16))}" if last else "")
