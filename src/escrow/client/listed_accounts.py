"""One account of a list, as it would be sent: its rows, its keys, and which of them the rest of the list holds back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from escrow.client.accounts import Accounts
from escrow.client.columns import Meaning
from escrow.client.corrections import NO_CORRECTIONS, Corrections
from escrow.client.joins import joins_of
from escrow.client.list_making import accounts_of_list
from escrow.client.sources import CrmRows
from escrow.errors import RecordIdsInvalid
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from escrow.psi.normalisation.explaining import explainer
from escrow.psi.normalisation.reasons import KeyReasons, NoKey
from escrow.psi.tokens import Blinder
from escrow.reports.quality import JoinedBy

__all__ = ["KeyFate", "ListedAccount", "ListedKey", "look_up"]

_ANY_KEY = bytes(32)


class KeyFate(StrEnum):
    """What becomes of a key of an account."""

    SENT = "sent"
    AMBIGUOUS = "ambiguous: more than 5 accounts of the list have it, so it is not sent"
    SHARED_FALLBACK = "other accounts of the list begin so too: a fallback that is not unique is not sent"
    PAST_THE_MOST = "past the eighth key of the account: not sent"
    KEPT = "the account is not sent"


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key with the rules that made it, and whether it is sent."""

    reasons: KeyReasons
    fate: KeyFate


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """The account that a CRM row became; ``number`` is None where it became none, or is kept back.

    ``joined_by`` is the weakest way between its row and the first row that was asked for, where they are one account.
    """

    number: int | None
    crm_ids: tuple[str, ...] = field(repr=False)
    keys: tuple[ListedKey, ...]
    nothing: tuple[NoKey, ...]
    joined_by: JoinedBy | None = None

    @property
    def sent(self) -> list[MatchKey]:
        """The keys that meet the partner's."""
        return [each.reasons.key for each in self.keys if each.fate is KeyFate.SENT]


def look_up(
    crm: CrmRows, *crm_ids: str, profile_id: str, corrections: Corrections = NO_CORRECTIONS
) -> list[ListedAccount]:
    """Make the accounts of a list as submitting it does, and look at those of some rows.

    Raises:
        RecordIdsInvalid: the list has no such row.
    """
    keys, accounts = accounts_of_list(crm, profile_id=profile_id, match_key=_ANY_KEY, corrections=corrections)
    place_of = {crm_id: place for place, crm_id in enumerate(crm.crm_ids)}
    if not place_of.keys() >= set(crm_ids):
        raise RecordIdsInvalid("no row with this id belongs to a population; compare with the id column of the export")
    account_of = {row: number for number in range(len(accounts)) for row in accounts.rows_of(number)}
    rows = [place_of[crm_id] for crm_id in crm_ids]
    found = [_listed(crm, accounts, account_of, row, profile_id) for row in rows]
    joins = joins_of(keys, accounts)
    return [
        replace(each, joined_by=joins.between(rows[0], row))
        if each.number is not None and each.number == found[0].number and row != rows[0]
        else each
        for each, row in zip(found, rows, strict=True)
    ]


def _listed(crm: CrmRows, accounts: Accounts, account_of: dict[int, int], row: int, profile_id: str) -> ListedAccount:
    number = account_of.get(row)
    rows = [row] if number is None else accounts.rows_of(number)
    found = [_texts(crm, each) for each in rows]
    found += [(each.name, each.website, "") for each in accounts.added if each.row == number]
    explained = [explainer(profile_id).explain(*texts) for texts in found]
    reasons = {each.key: each for one in reversed(explained) for each in one.keys}
    strongest_first = sorted(reasons.values(), key=lambda each: each.key.key_class)
    fates = _Fates.of(accounts, number)
    return ListedAccount(
        number,
        tuple(crm.crm_ids[each] for each in rows),
        tuple(ListedKey(each, fates.fate(each.key)) for each in strongest_first),
        tuple(each for one in explained for each in one.nothing),
    )


@dataclass(frozen=True, slots=True)
class _Fates:
    blinder: Blinder
    sent: frozenset[bytes] | None = field(repr=False)
    ambiguous: frozenset[bytes] = field(repr=False)

    @classmethod
    def of(cls, accounts: Accounts, number: int | None) -> _Fates:
        own = accounts.keys.tokens[accounts.keys.accounts == number] if number is not None else None
        sent = None if own is None else frozenset(_bytes(own))
        return cls(Blinder(_ANY_KEY), sent, frozenset(_bytes(accounts.ambiguous.keys.tokens)))

    def fate(self, key: MatchKey) -> KeyFate:
        token = self.blinder.tokens(key.key_class.kind, [key.value])
        if self.sent is None:
            return KeyFate.KEPT
        if token in self.sent:
            return KeyFate.SENT
        if token in self.ambiguous:
            return KeyFate.AMBIGUOUS
        return KeyFate.SHARED_FALLBACK if key.key_class is MatchKeyClass.FALLBACK else KeyFate.PAST_THE_MOST


def _bytes(tokens: npt.NDArray[np.void]) -> Iterator[bytes]:
    return (token.tobytes() for token in tokens)


def _texts(crm: CrmRows, row: int) -> tuple[str, str, str]:
    return (
        crm.value(Meaning.ACCOUNT_NAME, row),
        crm.value(Meaning.WEBSITE, row),
        crm.value(Meaning.COUNTRY, row),
    )
