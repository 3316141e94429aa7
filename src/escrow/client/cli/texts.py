"""Text that someone else wrote, made safe for a terminal: no control sequence and no markup of it takes effect."""

from __future__ import annotations

from escrow.counts import counted

__all__ = ["counted", "printable", "without_controls"]


def without_controls(text: str) -> str:
    """Replace everything that a terminal would act on instead of showing it."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def printable(text: str) -> str:
    """Make text fit for rich: shown as it is, on one line."""
    from rich.markup import escape

    return escape(without_controls(text.replace("\n", " ")))
