"""Which CRM rows are one company, told from their blinded match keys alone.

Rows with a common domain are one company. A row without a domain joins the one company with domains that bears its core
name; where none or several do, the rows without a domain that share the name are a company of their own. Such a company
joins the one other whose core name is a variant of its own, "Globex India" joins "Globex", if that has no domain either
and not too many would join it. A variant is too little to join a company with domains: what one of its rows says would
go out to whoever knows the domain of another, and "Mercury Systems" is not at mercury.com.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from escrow.client.blinding import BlindedKeys
from escrow.psi.components import components
from escrow.psi.matchkeys import MatchKeyClass

__all__ = ["NO_COMPANY", "Indexes", "companies_of_rows", "number_tokens"]

Indexes = npt.NDArray[np.intp]

#: The company of a row without any match key.
NO_COMPANY = -1

_NOTHING: Mapping[int, int] = {}
_NO_SIDES: Mapping[int, Mapping[int, int]] = {}
#: Where more companies than this have one name as a variant, it is the beginning of many names and not theirs.
_MOST_JOINING = 12

_HALVES = np.dtype([("high", ">u8"), ("low", ">u8")])


def companies_of_rows(
    keys: BlindedKeys,
    numbers: Indexes,
    *,
    rows: int,
    together: Mapping[int, int] = _NOTHING,
    sides: Mapping[int, Mapping[int, int]] = _NO_SIDES,
) -> Indexes:
    """Give each of ``rows`` rows the number of its company, which is the number of one of its rows, or NO_COMPANY.

    ``numbers`` are those of the keys' tokens, from `number_tokens`. ``together`` joins a row to another whatever their
    keys are; rows on different ``sides`` of one group are kept apart whatever their keys are.
    """
    key_rows = keys.rows.astype(np.intp)
    is_domain = keys.key_classes == MatchKeyClass.DOMAIN
    joined = np.fromiter(together, np.intp, len(together))
    companies = _joined_by_domain(key_rows[is_domain], numbers[is_domain], rows, together)
    has_domain = np.zeros(rows, np.bool_)
    has_domain[key_rows[is_domain]] = True
    has_domain[joined] = True  # whose they are is settled, as it is for rows with a domain
    is_name = keys.key_classes == MatchKeyClass.NAME
    _join_by_name(companies, has_domain, key_rows[is_name], numbers[is_name])
    is_variant = keys.key_classes == MatchKeyClass.VARIANT
    names = _Held(numbers[is_name], companies[key_rows[is_name]])
    variants = _Held(numbers[is_variant], companies[key_rows[is_variant]])
    companies = _joined_by_variant(companies, companies[has_domain], names, variants)
    _keep_apart(companies, sides)
    has_key = np.zeros(rows, np.bool_)
    has_key[companies[key_rows]] = True
    companies[~has_key[companies]] = NO_COMPANY
    return companies


def number_tokens(tokens: npt.NDArray[np.void]) -> Indexes:
    """Number tokens from zero without gaps; equal tokens, and they alone, have equal numbers."""
    halves = tokens.view(_HALVES)
    high, low = halves["high"].astype(np.uint64), halves["low"].astype(np.uint64)
    order = np.argsort(high)
    new_high, new_low = _changes(high[order]), _changes(low[order])
    if np.any(new_low & ~new_high):
        order = np.lexsort((low, high))
        new_high, new_low = _changes(high[order]), _changes(low[order])
    numbers = np.empty(len(tokens), np.intp)
    numbers[order] = np.cumsum(new_high | new_low) - 1
    return numbers


def _changes(ordered: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    changes = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=changes[1:])
    return changes


def _keep_apart(companies: Indexes, sides: Mapping[int, Mapping[int, int]]) -> None:
    """Cut companies in pieces, in place; a row that is on no side goes with the first piece of its company.

    A piece has the number of its first row, which is the number of no other.
    """
    pieces: dict[int, list[_Piece]] = {}
    piece_of: dict[int, _Piece] = {}
    for row in sorted(sides):
        of_company = pieces.setdefault(int(companies[row]), [])
        piece = next((piece for piece in of_company if piece.takes(sides[row])), None)
        if piece is None:
            piece = _Piece(row)
            of_company.append(piece)
        piece.sides.update(sides[row])
        piece_of[row] = piece
    for company, of_company in pieces.items():
        companies[companies == company] = of_company[0].number
    for row, piece in piece_of.items():
        companies[row] = piece.number


@dataclass(slots=True)
class _Piece:
    """Rows of one company that may stay together, and the sides that they are on."""

    number: int
    sides: dict[int, int] = field(default_factory=dict)

    def takes(self, sides: Mapping[int, int]) -> bool:
        return all(self.sides.get(group, side) == side for group, side in sides.items())


def _joined_by_domain(key_rows: Indexes, numbers: Indexes, rows: int, together: Mapping[int, int]) -> Indexes:
    """Give each row the lowest row it is connected to; a row with two domains connects their companies."""
    first_row = np.zeros(numbers.max(initial=-1) + 1, np.uint32)
    first_row[numbers[::-1]] = key_rows[::-1]  # of several assignments to one place the last stays
    joined = np.array([*together.keys()], np.uint32), np.array([*together.values()], np.uint32)
    connected = np.concatenate([key_rows.astype(np.uint32), joined[0]]), np.concatenate([first_row[numbers], joined[1]])
    return components(*connected, rows).astype(np.intp)


def _join_by_name(companies: Indexes, has_domain: npt.NDArray[np.bool_], key_rows: Indexes, numbers: Indexes) -> None:
    """Let rows without a domain join by their core name, in place."""
    none = len(companies)
    known = has_domain[key_rows]
    bearers = companies[key_rows[known]]
    lowest = _lowest(numbers[known], bearers, none, size=_size(numbers))
    highest = _highest(numbers[known], bearers, size=_size(numbers))
    names, joining = numbers[~known], key_rows[~known]
    first_of_name = _lowest(names, joining, none, size=_size(numbers))
    one_bears_it = lowest[names] == highest[names]
    companies[joining] = np.where(one_bears_it, lowest[names], first_of_name[names])


@dataclass(frozen=True, slots=True)
class _Held:
    """One entry for each key of a class: its number, and the company that has it."""

    numbers: Indexes
    companies: Indexes


def _joined_by_variant(companies: Indexes, with_domain: Indexes, names: _Held, variants: _Held) -> Indexes:
    """Join each company to the only other whose name is a variant of its own, where neither has a domain."""
    none = len(companies)
    has_no_domain = np.ones(none, np.bool_)
    has_no_domain[with_domain] = False
    size = max(_size(names.numbers), _size(variants.numbers))
    lowest, highest = np.full(none, none), np.full(none, -1)
    named_lowest = _lowest(names.numbers, names.companies, none, size=size)[variants.numbers]
    named_highest = _highest(names.numbers, names.companies, size=size)[variants.numbers]
    np.minimum.at(lowest, variants.companies, named_lowest)
    np.maximum.at(highest, variants.companies, named_highest)
    joining = np.flatnonzero((lowest == highest) & has_no_domain)
    joining = joining[has_no_domain[lowest[joining]]]
    are_few = np.bincount(lowest[joining], minlength=none) <= _MOST_JOINING
    joining = joining[are_few[lowest[joining]]]
    roots = components(joining.astype(np.uint32), lowest[joining].astype(np.uint32), none).astype(np.intp)
    joined: Indexes = roots[companies]
    return joined


def _lowest(numbers: Indexes, values: Indexes, none: int, *, size: int) -> Indexes:
    """Give the lowest value that stands beside each number, ``none`` for a number that does not occur."""
    lowest = np.full(size, none)
    np.minimum.at(lowest, numbers, values)
    return lowest


def _highest(numbers: Indexes, values: Indexes, *, size: int) -> Indexes:
    """Give the highest value that stands beside each number, -1 for a number that does not occur."""
    highest = np.full(size, -1)
    np.maximum.at(highest, numbers, values)
    return highest


def _size(numbers: Indexes) -> int:
    return int(numbers.max(initial=-1)) + 1
