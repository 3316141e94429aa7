"""How one list is laid out in blocks; pure, and the same on every database.

Token blocks hold entries of ``[token 16 | row 8 | class 1]`` in token order, one block for each kind and bucket.
Account blocks hold, in row order, ``u32 accounts``, then ``[row 8 | population 1 | flags 1 | segments 4]`` of each,
then how many tokens each has (one byte), then ``[token 16 | class 1]`` of these. Every block starts with a format byte.
A bucket is named by the leading bits of the token or of the row; both are pseudorandom, so buckets are about as full.

A token that no account has any more keeps its entry, with row zero: what was ever asked stays known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from escrow.errors import StoredFormUnknown
from escrow.psi.records import ACCOUNT_DTYPE, TOKEN_DTYPE, ListRecords, OrderedTokens, run_starts, token_halves
from escrow.psi.records.layout import Records, Words, pick, stack
from escrow.psi.records.ordering import token_order, token_starts
from escrow.terms import Population

__all__ = [
    "AccountBlock",
    "PackedList",
    "TokenBlock",
    "combine_changes",
    "pack_list",
    "read_account_blocks",
    "read_format",
    "read_token_blocks",
    "with_format",
]

_FORMAT = b"\x01"
_ACCOUNTS_IN_A_BUCKET = 384
_COUNT_BYTES = 4
#: A token of an account block; the row is the account's.
_SHORT_TOKEN_DTYPE = np.dtype([("token", "V16"), ("key_class", "u1")])


@dataclass(frozen=True, slots=True)
class TokenBlock:
    """The entries of one kind and bucket."""

    kind: int
    bucket: int
    entries: bytes


@dataclass(frozen=True, slots=True)
class AccountBlock:
    """The accounts of one bucket with their tokens."""

    bucket: int
    entries: bytes


@dataclass(frozen=True, slots=True)
class PackedList:
    """A whole list, ready to be written."""

    bucket_bits: int
    token_blocks: Sequence[TokenBlock]
    account_blocks: Sequence[AccountBlock]
    populations: Mapping[Population, int]


def pack_list(records: ListRecords, *, ever_seen: Records, ordered: OrderedTokens | None = None) -> PackedList:
    """Lay out a list; tokens of ``ever_seen`` (token records in any order) that it lacks get entries without a row.

    ``ordered`` are the tokens of the list, where the caller has them.
    """
    entries = _with_tombstones(ordered or OrderedTokens.of(records.tokens), ever_seen)
    bits = _bucket_bits(records.accounts.size)
    return PackedList(
        bucket_bits=bits,
        token_blocks=list(_token_blocks(entries, bits)),
        account_blocks=list(_account_blocks(records, bits)),
        populations=records.population_sizes,
    )


def read_account_blocks(blocks: Iterable[bytes]) -> ListRecords:
    """Give back the list whose account blocks these are, in the order of their buckets."""
    cut = [_cut_account_block(read_format(block)) for block in blocks]
    accounts = np.frombuffer(b"".join(part for part, _, _ in cut), ACCOUNT_DTYPE)
    tokens_each = np.frombuffer(b"".join(part for _, part, _ in cut), np.uint8)
    short = np.frombuffer(b"".join(part for _, _, part in cut), _SHORT_TOKEN_DTYPE)
    tokens = np.empty(short.size, TOKEN_DTYPE)
    tokens["token"], tokens["key_class"] = short["token"], short["key_class"]
    tokens["row"] = np.repeat(accounts["row"], tokens_each)
    return ListRecords(accounts, tokens)


def read_token_blocks(blocks: Iterable[bytes]) -> Records:
    """Give every token entry of these blocks, those without a row too."""
    return np.frombuffer(b"".join(read_format(block) for block in blocks), TOKEN_DTYPE)


def combine_changes(changes: Sequence[ListRecords]) -> ListRecords:
    """Make one delta of several, the last word on each account counting."""
    if not changes:
        return ListRecords.empty()
    turns = np.repeat(np.arange(len(changes), dtype=np.uint64), [each.accounts.size for each in changes])
    accounts = stack(*(each.accounts for each in changes))
    rows = accounts["row"].astype(np.uint64)
    order = np.lexsort((turns, rows))
    is_last = np.append(run_starts(rows[order])[1:], True) if order.size else np.zeros(0, np.bool_)
    last = order[is_last]
    tokens = stack(*(_of_turn(each, last_turns=turns[last], rows=rows[last], turn=i) for i, each in enumerate(changes)))
    token_order = np.argsort(tokens["row"].astype(np.uint64), kind="stable")
    return ListRecords(pick(accounts, last), pick(tokens, token_order))


def with_format(octets: bytes) -> bytes:
    """Say in front which form the bytes have."""
    return _FORMAT + octets


def read_format(block: bytes) -> bytes:
    """Take the format byte off, or raise StoredFormUnknown."""
    if block[:1] != _FORMAT:
        raise StoredFormUnknown("The database holds blocks of a later version: run that version, or restore a backup.")
    return block[1:]


def _bucket_bits(accounts: int) -> int:
    return ((accounts + _ACCOUNTS_IN_A_BUCKET - 1) // _ACCOUNTS_IN_A_BUCKET - 1).bit_length() if accounts else 0


def _account_blocks(records: ListRecords, bits: int) -> Iterator[AccountBlock]:
    token_rows = records.tokens["row"].astype(np.uint64)
    token_ends = np.searchsorted(token_rows, records.rows, side="right")
    tokens_each = np.diff(token_ends, prepend=0)
    if tokens_each.max(initial=0) > 255:
        raise ValueError("an account block counts the tokens of an account in one byte")
    accounts, each = memoryview(records.accounts.tobytes()), memoryview(tokens_each.astype(np.uint8).tobytes())
    short = _shortened(records.tokens).view(np.uint8).data
    for bucket, start, end in _buckets(records.rows, bits):
        first, last = (int(token_ends[place - 1]) if place else 0 for place in (start, end))
        parts = (
            _FORMAT,
            (end - start).to_bytes(_COUNT_BYTES),
            accounts[start * ACCOUNT_DTYPE.itemsize : end * ACCOUNT_DTYPE.itemsize],
            each[start:end],
            short[first * _SHORT_TOKEN_DTYPE.itemsize : last * _SHORT_TOKEN_DTYPE.itemsize],
        )
        yield AccountBlock(bucket, b"".join(parts))


def _cut_account_block(block: bytes) -> tuple[bytes, bytes, bytes]:
    accounts = int.from_bytes(block[:_COUNT_BYTES])
    each_at = _COUNT_BYTES + accounts * ACCOUNT_DTYPE.itemsize
    tokens_at = each_at + accounts
    return block[_COUNT_BYTES:each_at], block[each_at:tokens_at], block[tokens_at:]


def _token_blocks(tokens: OrderedTokens, bits: int) -> Iterator[TokenBlock]:
    for kind, of_kind in tokens.by_kind():
        entries = of_kind.records.view(np.uint8).data
        for bucket, start, end in _buckets(token_halves(of_kind.records)[0], bits):
            block = entries[start * TOKEN_DTYPE.itemsize : end * TOKEN_DTYPE.itemsize]
            yield TokenBlock(kind, bucket, _FORMAT + block)


def _with_tombstones(tokens: OrderedTokens, ever_seen: Records) -> OrderedTokens:
    """Put the tokens seen before that stand on no account now between those that do."""
    if not ever_seen.size:
        return tokens
    both = stack(tokens.records, ever_seen)
    both = pick(both, order := token_order(both))
    starts, stands = token_starts(both), order < tokens.records.size
    # What stands comes first in its run, so a run that starts with something seen before has nothing standing.
    is_gone = starts & ~stands
    both["row"][is_gone] = 0
    kept = stands | is_gone
    return OrderedTokens(pick(both, kept), starts[kept])


def _buckets(ascending: Words, bits: int) -> Iterator[tuple[int, int, int]]:
    """Yield the number, the start and the end of each bucket that holds something."""
    starts = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits) if bits else np.zeros(1, np.uint64)
    bounds = [*np.searchsorted(ascending, starts).tolist(), ascending.size]
    return ((bucket, start, end) for bucket, (start, end) in enumerate(pairwise(bounds)) if start < end)


def _shortened(tokens: Records) -> Records:
    short = np.empty(tokens.size, _SHORT_TOKEN_DTYPE)
    short["token"], short["key_class"] = tokens["token"], tokens["key_class"]
    return short


def _of_turn(changes: ListRecords, *, last_turns: Words, rows: Words, turn: int) -> Records:
    """Keep the tokens of accounts on which this delta has the last word; ``rows`` ascend."""
    token_rows = changes.tokens["row"].astype(np.uint64)
    return pick(changes.tokens, last_turns[np.searchsorted(rows, token_rows)] == turn)
