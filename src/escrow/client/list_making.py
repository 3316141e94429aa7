"""Rows of an export, as their owner corrects them → accounts, for checking as for submitting → the list to be sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

import numpy as np

from escrow.client.account_ids import EarlierAccounts
from escrow.client.accounts import Accounts, make_accounts
from escrow.client.blinding import BlindedKeys, blind
from escrow.client.columns import Meaning
from escrow.client.corrections import NO_CORRECTIONS, Corrections, row_rules
from escrow.client.sources import CrmRows
from escrow.client.state import KeptList, SentList
from escrow.psi.keys import GenerationKeys
from escrow.psi.tokens import rows as rows_of

__all__ = ["accounts_of_list", "make_list"]

Progress = Callable[[int], None]


def accounts_of_list(
    crm: CrmRows,
    *,
    profile_id: str,
    match_key: bytes,
    corrections: Corrections = NO_CORRECTIONS,
    earlier: EarlierAccounts | None = None,
    progress: Progress | None = None,
) -> tuple[BlindedKeys, Accounts]:
    """Blind the rows, join them into accounts, and leave out what is kept back.

    Raises:
        CorrectionsInvalid: what is said about the list contradicts itself, or would keep nothing back.
    """
    of_texts = partial(blind, profile_id=profile_id, match_key=match_key)
    keys = of_texts(
        crm.column(Meaning.ACCOUNT_NAME),
        crm.column(Meaning.WEBSITE),
        crm.columns.get(Meaning.COUNTRY),
        progress=progress,
    )
    corrected, rules = row_rules(corrections, crm.crm_ids, keys, of_texts)
    return keys, make_accounts(crm, corrected, earlier, rules)


def make_list(
    crm: CrmRows,
    *,
    keys: GenerationKeys,
    own_secret: bytes,
    kept: KeptList | None,
    corrections: Corrections = NO_CORRECTIONS,
    progress: Progress | None = None,
) -> SentList:
    """Blind the rows, join them into accounts and name each account by its row of this partnership."""
    earlier = kept.earlier() if kept else None
    _, accounts = accounts_of_list(
        crm,
        profile_id=keys.profile_id,
        match_key=keys.match_key,
        corrections=corrections,
        earlier=earlier,
        progress=progress,
    )
    rows = _rows(accounts, own_secret, keys.partnership_id)
    earlier_ids = frozenset(earlier.account_ids) if earlier else frozenset[str]()
    return SentList(crm, accounts, rows, accounts.records(rows), earlier_ids)


def _rows(accounts: Accounts, own_secret: bytes, partnership_id: UUID) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    packed = rows_of(own_secret, partnership_id=partnership_id, account_ids=accounts.account_ids)
    return np.frombuffer(packed, ">u8").astype(np.uint64)
