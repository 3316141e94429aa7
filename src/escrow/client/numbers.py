"""Numbers as CRMs write them."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["number_of"]

_LONGEST = 60
_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_CURRENCY = r"(?:[A-Z]{3}|[^\w\s.,+()'’-])?"
_DRESSED = re.compile(
    rf"(?P<first>[+-]?){_CURRENCY}\s*(?P<second>-?)(?P<digits>[0-9](?:[0-9.,'’\s]*[0-9])?)\s*{_CURRENCY}"
)
_BETWEEN = re.compile(r"['’\s]")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_GROUPED_BY_POINTS = re.compile(r"[0-9]{1,3}(?:(?:\.[0-9]{3}){2,}|(?:\.[0-9]{3})+,[0-9]+)")
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]+")


def number_of(text: str) -> Decimal | None:
    """Read a number, with or without a currency around it: 12.5, 1,250.00, 1.250,00, 1 250, $12, 12 EUR; else None.

    A comma in front of exactly three digits groups them: 1,250 is more than a thousand.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    found = _DRESSED.fullmatch(text)
    plain = _plain(_BETWEEN.sub("", found["digits"])) if found else None
    if found is None or plain is None:
        return None
    return -Decimal(plain) if "-" in (found["first"], found["second"]) else Decimal(plain)


def _plain(digits: str) -> str | None:
    """Give digits with a point as a decimal sign and nothing between groups."""
    if _PLAIN.fullmatch(digits):
        return digits
    if _GROUPED.fullmatch(digits):
        return digits.replace(",", "")
    if _GROUPED_BY_POINTS.fullmatch(digits):
        return digits.replace(".", "").replace(",", ".")
    return digits.replace(",", ".") if _DECIMAL_COMMA.fullmatch(digits) else None
