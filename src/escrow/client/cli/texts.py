"""Text that someone else wrote, made safe for a terminal: no control sequence and no markup of it takes effect."""

from __future__ import annotations

from escrow.counts import counted
from escrow.reports.texts import without_controls

__all__ = ["counted", "printable", "without_controls"]


def printable(text: str) -> str:
    """Make text fit for rich: shown as it is, on one line."""
    from rich.markup import escape

    return escape(without_controls(text.replace("\n", " ")))
