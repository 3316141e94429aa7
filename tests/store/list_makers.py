"""Lists of plain values, for tests that care what a list says and not how it looks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from escrow.psi.records import ListRecords, kinds_of, make_records
from escrow.psi.records.layout import Records

__all__ = ["Accounts", "records_of", "tokens_of"]

#: What an account is here: its population and its keys, as (class, value).
Accounts = Mapping[int, tuple[int, frozenset[tuple[int, int]]]]


def records_of(accounts: Accounts) -> ListRecords:
    """Make list records of plain values."""
    keys = [(row, *key) for row, (_, keys) in accounts.items() for key in keys]
    return make_records(
        rows=np.array(list(accounts), np.uint64),
        populations=np.array([population for population, _ in accounts.values()], np.uint8),
        token_rows=np.array([row for row, _, _ in keys], np.uint64),
        key_classes=np.array([key_class for _, key_class, _ in keys], np.uint8),
        tokens=b"".join(value.to_bytes(16) for _, _, value in keys),
    )


def tokens_of(entries: Records) -> set[tuple[int, bytes]]:
    """Name each token by its kind and its bytes."""
    return set(zip(kinds_of(entries).tolist(), (bytes(token) for token in entries["token"]), strict=True))
