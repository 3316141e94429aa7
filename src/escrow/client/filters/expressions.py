"""What a filter says, as a tree that cannot be changed; and the tree as text again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

__all__ = [
    "KEYWORDS",
    "ORDERINGS",
    "And",
    "Column",
    "Comparison",
    "Emptiness",
    "Expression",
    "Leaf",
    "Literal",
    "Membership",
    "Not",
    "Or",
    "columns_of",
    "leaves",
    "literals_of",
    "texts_compared",
    "written",
]

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "empty"})
ORDERINGS = frozenset({"<", "<=", ">", ">="})
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")

Literal = str | Decimal | date


@dataclass(frozen=True, slots=True)
class Column:
    """A column by the name that the filter gives it, and where in the filter it stands, counted from 0."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``column = literal``, and so for !=, <, <=, > and >=; only numbers and dates have an order."""

    column: Column
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """``column in (…)`` or ``column not in (…)``."""

    column: Column
    literals: tuple[Literal, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Emptiness:
    """``column is empty`` or ``column is not empty``."""

    column: Column
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """What holds where the other does not."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class And:
    """What holds where all of at least two hold."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What holds where one of at least two holds."""

    parts: tuple[Expression, ...]


Leaf = Comparison | Membership | Emptiness
Expression = Leaf | Not | And | Or


def leaves(expression: Expression) -> Iterator[Leaf]:
    """Walk through everything that reads a column, from left to right."""
    match expression:
        case Not(inner):
            yield from leaves(inner)
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part)
        case _:
            yield expression


def literals_of(leaf: Leaf) -> tuple[Literal, ...]:
    """Give what a column is compared with."""
    match leaf:
        case Comparison(_, _, literal):
            return (literal,)
        case Membership(_, literals):
            return literals
        case Emptiness():
            return ()


def columns_of(expression: Expression) -> tuple[Column, ...]:
    """Give each column that is read, once, where it stands first."""
    first = {leaf.column.name: leaf.column for leaf in reversed(tuple(leaves(expression)))}
    return tuple(sorted(first.values(), key=lambda column: column.at))


def texts_compared(expression: Expression) -> Iterator[tuple[str, str]]:
    """Give the name of a column and a text that it is compared with, for each such pair."""
    for leaf in leaves(expression):
        for literal in literals_of(leaf):
            if isinstance(literal, str):
                yield leaf.column.name, literal


def written(expression: Expression) -> str:
    """Give the filter's text, with the fewest parentheses; parsing it gives the same tree."""
    match expression:
        case Or(parts):
            return " or ".join(_enclosed(part, Or) for part in parts)
        case And(parts):
            return " and ".join(_enclosed(part, Or, And) for part in parts)
        case Not(inner):
            return f"not {_enclosed(inner, Or, And)}"
        case _:
            return _leaf(expression)


def _enclosed(part: Expression, *kinds: type[Expression]) -> str:
    return f"({written(part)})" if isinstance(part, kinds) else written(part)


def _leaf(leaf: Leaf) -> str:
    name = _name(leaf.column.name)
    match leaf:
        case Comparison(_, operator, literal):
            return f"{name} {operator} {_literal(literal)}"
        case Membership(_, literals, is_negated):
            return f"{name} {'not ' * is_negated}in ({', '.join(map(_literal, literals))})"
        case Emptiness(_, is_negated):
            return f"{name} is {'not ' * is_negated}empty"


def _name(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name) and name.casefold() not in KEYWORDS:
        return name
    return f"[{name.replace(']', ']]')}]"


def _literal(literal: Literal) -> str:
    if isinstance(literal, str):
        return '"' + literal.replace('"', '""') + '"'
    return f"{literal:f}" if isinstance(literal, Decimal) else literal.isoformat()
