"""Chunks: the bytes in which records travel, their digests, and how a list is cut into them.

A chunk is a header, account records in row order, and token records in (row, key class, token) order.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import pairwise
from uuid import UUID

import numpy as np
import numpy.typing as npt

from escrow.errors import RecordsInvalid
from escrow.psi.encoding import lp, u8, u32, u64
from escrow.psi.records.layout import ACCOUNT_DTYPE, TOKEN_DTYPE, ListRecords, check_canonical, stack

__all__ = [
    "SubmissionKind",
    "chunk_digest",
    "join",
    "pack_chunk",
    "parse_chunk",
    "split",
    "submission_digest",
]

_HEADER = struct.Struct(">4sBBHII")
_MAGIC = b"ESCK"
_VERSION = 1


class SubmissionKind(IntEnum):
    """A whole list, or what changed since the last one."""

    SNAPSHOT = 1
    DELTA = 2


def pack_chunk(records: ListRecords) -> bytes:
    """Give the canonical bytes of these records, header first."""
    header = _HEADER.pack(_MAGIC, _VERSION, 0, 0, records.accounts.size, records.tokens.size)
    return b"".join((header, records.accounts.tobytes(), records.tokens.tobytes()))


def parse_chunk(unverified: bytes) -> ListRecords:
    """Read a chunk that a stranger may have made; the arrays are views of the bytes.

    Raises:
        RecordsInvalid: the bytes are not exactly one chunk in canonical form.
    """
    records = _cut(unverified)
    check_canonical(records)
    return records


def chunk_digest(chunk: bytes) -> bytes:
    """Name a chunk by its content: SHA-256."""
    return hashlib.sha256(chunk).digest()


def submission_digest(
    *,
    partnership_id: UUID,
    g: int,
    profile_id: str,
    kind: SubmissionKind,
    number: int,
    base: int,
    chunk_digests: Sequence[bytes],
) -> bytes:
    """Name a submission by its content, its place in the sequence and the generation it belongs to: SHA-256."""
    stated = (
        lp(b"escrow/v1 submission"),
        partnership_id.bytes,
        u32(g),
        lp(profile_id.encode()),
        u8(kind),
        u64(number),
        u64(base),
        u32(len(chunk_digests)),
        *chunk_digests,
    )
    return hashlib.sha256(b"".join(stated)).digest()


def split(records: ListRecords, most_bytes: int) -> list[ListRecords]:
    """Cut a list into the fewest chunks of at most ``most_bytes`` packed; an account lies whole in one chunk.

    An empty list is one empty chunk.

    Raises:
        ValueError: an account with all its tokens does not fit.
    """
    token_ends = np.searchsorted(records.tokens["row"].astype(np.uint64), records.rows, side="right")
    ends = np.arange(1, records.accounts.size + 1) * ACCOUNT_DTYPE.itemsize + token_ends * TOKEN_DTYPE.itemsize
    cuts = [0, *_cuts(ends, most_bytes - _HEADER.size)]
    token_cuts = [0, *(int(token_ends[cut - 1]) for cut in cuts[1:])]
    parts = [
        ListRecords(records.accounts[start:end], records.tokens[first:last])
        for (start, end), (first, last) in zip(pairwise(cuts), pairwise(token_cuts), strict=True)
    ]
    return parts or [records]


def join(parts: Sequence[ListRecords]) -> ListRecords:
    """Put the chunks of one list together again, in the order they were cut.

    Raises:
        RecordsInvalid: rows do not ascend from chunk to chunk, as when chunks were reordered or repeated.
    """
    filled = [part for part in parts if part.accounts.size]
    for before, after in pairwise(filled):
        if int(before.accounts["row"][-1]) >= int(after.accounts["row"][0]):
            raise RecordsInvalid("rows do not ascend from chunk to chunk; upload the submission again")
    if not filled:
        return ListRecords.empty()
    return ListRecords(stack(*(part.accounts for part in filled)), stack(*(part.tokens for part in filled)))


def _cuts(ends: npt.NDArray[np.int64], room: int) -> Iterator[int]:
    """Yield how many accounts lie before each cut; ``ends`` is where each account ends in bytes."""
    done = 0
    while done < ends.size:
        used = int(ends[done - 1]) if done else 0
        cut = int(np.searchsorted(ends, used + room, side="right"))
        if cut == done:
            raise ValueError("an account with all its tokens is larger than a chunk may be")
        yield cut
        done = cut


def _cut(unverified: bytes) -> ListRecords:
    if len(unverified) < _HEADER.size:
        raise RecordsInvalid("the chunk is cut short: it has no whole header; upload it again")
    magic, version, zero, zeros, accounts, tokens = _HEADER.unpack_from(unverified)
    if magic != _MAGIC or version != _VERSION or zero or zeros:
        raise RecordsInvalid("these bytes are not a chunk of version 1; use a client that speaks this version")
    tokens_at = _HEADER.size + accounts * ACCOUNT_DTYPE.itemsize
    if len(unverified) != tokens_at + tokens * TOKEN_DTYPE.itemsize:
        raise RecordsInvalid("the chunk is not as long as its header says; upload it again")
    return ListRecords(
        np.frombuffer(unverified, ACCOUNT_DTYPE, accounts, _HEADER.size),
        np.frombuffer(unverified, TOKEN_DTYPE, tokens, tokens_at) if tokens else np.empty(0, TOKEN_DTYPE),
    )
