"""What a list asks about that the list before it did not: the charge of rule 8, counted on tokens alone.

A token that is not on the list before is charged whole, be it new or one that returns. A token that stays is charged a
fifth for each account or population that it newly stands on. Removing is free and gives nothing back. The charge is a
matter of the two lists, so a snapshot and the delta that leads to the same list are charged alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from escrow.allowance import FIFTHS_OF_A_TOKEN
from escrow.psi.records.changes import difference
from escrow.psi.records.layout import ListRecords, Mask, Records, Words, kinds_of, pick, run_starts, token_halves
from escrow.terms import Population

__all__ = ["Charge", "charge_of", "distinct_tokens"]


@dataclass(frozen=True, slots=True)
class Charge:
    """What one list is charged, after another: tokens that were not there, and new places of those that were.

    ``accounts`` are the accounts that have any of them, by population: the charged changes of rule 7.
    """

    tokens: int
    moves: int
    accounts: Mapping[Population, int]

    @property
    def fifths(self) -> int:
        """The charge, in fifths of a token."""
        return self.tokens * FIFTHS_OF_A_TOKEN + self.moves


@dataclass(frozen=True, slots=True)
class _Places:
    """Where tokens stand, one entry for each token record: what the token is, and on which account it stands."""

    high: Words
    low: Words
    kinds: Words
    rows: Words
    populations: Words

    @classmethod
    def of(cls, records: ListRecords, tokens: Records) -> _Places:
        high, low = token_halves(tokens)
        rows = tokens["row"].astype(np.uint64)
        populations = records.accounts["population"][np.searchsorted(records.rows, rows)]
        return cls(high, low, kinds_of(tokens).astype(np.uint64), rows, populations.astype(np.uint64))

    def after(self, before: _Places) -> _Places:
        """Put those of another list in front."""
        return _Places(
            *(
                np.concatenate((getattr(before, name), getattr(self, name)))
                for name in ("high", "low", "kinds", "rows", "populations")
            )
        )


def charge_of(before: ListRecords, now: ListRecords) -> Charge:
    """Count what ``now`` asks about that ``before`` does not; both are whole lists."""
    changed = difference(before, now)
    stood = pick(before.tokens, _any_of(before.tokens, changed.tokens))
    earlier, places = _Places.of(before, stood), _Places.of(changed, changed.tokens)
    is_new, is_moved = _compared(earlier, places)
    tokens = int(np.count_nonzero(is_new & _first_of_each_token(places, is_new)))
    charged = is_new | is_moved
    return Charge(tokens, int(np.count_nonzero(is_moved)), _accounts(places, charged))


def distinct_tokens(records: ListRecords) -> int:
    """Count the tokens of a list, each once however many accounts it stands on."""
    high, low = token_halves(records.tokens)
    order = np.lexsort((low, high))
    return int(np.count_nonzero(run_starts(high[order]) | run_starts(low[order])))


def _any_of(tokens: Records, looked_for: Records) -> Mask:
    """Mark the tokens whose first half is that of one looked for: few more than those meant."""
    mask: Mask = np.isin(token_halves(tokens)[0], np.unique(token_halves(looked_for)[0]))
    return mask


def _compared(earlier: _Places, places: _Places) -> tuple[Mask, Mask]:
    """Tell of each place whether its token stood nowhere before, and if it did, whether the place is new to it."""
    both = places.after(earlier)
    count = earlier.rows.size
    order = np.lexsort((np.arange(both.rows.size), both.populations, both.rows, both.low, both.high, both.kinds))
    starts_token = run_starts(both.kinds[order]) | run_starts(both.high[order]) | run_starts(both.low[order])
    starts_place = starts_token | run_starts(both.rows[order]) | run_starts(both.populations[order])
    stood = order < count
    token_numbers = np.cumsum(starts_token) - 1
    token_stood = np.zeros(token_numbers[-1] + 1 if order.size else 0, np.bool_)
    token_stood[token_numbers[stood]] = True
    is_new = np.zeros(order.size, np.bool_)
    is_moved = np.zeros(order.size, np.bool_)
    # Of equal places the earlier list's comes first, so one that starts with ours is new.
    is_new[order] = ~token_stood[token_numbers]
    is_moved[order] = starts_place & ~stood & token_stood[token_numbers]
    return is_new[count:], is_moved[count:]


def _first_of_each_token(places: _Places, which: Mask) -> Mask:
    """Mark one place of each token among these places."""
    chosen = np.flatnonzero(which)
    order = chosen[np.lexsort((places.low[chosen], places.high[chosen], places.kinds[chosen]))]
    starts = run_starts(places.kinds[order]) | run_starts(places.high[order]) | run_starts(places.low[order])
    first = np.zeros(which.size, np.bool_)
    first[order[starts]] = True
    return first


def _accounts(places: _Places, charged: Mask) -> dict[Population, int]:
    _, first = np.unique(places.rows[charged], return_index=True)
    sizes = np.bincount(places.populations[charged][first].astype(np.intp), minlength=len(Population) + 1)
    return {population: int(sizes[population]) for population in Population}
