"""CRM rows and their blinded keys → the accounts of a list, ready to be sent.

Rows of one company become one account: its population is the strongest that its rows have, its fields come from the
strongest and then newest row, and all its CRM ids are kept for joining back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from escrow.client.account_ids import EarlierAccounts, name_accounts
from escrow.client.blinding import BlindedKeys
from escrow.client.columns import Meaning
from escrow.client.companies import NO_COMPANY, Indexes, companies_of_rows, number_tokens
from escrow.client.corrections.applying import NO_RULES, Added, RowRules
from escrow.client.corrections.entries import Named
from escrow.client.moments import moment
from escrow.client.sources import CrmRows
from escrow.psi.matchkeys import MOST_ACCOUNTS_OF_A_KEY, MatchKeyClass
from escrow.psi.records import ListRecords, make_records

__all__ = ["MOST_KEYS_OF_AN_ACCOUNT", "AccountKeys", "Accounts", "LeftOut", "SharedKeys", "make_accounts"]

#: Keys past this number are not sent; domains go first, and within a class what most rows of the account have.
MOST_KEYS_OF_AN_ACCOUNT = 8

_CLASSES = max(MatchKeyClass) + 1


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is not sent, for telling the user: rows that name no company, and keys that would name too many."""

    rows_without_keys: int
    ambiguous_keys: int
    shared_fallback_keys: int
    keys_past_the_most: int
    #: Accounts of the owner's do-not-map list: what else is counted here, is counted without them.
    kept_back_accounts: int = 0
    kept_back_rows: int = 0
    #: Entries of the two files that name no account of this list.
    idle_do_not_map: tuple[Named, ...] = ()
    idle_aliases: tuple[Named, ...] = ()
    idle_sides: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """One entry for each key of each account, by account and class; ``source_rows`` is a CRM row that gave the key."""

    accounts: Indexes
    key_classes: npt.NDArray[np.uint8]
    tokens: npt.NDArray[np.void] = field(repr=False)
    source_rows: Indexes = field(repr=False)

    def __len__(self) -> int:
        return len(self.accounts)


@dataclass(frozen=True, slots=True)
class SharedKeys:
    """One entry for each key that names nobody here; ``accounts`` is how many have it."""

    keys: AccountKeys
    accounts: Indexes


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of a list; account i is made of the CRM rows ``members[starts[i]:starts[i + 1]]``, in file order.

    ``populations`` holds the codes of `Population`, ``field_rows`` the CRM row that each account's fields come from.
    """

    account_ids: tuple[str, ...] = field(repr=False)
    populations: npt.NDArray[np.uint8] = field(repr=False)
    field_rows: Indexes = field(repr=False)
    members: Indexes = field(repr=False)
    starts: Indexes = field(repr=False)
    keys: AccountKeys
    #: Keys on too many accounts, and fallbacks that are not of one alone, for telling the user which they are.
    ambiguous: SharedKeys
    shared: SharedKeys
    left_out: LeftOut
    #: What aliases add to accounts, with the number of the account in place of the row.
    added: tuple[Added, ...] = ()
    #: How many rows there were, and which of them the alias file joins to which.
    rows_read: int = 0
    together: Mapping[int, int] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.account_ids)

    def rows_of(self, account: int) -> list[int]:
        """Give the CRM rows of one account, in file order."""
        rows: list[int] = self.members[self.starts[account] : self.starts[account + 1]].tolist()
        return rows

    def account_of_crm_id(self, crm_ids: Sequence[str]) -> dict[str, str]:
        """Give the account id of each CRM id that is in an account, to be remembered for the next time."""
        counts = np.diff(self.starts).tolist()
        rows = iter(self.members.tolist())
        return {
            crm_ids[next(rows)]: account_id
            for account_id, count in zip(self.account_ids, counts, strict=True)
            for _ in range(count)
        }

    def records(self, rows: npt.NDArray[np.uint64]) -> ListRecords:
        """Give the list as it is sent, each account under its row of this partnership."""
        return make_records(
            rows=rows,
            populations=self.populations,
            token_rows=rows[self.keys.accounts],
            key_classes=self.keys.key_classes,
            tokens=self.keys.tokens.tobytes(),
        )


def make_accounts(
    rows: CrmRows, keys: BlindedKeys, earlier: EarlierAccounts | None = None, rules: RowRules = NO_RULES
) -> Accounts:
    """Make the accounts of a list; rows without any match key are left out.

    A fallback key on two accounts and any key on more than five name nobody and are dropped, and counted in
    ``left_out``; accounts that have a key in a stronger class are not asked to share it with the rest. What ``rules``
    keep back is left out before anything else is counted.
    """
    numbers = number_tokens(keys.tokens)
    companies = companies_of_rows(keys, numbers, rows=len(rows), together=rules.together, sides=rules.sides)
    without_keys = np.count_nonzero(companies == NO_COMPANY)
    kept_back = _keep_back(companies, rules.kept_back)
    members, starts, account_of_row = _numbered(companies)
    sent, ambiguous, shared, past_the_most = _keys_to_send(keys, numbers, account_of_row[keys.rows])
    return Accounts(
        account_ids=name_accounts(rows.crm_ids, members, starts, earlier or EarlierAccounts()),
        populations=_strongest(rows.populations[members], starts),
        field_rows=_field_rows(rows, members, starts),
        members=members,
        starts=starts,
        keys=sent,
        ambiguous=ambiguous,
        shared=shared,
        left_out=LeftOut(
            int(without_keys),
            len(ambiguous.keys),
            len(shared.keys),
            past_the_most,
            *kept_back,
            rules.idle_do_not_map,
            rules.idle_aliases,
            rules.idle_sides,
        ),
        added=tuple(
            replace(each, row=int(account_of_row[each.row]))
            for each in rules.added
            if account_of_row[each.row] != NO_COMPANY
        ),
        rows_read=len(rows),
        together=rules.together,
    )


def _numbered(companies: Indexes) -> tuple[Indexes, Indexes, Indexes]:
    """Give the rows one account after the other, where each account starts among these, and each row's account."""
    members = np.argsort(companies, kind="stable")[np.count_nonzero(companies == NO_COMPANY) :]
    is_first = np.diff(companies[members], prepend=NO_COMPANY) != 0
    account_of_row = np.full(len(companies), NO_COMPANY)
    account_of_row[members] = np.cumsum(is_first) - 1
    return members, np.append(np.flatnonzero(is_first), len(members)), account_of_row


def _keep_back(companies: Indexes, rows: Set[int]) -> tuple[int, int]:
    """Leave out the companies of these rows with all of their rows, in place; say how many companies and rows."""
    named = np.unique(companies[np.fromiter(rows, np.intp, len(rows))])
    named = named[named != NO_COMPANY]
    is_kept = np.isin(companies, named)
    companies[is_kept] = NO_COMPANY
    return len(named), int(np.count_nonzero(is_kept))


def _strongest(populations: npt.NDArray[np.uint8], starts: Indexes) -> npt.NDArray[np.uint8]:
    if not populations.size:
        return populations
    strongest: npt.NDArray[np.uint8] = np.minimum.reduceat(populations, starts[:-1])
    return strongest


def _field_rows(rows: CrmRows, members: Indexes, starts: Indexes) -> Indexes:
    """Choose the strongest row of each account, then the newest, then the one that stands first in the file."""
    sizes = np.diff(starts)
    chosen = members[starts[:-1]].copy()
    among = np.repeat(sizes > 1, sizes)
    candidates = members[among]
    accounts = np.repeat(np.flatnonzero(sizes > 1), sizes[sizes > 1])
    age = np.array([-_newness(rows, row) for row in candidates.tolist()], np.int64)
    order = np.lexsort((candidates, age, rows.populations[candidates], accounts))
    best_first = np.diff(accounts[order], prepend=-1) != 0
    chosen[sizes > 1] = candidates[order][best_first]
    return chosen


def _newness(rows: CrmRows, row: int) -> int:
    return moment(rows.value(Meaning.UPDATED_DATE, row)) or moment(rows.value(Meaning.CREATED_DATE, row))


def _keys_to_send(
    keys: BlindedKeys, numbers: Indexes, accounts: Indexes
) -> tuple[AccountKeys, SharedKeys, SharedKeys, int]:
    """Keep each key once for each account, without those that name nobody.

    The ambiguous come second, then shared fallbacks, and how many keys are past the most.
    """
    once, rows_with = _once_for_each_account(keys, numbers, accounts)
    held_by = _held_by(numbers[once], keys.key_classes[once])
    is_ambiguous = held_by > MOST_ACCOUNTS_OF_A_KEY
    is_shared = (keys.key_classes[once] == MatchKeyClass.FALLBACK) & (held_by > 1) & ~is_ambiguous
    ambiguous, shared = (
        _shared(keys, numbers, accounts, entries=once[which], held_by=held_by[which])
        for which in (is_ambiguous, is_shared)
    )
    is_clear = ~(is_ambiguous | is_shared)
    clear = once[is_clear]
    clear = clear[np.lexsort((-rows_with[is_clear], keys.key_classes[clear], accounts[clear]))]
    sent = clear[_places_in_runs(accounts[clear]) < MOST_KEYS_OF_AN_ACCOUNT]
    return _entries(keys, accounts, sent), ambiguous, shared, len(clear) - len(sent)


def _shared(
    keys: BlindedKeys, numbers: Indexes, accounts: Indexes, *, entries: Indexes, held_by: Indexes
) -> SharedKeys:
    """Give the first of these entries of each key, those that most accounts have first."""
    _, first = np.unique(numbers[entries], return_index=True)
    first = first[np.lexsort((first, -held_by[first]))]
    return SharedKeys(_entries(keys, accounts, entries[first]), held_by[first])


def _entries(keys: BlindedKeys, accounts: Indexes, chosen: Indexes) -> AccountKeys:
    return AccountKeys(
        accounts[chosen], keys.key_classes[chosen], keys.tokens[chosen], keys.rows[chosen].astype(np.intp)
    )


def _held_by(numbers: Indexes, key_classes: npt.NDArray[np.uint8]) -> Indexes:
    """Count for each key of an account on how many accounts it stands in its class or a stronger one.

    So a company keeps its name where the names of many others begin with it.
    """
    held_by = np.zeros(len(numbers), np.intp)
    for key_class in MatchKeyClass:
        of_class = key_classes == key_class
        as_strong = np.bincount(numbers[key_classes <= key_class], minlength=int(numbers.max(initial=-1)) + 1)
        held_by[of_class] = as_strong[numbers[of_class]]
    return held_by


def _once_for_each_account(keys: BlindedKeys, numbers: Indexes, accounts: Indexes) -> tuple[Indexes, Indexes]:
    """Choose the entry of the strongest class and then the first row for each key of each account, in entry order.

    Beside each stands how many entries there were of it.
    """
    account_and_key = accounts * (int(numbers.max(initial=0)) + 1) + numbers
    order = np.argsort(account_and_key * _CLASSES + keys.key_classes, kind="stable")
    order = order[accounts[order] != NO_COMPANY]
    starts = np.flatnonzero(np.diff(account_and_key[order], prepend=-1) != 0)
    once, entries = order[starts], np.diff(starts, append=len(order))
    in_order = np.argsort(once)
    return once[in_order], entries[in_order]


def _places_in_runs(ordered: Indexes) -> Indexes:
    """Count each run of equal values from zero."""
    places = np.arange(len(ordered))
    starts = np.flatnonzero(np.diff(ordered, prepend=-1) != 0)
    return places - np.repeat(starts, np.diff(starts, append=len(ordered)))
