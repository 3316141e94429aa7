"""How many there are, in words."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, many: str = "") -> str:
    """Say how many there are: "1 row", "2,000 rows"; ``many`` is for words that do not take an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
