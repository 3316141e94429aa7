"""Makers of lists: small ones by hand, and any by hypothesis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import ListRecords, make_records
from escrow.terms import Population

#: An account: its population and its tokens, each a key class and a number that stands for sixteen bytes.
Account = tuple[Population, frozenset[tuple[MatchKeyClass, int]]]


def token_of(number: int) -> bytes:
    """Spread a number over both halves of a token, so that tokens can tie on the first."""
    return (number // 4).to_bytes(8, "big") + (number % 4).to_bytes(8, "big")


def records_of(accounts: Mapping[int, Account]) -> ListRecords:
    """Make a list of accounts by row."""
    keys = [(row, key_class, number) for row, (_, keys) in accounts.items() for key_class, number in sorted(keys)]
    return make_records(
        rows=np.array(list(accounts), np.uint64),
        populations=np.array([population for population, _ in accounts.values()], np.uint8),
        token_rows=np.array([row for row, _, _ in keys], np.uint64),
        key_classes=np.array([key_class for _, key_class, _ in keys], np.uint8),
        tokens=b"".join(token_of(number) for _, _, number in keys),
    )


ROWS = st.one_of(st.integers(1, 12), st.sampled_from([2**32, 2**63, 2**64 - 1]))
KEYS = st.frozensets(st.tuples(st.sampled_from(MatchKeyClass), st.integers(0, 9)), max_size=4)
ACCOUNTS: st.SearchStrategy[Account] = st.tuples(st.sampled_from(Population), KEYS)
LISTS: st.SearchStrategy[dict[int, Account]] = st.dictionaries(ROWS, ACCOUNTS, max_size=8)
