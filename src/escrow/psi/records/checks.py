"""What a list must keep besides its form: no ambiguous key, no fallback key on two accounts, no hoard of tokens."""

from __future__ import annotations

import numpy as np

from escrow.errors import FallbackNotUnique, GenerationOutgrown, MatchKeyAmbiguous, RecordsInvalid
from escrow.psi.matchkeys import MOST_ACCOUNTS_OF_A_KEY, Kind
from escrow.psi.records.charges import distinct_tokens
from escrow.psi.records.layout import (
    ACCOUNT_DTYPE,
    REMOVED,
    TOKEN_DTYPE,
    ListRecords,
    Records,
    Words,
    kinds_of,
    pick,
    run_starts,
    token_halves,
)

__all__ = ["LARGEST_ACCOUNT_BYTES", "MOST_TOKENS_OF_AN_ACCOUNT", "check_growth", "check_list"]

MOST_TOKENS_OF_AN_ACCOUNT = 32
LARGEST_ACCOUNT_BYTES = ACCOUNT_DTYPE.itemsize + MOST_TOKENS_OF_AN_ACCOUNT * TOKEN_DTYPE.itemsize


def check_list(records: ListRecords, *, most_tokens_of_account: int = MOST_TOKENS_OF_AN_ACCOUNT) -> None:
    """Refuse a list, complete and canonical, that breaks a rule about its keys.

    Raises:
        RecordsInvalid: an account is marked as removed, or has too many tokens.
        MatchKeyAmbiguous: a key stands on more than five accounts.
        FallbackNotUnique: a fallback key stands on more than one.
    """
    if np.any(records.accounts["population"] == REMOVED):
        raise RecordsInvalid("a list holds no removed accounts; send removals in a delta")
    if _repeated_more_than(most_tokens_of_account, records.tokens["row"].astype(np.uint64)).size:
        raise RecordsInvalid(f"an account has more than {most_tokens_of_account} match keys")
    kinds = kinds_of(records.tokens)
    if _stands_on_more_than(1, pick(records.tokens, kinds == Kind.FALLBACK)):
        raise FallbackNotUnique("a fallback key stands on more than one account of the list; leave it out")
    for kind in (Kind.WEB, Kind.WORD):
        if _stands_on_more_than(MOST_ACCOUNTS_OF_A_KEY, pick(records.tokens, kinds == kind)):
            raise MatchKeyAmbiguous(
                f"a match key stands on more than {MOST_ACCOUNTS_OF_A_KEY} accounts of the list; leave it out"
            )


def check_growth(records: ListRecords, *, most_tokens: int) -> None:
    """Refuse a list of a new generation that asks about more than the live one does.

    Raises:
        GenerationOutgrown: it has more different tokens.
    """
    if (tokens := distinct_tokens(records)) > most_tokens:
        raise GenerationOutgrown(
            f"the list has {tokens} different keys, and in a new generation it may have {most_tokens}, as many as the "
            "live one allows; submit the list to the live generation first, or leave the newest accounts out until "
            "the switch"
        )


def _stands_on_more_than(most: int, tokens: Records) -> bool:
    """Tell whether some token, all being of one kind, stands on more than ``most`` accounts.

    Only tokens that share their first eight bytes with as many others are looked at closely.
    """
    high = token_halves(tokens)[0]
    crowded = _repeated_more_than(most, np.sort(high))
    if not crowded.size:
        return False
    tokens = pick(tokens, np.isin(high, crowded))
    high, low = token_halves(tokens)
    rows = tokens["row"].astype(np.uint64)
    order = np.lexsort((rows, low, high))
    new_token = run_starts(high[order]) | run_starts(low[order])
    new_account = new_token | run_starts(rows[order])
    token_numbers = np.cumsum(new_token, dtype=np.uint64)[new_account]
    return bool(_repeated_more_than(most, token_numbers).size)


def _repeated_more_than(most: int, ordered: Words) -> Words:
    """Give what stands more than ``most`` times in an ordered array, once or more."""
    repeated: Words = ordered[most:][ordered[most:] == ordered[:-most]]
    return repeated
