"""What a list asks about that the list before it did not: the charge of rule 8, counted on tokens alone.

A token that is not on the list before is charged whole, be it new or one that returns. A token that stays is charged a
fifth for each place that it newly has: another account or population, or another class, which counts in other tiers.
Removing is free and gives nothing back. The charge is a matter of the two lists, so a snapshot and the delta that leads
to the same list are charged alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from escrow.allowance import FIFTHS_OF_A_TOKEN
from escrow.psi.records.changes import difference
from escrow.psi.records.layout import ListRecords, Mask, Records, pick, run_starts, stack, token_halves
from escrow.psi.records.ordering import OrderedTokens, Places, token_order, token_starts
from escrow.terms import Population

__all__ = ["Charge", "charge_of"]


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


def charge_of(before: ListRecords, now: ListRecords, *, ordered: OrderedTokens | None = None) -> Charge:
    """Count what ``now`` asks about that ``before`` does not; both are whole lists.

    ``ordered`` are the tokens of ``now``, where the caller has them.
    """
    if not before.tokens.size:
        ordered = ordered or OrderedTokens.of(now.tokens)
        return Charge(ordered.distinct, 0, now.population_sizes_of(now.tokens))
    changed = difference(before, now)
    stood = pick(before.tokens, _any_of(before.tokens, changed.tokens))
    tokens, is_new, is_moved = _compared(before, stood, changed)
    charged = pick(changed.tokens, is_new | is_moved)
    return Charge(tokens, int(np.count_nonzero(is_moved)), changed.population_sizes_of(charged))


def _compared(before: ListRecords, stood: Records, changed: ListRecords) -> tuple[int, Mask, Mask]:
    """Compare the tokens of ``changed`` with those that stood before.

    Give how many different ones stood nowhere, which entries are of those, and which are a new place of others.
    """
    count = stood.size
    both = stack(stood, changed.tokens)
    order = token_order(both)
    starts = token_starts(pick(both, order))
    numbers = np.cumsum(starts) - 1
    # Of equal tokens those that stood come first.
    token_stood = order[starts] < count
    is_new, is_moved = np.zeros(order.size, np.bool_), np.zeros(order.size, np.bool_)
    is_new[order] = ~token_stood[numbers]
    known = np.flatnonzero(token_stood[numbers])
    populations = np.concatenate((before.populations_of(stood), changed.populations_of(changed.tokens)))
    is_moved[order[known]] = _new_places(numbers[known], order[known], both, populations, count)
    return int(np.count_nonzero(~token_stood)), is_new[count:], is_moved[count:]


def _new_places(
    numbers: Places, entries: Places, both: Records, populations: npt.NDArray[np.uint8], count: int
) -> Mask:
    """Tell of entries, in token order, whether each is the first to stand where it does; the first ``count`` stood."""
    rows, populations, classes = (
        both["row"].astype(np.uint64)[entries],
        populations[entries],
        both["key_class"][entries],
    )
    order = np.lexsort((entries, classes, populations, rows, numbers))
    is_first = np.logical_or.reduce([run_starts(of[order]) for of in (numbers, rows, populations, classes)])
    is_new_place = np.zeros(entries.size, np.bool_)
    is_new_place[order] = is_first & (entries[order] >= count)
    return is_new_place


def _any_of(tokens: Records, looked_for: Records) -> Mask:
    """Mark the tokens whose first half is that of one looked for: few more than those meant."""
    if not looked_for.size:
        return np.zeros(tokens.size, np.bool_)
    wanted, high = np.sort(token_halves(looked_for)[0]), token_halves(tokens)[0]
    found: Mask = wanted[np.minimum(np.searchsorted(wanted, high), wanted.size - 1)] == high
    return found
