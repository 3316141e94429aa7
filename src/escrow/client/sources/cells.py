"""Typed cells of workbooks as the text that a CSV export of the same accounts holds."""

from __future__ import annotations

import datetime
import math

__all__ = ["Typed", "is_rounded", "text_of"]

Typed = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta

#: From here on a spreadsheet has rounded the digits that it does not keep.
_FIRST_ROUNDED = 1e15


def text_of(value: Typed) -> str:
    """Give a cell's text: whole numbers without a fraction, dates as 2026-05-31, true and false in capitals."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "seconds")
    if isinstance(value, datetime.time):
        return value.isoformat("seconds")
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def is_rounded(value: Typed) -> bool:
    """Tell whether this is a number too long for a spreadsheet to have kept all its digits."""
    return isinstance(value, int | float) and abs(value) >= _FIRST_ROUNDED


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value == int(value) and abs(value) < _FIRST_ROUNDED else repr(value)
