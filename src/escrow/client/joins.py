"""By what the rows of each account are joined: derived again from their keys, the strongest first.

What two rows have in common is looked for within their account alone, in the order in which `companies_of_rows` joins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from escrow.client.accounts import Accounts
from escrow.client.blinding import BlindedKeys
from escrow.client.companies import NO_COMPANY, Indexes, number_tokens
from escrow.psi.components import components
from escrow.psi.matchkeys import MatchKeyClass
from escrow.reports.quality import JoinedBy

__all__ = ["Joins", "joins_of"]

_CLASSES = {
    JoinedBy.WEBSITE: (MatchKeyClass.DOMAIN,),
    JoinedBy.NAME: (MatchKeyClass.NAME,),
    JoinedBy.VARIANT: (MatchKeyClass.NAME, MatchKeyClass.VARIANT),
}
#: What joins, as `companies_of_rows` does it: what the owner says comes before names.
_IN_ORDER = (JoinedBy.WEBSITE, JoinedBy.ALIAS, JoinedBy.NAME, JoinedBy.VARIANT)


@dataclass(frozen=True, slots=True)
class Joins:
    """For each way that joins the label of each row, once the rows are joined by it and by all ways before it."""

    account_of_row: Indexes = field(repr=False)
    labels: tuple[Indexes, ...] = field(repr=False)

    def between(self, row: int, other: int) -> JoinedBy:
        """Tell the weakest way that it takes to get from a row to another row of its account.

        Where no key does, they went with a row that the alias file now keeps apart.
        """
        found = (way for way, labels in zip(_IN_ORDER, self.labels, strict=True) if labels[row] == labels[other])
        return next(found, JoinedBy.ALIAS)

    def ways(self, accounts: int) -> list[tuple[JoinedBy, ...]]:
        """Give for each account all ways that it takes to join its rows."""
        before = self._parts(np.arange(len(self.account_of_row)), accounts)
        takes = dict.fromkeys(JoinedBy, np.zeros(accounts, np.bool_))
        for way, labels in zip(_IN_ORDER, self.labels, strict=True):
            after = self._parts(labels, accounts)
            takes[way], before = after < before, after
        takes[JoinedBy.ALIAS] = takes[JoinedBy.ALIAS] | (before > 1)
        columns = [takes[way].tolist() for way in JoinedBy]
        return [
            tuple(way for way, taken in zip(JoinedBy, row, strict=True) if taken) for row in zip(*columns, strict=True)
        ]

    def _parts(self, labels: Indexes, accounts: int) -> Indexes:
        """Count the parts that each account is still in."""
        is_root = labels == np.arange(len(labels))
        owners = self.account_of_row[is_root]
        return np.bincount(owners[owners != NO_COMPANY], minlength=accounts)


def joins_of(keys: BlindedKeys, accounts: Accounts) -> Joins:
    """Find by what the rows of each account are joined; ``keys`` are those of the rows alone, without aliases."""
    account_of_row = np.full(accounts.rows_read, NO_COMPANY)
    account_of_row[accounts.members] = np.repeat(np.arange(len(accounts)), np.diff(accounts.starts))
    return Joins(account_of_row, tuple(_labels(keys, account_of_row, accounts)))


def _labels(keys: BlindedKeys, account_of_row: Indexes, accounts: Accounts) -> Iterator[Indexes]:
    rows = keys.rows.astype(np.intp)
    numbers = number_tokens(keys.tokens)
    left, right = np.empty(0, np.intp), np.empty(0, np.intp)
    for way in _IN_ORDER:
        if way is JoinedBy.ALIAS:
            edges = _said(accounts, account_of_row)
        else:
            of_way = np.isin(keys.key_classes, _CLASSES[way]) & (account_of_row[rows] != NO_COMPANY)
            edges = _in_common(rows[of_way], numbers[of_way], account_of_row)
        left, right = np.append(left, edges[0]), np.append(right, edges[1])
        yield components(left.astype(np.uint32), right.astype(np.uint32), len(account_of_row)).astype(np.intp)


def _said(accounts: Accounts, account_of_row: Indexes) -> tuple[Indexes, Indexes]:
    """Give the pairs of rows that the alias file joins, where they stayed together."""
    said = np.array([*accounts.together.items()], np.intp).reshape(-1, 2)
    said = said[account_of_row[said[:, 0]] == account_of_row[said[:, 1]]]
    return said[:, 0], said[:, 1]


def _in_common(rows: Indexes, numbers: Indexes, account_of_row: Indexes) -> tuple[Indexes, Indexes]:
    """Pair each row with the first row of its account that has the same key."""
    size = int(numbers.max(initial=0)) + 1
    _, first, place = np.unique(account_of_row[rows] * size + numbers, return_index=True, return_inverse=True)
    return rows, rows[first[place]]
