"""Rows for people, in columns that stay apart however long a value is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["aligned"]


def aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Give a line for each row, every column as wide as its longest value and two spaces from the next."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
