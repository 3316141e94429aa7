"""Dates as CRMs write them, made comparable; used only to tell which of two rows is newer."""

from __future__ import annotations

import re
from datetime import UTC, datetime

__all__ = ["moment"]

_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})[./-](\d{4})")
_LAST_MONTH = 12


def moment(text: str) -> int:
    """Give a date, or a date and time, as seconds since 1970 (UTC where it names no zone); zero if it cannot be read.

    Reads ISO 8601, day.month.year, and month/day/year, which is day/month/year where there is no such month.
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        found = _NUMERIC.match(text)
        return _of_numeric_date(*found.groups()) if found else 0
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def _of_numeric_date(first: str, separator: str, second: str, year: str) -> int:
    month, day = (second, first) if separator == "." or int(first) > _LAST_MONTH else (first, second)
    try:
        return int(datetime(int(year), int(month), int(day), tzinfo=UTC).timestamp())
    except ValueError:
        return 0
