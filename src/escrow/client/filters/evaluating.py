"""Filters on whole columns: each different text of a column is looked at once, however many rows hold it.

A cell that is not a number or a date, where one is asked for, is neither less nor more than, nor equal to anything.
"""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from escrow.client.filters.expressions import (
    And,
    Comparison,
    Emptiness,
    Expression,
    Leaf,
    Literal,
    Membership,
    Not,
    Or,
    leaves,
    literals_of,
)
from escrow.client.moments import day_of
from escrow.client.numbers import number_of

__all__ = ["Columns", "Truths", "folded", "holds", "unreadable"]

Truths = npt.NDArray[np.bool_]
Test = Callable[[str], bool]

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class _Distinct:
    """The different texts of a column, and which of them each row has."""

    texts: tuple[str, ...]
    numbers: npt.NDArray[np.intp]

    def where(self, test: Test) -> Truths:
        truths = np.fromiter(map(test, self.texts), np.bool_, len(self.texts))
        return truths[self.numbers]


class Columns:
    """Columns of an export by the names that filters give them."""

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self._columns = columns
        self._distinct: dict[str, _Distinct] = {}

    def distinct(self, name: str) -> _Distinct:
        """Give the different texts of a column; KeyError if there is no such column."""
        if name not in self._distinct:
            values = self._columns[name]
            numbers: dict[str, int] = {}
            rows = np.fromiter((numbers.setdefault(value, len(numbers)) for value in values), np.intp, len(values))
            self._distinct[name] = _Distinct(tuple(numbers), rows)
        return self._distinct[name]


def holds(expression: Expression, columns: Columns) -> Truths:
    """Tell for each row whether the filter holds."""
    match expression:
        case Not(inner):
            return ~holds(inner, columns)
        case And(parts):
            return _joined(np.logical_and, parts, columns)
        case Or(parts):
            return _joined(np.logical_or, parts, columns)
        case _:
            return columns.distinct(expression.column.name).where(_test(expression))


def _joined(join: np.ufunc, parts: Sequence[Expression], columns: Columns) -> Truths:
    truths: Truths = join.reduce([holds(part, columns) for part in parts])
    return truths


def unreadable(expression: Expression, columns: Columns) -> dict[str, int]:
    """Count the cells, not empty, that are compared with numbers or dates and are none, by column."""
    found = {}
    for leaf in leaves(expression):
        for kind in {type(literal) for literal in literals_of(leaf)} - {str}:
            strange = columns.distinct(leaf.column.name).where(_is_none(_READINGS[kind]))
            if count := int(np.count_nonzero(strange)):
                found[leaf.column.name] = count
    return found


def _is_none(read: Callable[[str], Decimal | date | None]) -> Test:
    return lambda text: bool(text.strip()) and read(text) is None


def folded(text: str) -> str:
    """Give what texts are compared by."""
    return unicodedata.normalize("NFC", text).strip().casefold()


def _test(leaf: Leaf) -> Test:
    match leaf:
        case Emptiness(_, is_negated):
            return (lambda text: bool(text.strip())) if is_negated else (lambda text: not text.strip())
        case Membership(_, literals, is_negated):
            is_in = _equals_one(literals)
            return (lambda text: not is_in(text)) if is_negated else is_in
        case Comparison(_, "=", literal):
            return _equals_one((literal,))
        case Comparison(_, "!=", literal):
            equals = _equals_one((literal,))
            return lambda text: not equals(text)
        case Comparison(_, sign, literal):
            return _ordered(_ORDERS[sign], literal)


def _equals_one(literals: tuple[Literal, ...]) -> Test:
    texts = {folded(literal) for literal in literals if isinstance(literal, str)}
    numbers = {literal for literal in literals if isinstance(literal, Decimal)}
    days = {literal for literal in literals if isinstance(literal, date)}

    def test(text: str) -> bool:
        return (
            (bool(texts) and folded(text) in texts)
            or (bool(numbers) and number_of(text) in numbers)
            or (bool(days) and day_of(text) in days)
        )

    return test


def _ordered(order: Callable[[Any, Any], bool], literal: Literal) -> Test:
    read = _READINGS[type(literal)]

    def test(text: str) -> bool:
        value = read(text)
        return value is not None and order(value, literal)

    return test


_READINGS: Mapping[type, Callable[[str], Decimal | date | None]] = {Decimal: number_of, date: day_of}
