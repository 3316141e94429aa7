"""Text that someone else wrote, made safe to show."""

from __future__ import annotations

__all__ = ["without_controls"]


def without_controls(text: str) -> str:
    """Replace everything that a terminal or a browser would act on instead of showing it."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
