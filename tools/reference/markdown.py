"""The little Markdown that the pages are made of."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

__all__ = ["MADE", "joined", "sentence", "table"]

#: Opens each page, so that nobody mends it in the wrong place.
MADE = "<!-- Made from the code by `make reference`: change the code, not this page. -->"


def joined(parts: Iterable[str]) -> str:
    """Put paragraphs, tables and headings below each other; empty ones are left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def sentence(docstring: str | None) -> str:
    """Give a docstring's text in Markdown."""
    return inspect.cleandoc(docstring or "").replace("``", "`")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table; without rows there is none."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(headings), "|" + "---|" * len(headings), *lines]) if lines else ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
