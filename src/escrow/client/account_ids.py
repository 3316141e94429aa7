"""The id of an account in the client's state: the CRM id first given to it, kept while rows join it or leave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from escrow.client.companies import Indexes

__all__ = ["EarlierAccounts", "name_accounts"]

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class EarlierAccounts:
    """What the client remembers: the account of each CRM id, and every account id that was ever given."""

    account_of_crm_id: Mapping[str, str] = field(default_factory=dict, repr=False)
    account_ids: Set[str] = field(default_factory=frozenset, repr=False)


@dataclass(frozen=True, slots=True)
class _Claims:
    """Who may keep which earlier id: an entry for each account and id (by number) that some of its rows had.

    A claim is the stronger the more rows of the account had the id, and among equals if one of them gave the id.
    """

    accounts: Indexes
    ids: Indexes
    strengths: Indexes

    def contested(self) -> npt.NDArray[np.bool_]:
        """Mark the claims of an account with several, and those on an id that several accounts claim."""
        by_account, by_id = np.bincount(self.accounts), np.bincount(self.ids)
        contested: npt.NDArray[np.bool_] = (by_account[self.accounts] > 1) | (by_id[self.ids] > 1)
        return contested

    def settled(self) -> dict[int, int]:
        """Give the id that each account keeps: the strongest claims first, each account and each id once."""
        contested = self.contested()
        kept = dict(zip(self.accounts[~contested].tolist(), self.ids[~contested].tolist(), strict=True))
        given: set[int] = set()
        accounts, ids = self.accounts[contested], self.ids[contested]
        order = np.lexsort((accounts, -self.strengths[contested]))
        for account, earlier in zip(accounts[order].tolist(), ids[order].tolist(), strict=True):
            if account not in kept and earlier not in given:
                kept[account] = earlier
                given.add(earlier)
        return kept


def name_accounts(
    crm_ids: Sequence[str], members: Indexes, starts: Indexes, earlier: EarlierAccounts
) -> tuple[str, ...]:
    """Give each account its id; account i has the rows ``members[starts[i]:starts[i + 1]]``.

    An account keeps the id that most of its rows had, an id goes to the account with most of its rows, and a new
    account takes the id of its first row. No two accounts get one id, and no earlier id is given to a new account.
    """
    firsts = [crm_ids[row] for row in members[starts[:-1]].tolist()]
    if not earlier.account_of_crm_id and not earlier.account_ids:
        return tuple(firsts)
    kept = _kept_ids([crm_ids[row] for row in members.tolist()], starts, earlier.account_of_crm_id)
    taken = {*earlier.account_ids, *kept.values()}
    ids = []
    for account, first in enumerate(firsts):
        account_id = kept.get(account)
        if account_id is None:
            account_id = _new_id(first, taken)
            taken.add(account_id)
        ids.append(account_id)
    return tuple(ids)


def _kept_ids(crm_ids: Sequence[str], starts: Indexes, account_of_crm_id: Mapping[str, str]) -> dict[int, str]:
    """Give the accounts that keep an earlier id, with that id; the CRM ids run account by account."""
    had = [account_of_crm_id.get(crm_id) for crm_id in crm_ids]
    earlier_ids = [earlier_id for earlier_id in dict.fromkeys(had) if earlier_id is not None]
    number_of: dict[str | None, int] = {earlier_id: number for number, earlier_id in enumerate(earlier_ids)}
    numbers = np.array([number_of.get(earlier_id, _UNKNOWN) for earlier_id in had], np.intp)
    gave_it = np.array([crm_id == earlier_id for crm_id, earlier_id in zip(crm_ids, had, strict=True)], np.bool_)
    accounts = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    known = numbers != _UNKNOWN
    claims = _claims(accounts[known], numbers[known], gave_it[known])
    return {account: earlier_ids[number] for account, number in claims.settled().items()}


def _claims(accounts: Indexes, numbers: Indexes, gave_it: npt.NDArray[np.bool_]) -> _Claims:
    ids = int(numbers.max(initial=0)) + 1
    pairs, entries = np.unique(accounts * ids + numbers, return_inverse=True)
    strengths = np.bincount(entries, weights=2 + gave_it).astype(np.intp)
    return _Claims(pairs // ids, pairs % ids, strengths)


def _new_id(crm_id: str, taken: Set[str]) -> str:
    if crm_id not in taken:
        return crm_id
    number = 2
    while f"{crm_id}~{number}" in taken:
        number += 1
    return f"{crm_id}~{number}"
