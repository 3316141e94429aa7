"""Snapshots and deltas: what changed between two lists, and a list with its changes applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from escrow.psi.records.layout import ACCOUNT_DTYPE, REMOVED, ListRecords, Mask, Records, Words, pick, stack
from escrow.terms import Population

__all__ = ["Changes", "apply_delta", "count_changes", "difference"]


@dataclass(frozen=True, slots=True)
class Changes:
    """How many accounts a list has added, removed or changed at all, and how many of each population were charged.

    What is removed costs its owner nothing, and so hides nothing: it is a change that a release may wait for, and none
    that a cell's state may (rule 7).
    """

    accounts: int
    populations: Mapping[Population, int]

    def __add__(self, other: Changes) -> Changes:
        both = {each: self.populations[each] + other.populations[each] for each in Population}
        return Changes(self.accounts + other.accounts, both)

    @classmethod
    def none(cls) -> Changes:
        """Nothing has changed yet."""
        return cls(0, dict.fromkeys(Population, 0))


def difference(before: ListRecords, now: ListRecords) -> ListRecords:
    """Give the delta from one list to another: new and changed accounts whole, those that left as removed.

    ``apply_delta(before, difference(before, now)) == now``.
    """
    if not before.accounts.size:
        return now
    rows_before, rows_now = before.rows, now.rows
    stayed, stays = _among(rows_before, rows_now), _among(rows_now, rows_before)
    changed = ~stays
    changed[stays] = _differs(before, now, stayed, stays)
    removed = np.zeros(np.count_nonzero(~stayed), ACCOUNT_DTYPE)
    removed["row"], removed["population"] = rows_before[~stayed], REMOVED
    accounts = _by_row(stack(pick(now.accounts, changed), removed))
    return ListRecords(accounts, pick(now.tokens, np.repeat(changed, _tokens_each(now))))


def apply_delta(before: ListRecords, delta: ListRecords) -> ListRecords:
    """Give the list that ``before`` becomes; removing an account that is not there changes nothing."""
    kept = ~_among(before.rows, delta.rows)
    stays = delta.accounts["population"] != REMOVED
    accounts = stack(pick(before.accounts, kept), pick(delta.accounts, stays))
    tokens = stack(pick(before.tokens, np.repeat(kept, _tokens_each(before))), delta.tokens)
    return ListRecords(_by_row(accounts), _by_row(tokens))


def count_changes(before: ListRecords, now: ListRecords, *, charged: Mapping[Population, int]) -> Changes:
    """Count the accounts that are new, gone, of another population or of other tokens; nothing else is a change.

    ``charged`` are the accounts of the new list that were charged, by population.
    """
    rows = difference(_what_matches(before), _what_matches(now)).rows
    return Changes(int(rows.size), {each: charged.get(each, 0) for each in Population})


def _what_matches(records: ListRecords) -> ListRecords:
    accounts = records.accounts.copy()
    accounts["flags"], accounts["segments"] = 0, 0
    return ListRecords(accounts, records.tokens)


def _differs(before: ListRecords, now: ListRecords, stayed: Mask, stays: Mask) -> Mask:
    """Tell for each account on both lists whether its record or any of its tokens changed."""
    changed = _unlike(pick(before.accounts, stayed), pick(now.accounts, stays))
    each_before, each_now = _tokens_each(before), _tokens_each(now)
    as_many = each_before[stayed] == each_now[stays]
    changed |= ~as_many
    stayed, stays = stayed.copy(), stays.copy()
    stayed[stayed], stays[stays] = as_many, as_many
    unlike = _unlike(pick(before.tokens, np.repeat(stayed, each_before)), pick(now.tokens, np.repeat(stays, each_now)))
    changed[np.repeat(np.flatnonzero(as_many), each_now[stays])[unlike]] = True
    return changed


def _unlike(records: Records, others: Records) -> Mask:
    plain = np.dtype((np.void, records.dtype.itemsize))
    unlike: Mask = records.view(plain) != others.view(plain)
    return unlike


def _among(rows: Words, others: Words) -> Mask:
    """Tell which of ``rows`` stand in ``others``; both ascend."""
    if not others.size:
        return np.zeros(rows.size, np.bool_)
    places = np.searchsorted(others, rows)
    found: Mask = others[np.minimum(places, others.size - 1)] == rows
    return found


def _tokens_each(records: ListRecords) -> npt.NDArray[np.int64]:
    """Count the tokens of each account; records are canonical, so tokens follow the order of their accounts."""
    token_rows = records.tokens["row"].astype(np.uint64)
    return np.diff(np.searchsorted(token_rows, records.rows, side="right"), prepend=0)


def _by_row(records: Records) -> Records:
    """Merge runs that are each in row order; equal rows keep their order, so the tokens of an account do too."""
    return pick(records, np.argsort(records["row"].astype(np.uint64), kind="stable"))
