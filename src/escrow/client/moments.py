"""Dates as CRMs write them, made comparable: to tell which of two rows is newer, and for filters."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

__all__ = ["day_of", "moment"]

_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})[./-](\d{4})")
_LAST_MONTH = 12


def moment(text: str) -> int:
    """Give a date, or a date and time, as seconds since 1970 (UTC where it names no zone); zero if it cannot be read.

    Reads ISO 8601, day.month.year, and month/day/year, which is day/month/year where there is no such month.
    """
    when = _read(text)
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()) if when else 0


def day_of(text: str) -> date | None:
    """Give the day that a date, or a date and time, names in its own zone; None if it cannot be read."""
    when = _read(text.strip())
    return when.date() if when else None


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        found = _NUMERIC.match(text)
        return _of_numeric_date(*found.groups()) if found else None


def _of_numeric_date(first: str, separator: str, second: str, year: str) -> datetime | None:
    month, day = (second, first) if separator == "." or int(first) > _LAST_MONTH else (first, second)
    try:
        return datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return None
