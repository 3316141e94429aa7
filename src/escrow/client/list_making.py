"""The rows of an export, as their owner corrects them → accounts: the steps that submitting and checking share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from escrow.client.account_ids import EarlierAccounts
from escrow.client.accounts import Accounts, make_accounts
from escrow.client.blinding import BlindedKeys, blind
from escrow.client.columns import Meaning
from escrow.client.corrections import NO_CORRECTIONS, Corrections, row_rules
from escrow.client.sources import CrmRows

__all__ = ["accounts_of_list"]

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
