"""What a list must keep besides its form: no ambiguous key, no fallback key on two accounts, no hoard of tokens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from escrow.errors import FallbackNotUnique, GenerationOutgrown, MatchKeyAmbiguous, RecordsInvalid
from escrow.psi.matchkeys import MOST_ACCOUNTS_OF_A_KEY, Kind
from escrow.psi.records.layout import ACCOUNT_DTYPE, REMOVED, TOKEN_DTYPE, ListRecords, run_starts
from escrow.psi.records.ordering import OrderedTokens

__all__ = ["LARGEST_ACCOUNT_BYTES", "MOST_TOKENS_OF_AN_ACCOUNT", "check_growth", "check_list"]

MOST_TOKENS_OF_AN_ACCOUNT = 32
LARGEST_ACCOUNT_BYTES = ACCOUNT_DTYPE.itemsize + MOST_TOKENS_OF_AN_ACCOUNT * TOKEN_DTYPE.itemsize


def check_list(
    records: ListRecords,
    *,
    ordered: OrderedTokens | None = None,
    most_tokens_of_account: int = MOST_TOKENS_OF_AN_ACCOUNT,
) -> None:
    """Refuse a list, complete and canonical, that breaks a rule about its keys.

    ``ordered`` are its tokens, where the caller has them.

    Raises:
        RecordsInvalid: an account is marked as removed, or has too many tokens.
        MatchKeyAmbiguous: a key stands on more than five accounts.
        FallbackNotUnique: a fallback key stands on more than one.
    """
    if np.any(records.accounts["population"] == REMOVED):
        raise RecordsInvalid("a list holds no removed accounts; send removals in a delta")
    if _repeats_more_than(most_tokens_of_account, records.tokens["row"]):
        raise RecordsInvalid(f"an account has more than {most_tokens_of_account} match keys")
    of_kinds = dict((ordered or OrderedTokens.of(records.tokens)).by_kind())
    if _stands_on_more_than(1, of_kinds[Kind.FALLBACK]):
        raise FallbackNotUnique("a fallback key stands on more than one account of the list; leave it out")
    for kind in (Kind.WEB, Kind.WORD):
        if _stands_on_more_than(MOST_ACCOUNTS_OF_A_KEY, of_kinds[kind]):
            raise MatchKeyAmbiguous(
                f"a match key stands on more than {MOST_ACCOUNTS_OF_A_KEY} accounts of the list; leave it out"
            )


def check_growth(tokens: int, *, most_tokens: int) -> None:
    """Refuse a list of a new generation that asks about more keys than the live one does.

    Raises:
        GenerationOutgrown: it has more different tokens.
    """
    if tokens > most_tokens:
        raise GenerationOutgrown(
            f"the list has {tokens} different keys, and in a new generation it may have {most_tokens}, as many as the "
            "live one allows; submit the list to the live generation first, or leave the newest accounts out until "
            "the switch"
        )


def _stands_on_more_than(most: int, tokens: OrderedTokens) -> bool:
    """Tell whether some token, all being of one kind, stands on more than ``most`` accounts.

    Only tokens with as many entries are looked at closely: an account may have one in two classes.
    """
    first = np.flatnonzero(tokens.starts)
    entries_each = np.diff(first, append=tokens.starts.size)
    crowded = np.repeat(entries_each > most, entries_each)
    numbers = np.cumsum(tokens.starts, dtype=np.intp)[crowded]
    rows = tokens.records["row"][crowded].astype(np.uint64)
    order = np.lexsort((rows, numbers))
    numbers, rows = numbers[order], rows[order]
    return _repeats_more_than(most, numbers[run_starts(numbers) | run_starts(rows)])


def _repeats_more_than(most: int, ordered: npt.NDArray[np.integer]) -> bool:
    """Tell whether anything stands more than ``most`` times in an ordered array."""
    return bool(np.any(ordered[most:] == ordered[:-most]))
