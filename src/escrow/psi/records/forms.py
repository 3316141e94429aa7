"""Two other forms of the same records: account by account, for small lists, and column by column, for large ones.

Both are for writers who would rather not pack bytes; what they say becomes the one canonical form, and its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from escrow.errors import RecordsInvalid
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records.layout import (
    ACCOUNT_DTYPE,
    TOKEN_BYTES,
    TOKEN_DTYPE,
    ListRecords,
    check_canonical,
    make_records,
)

__all__ = ["AccountRow", "Columns", "records_of_columns", "records_of_rows"]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account's whole new state; population 0 removes it."""

    row: bytes
    population: int
    segments: int = 0
    tokens: tuple[tuple[MatchKeyClass, bytes], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Columns:
    """The fields of all records, each packed on its own in the order of the records, integers big-endian."""

    rows: bytes
    populations: bytes
    segments: bytes
    tokens: bytes = field(repr=False)
    token_rows: bytes
    key_classes: bytes


def records_of_rows(accounts: Sequence[AccountRow]) -> ListRecords:
    """Bring accounts, in any order, into canonical form; a token said twice of an account is kept once.

    Raises:
        RecordsInvalid: a row stands twice, or a removed account has tokens or segments.
    """
    keys = [(account.row, key_class, token) for account in accounts for key_class, token in account.tokens]
    return make_records(
        rows=np.frombuffer(b"".join(account.row for account in accounts), ">u8").astype(np.uint64),
        populations=np.array([account.population for account in accounts], np.uint8),
        segments=np.array([account.segments for account in accounts], np.uint32),
        token_rows=np.frombuffer(b"".join(row for row, _, _ in keys), ">u8").astype(np.uint64),
        key_classes=np.array([key_class for _, key_class, _ in keys], np.uint8),
        tokens=b"".join(token for _, _, token in keys),
    )


def records_of_columns(columns: Columns) -> ListRecords:
    """Put columns together; they are in canonical order already, as in a chunk.

    Raises:
        RecordsInvalid: a column is not as long as the others, or an order, a code or the owner of a token is wrong.
    """
    accounts = np.zeros(len(columns.rows) // 8, ACCOUNT_DTYPE)
    tokens = np.zeros(len(columns.tokens) // TOKEN_BYTES, TOKEN_DTYPE)
    for records, name, layout, packed, said in (
        (accounts, "row", ">u8", columns.rows, "rows"),
        (accounts, "population", "u1", columns.populations, "populations"),
        (accounts, "segments", ">u4", columns.segments or bytes(4 * accounts.size), "segments"),
        (tokens, "token", "V16", columns.tokens, "tokens"),
        (tokens, "row", ">u8", columns.token_rows, "token_rows"),
        (tokens, "key_class", "u1", columns.key_classes, "classes"),
    ):
        if len(packed) != records.size * np.dtype(layout).itemsize:
            raise RecordsInvalid(f"the column {said} is not as long as the others of its records")
        records[name] = np.frombuffer(packed, layout)
    assembled = ListRecords(accounts, tokens)
    check_canonical(assembled)
    return assembled
