"""Shared primary domains: what is counted where noise is added, because one account moves it by little.

The primary domain of an account is the lowest of its domain tokens. A domain is counted, once, if it is the primary
one of exactly one pair of accounts whose cell is at counts. There are no groups: whatever else an account has moves
nothing. So one account, added or removed, moves the nine counts by one in all; changed in any way, by two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from escrow.psi.components import Indices
from escrow.psi.matching import Band, Matches, counts, overlaps, pairs, settle, split_off
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import ListRecords
from escrow.psi.records.layout import pick, run_starts, token_halves
from escrow.terms import Cell, Level, Tier

__all__ = ["shared_primary_domains"]


def shared_primary_domains(
    left: ListRecords, right: ListRecords, levels: Mapping[Cell, Level], *, disputed: Collection[tuple[bytes, bytes]]
) -> dict[Cell, int]:
    """Count the shared primary domains in each cell at counts; cells are seen from the left.

    A domain that several pairs share is counted nowhere: if it were counted in the cell of one of them, one more
    account with it could take it from there to another cell. Disputed pairs of rows are no pairs.
    """
    found, _ = split_off(pairs(_primary(left), _primary(right)), disputed)
    seen = settle(found, levels=levels, band=Band.COUNTS)
    numbers = _domain_numbers(seen)
    alone = np.bincount(numbers)[numbers] == 1
    return counts(overlaps(seen.where(alone), at_least=Tier.CERTAIN), Band.COUNTS.cells(levels))


def _primary(records: ListRecords) -> ListRecords:
    """Leave each account its lowest domain token alone; tokens are in order of row, class and token."""
    domains = pick(records.tokens, records.tokens["key_class"] == MatchKeyClass.DOMAIN)
    return ListRecords(records.accounts, pick(domains, run_starts(domains["row"].astype(np.uint64))))


def _domain_numbers(matches: Matches) -> Indices:
    """Number the domain of each match from zero; equal domains, and they alone, have equal numbers."""
    tokens = matches.left.tokens
    high, low = token_halves(tokens)
    order = np.lexsort((low, high))
    numbers = np.empty(order.size, np.uint32)
    numbers[order] = np.cumsum(run_starts(high[order]) | run_starts(low[order]), dtype=np.uint32) - np.uint32(1)
    places = np.searchsorted(tokens["row"].astype(np.uint64), matches.left_rows)
    return numbers[places]
