"""Digests of submissions and chunks, as they lie in the database: sealed under the partnership's key.

In the open, the digest of a small delta would let whoever can make tokens test guesses about what it holds. The digest
of a submission is sealed for its party and its number, so that lists and releases may hold copies of the column.
"""

from __future__ import annotations

from uuid import UUID

from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey, context
from escrow.store.secrets import partnership_key
from escrow.terms import Side

__all__ = ["DIGEST_BYTES", "chunk_place", "open_digest", "open_submission_digest", "seal_digest", "submission_place"]

DIGEST_BYTES = 32


def submission_place(partnership_id: UUID, side: Side, number: int) -> bytes:
    """Say where the sealed digest of a submission lives; its copies in lists and releases live there too."""
    return context("submission digests", partnership_id, side.value, number)


def chunk_place(partnership_id: UUID, side: Side, number: int, position: int) -> bytes:
    """Say where the sealed digest of a chunk lives."""
    return context("chunk digests", partnership_id, side.value, number, position)


def seal_digest(key: SealingKey, digest: bytes, *, place: bytes) -> bytes:
    """Seal a digest under the partnership's key."""
    return key.seal(digest, context=place)


def open_digest(key: SealingKey, stored: bytes, *, place: bytes) -> bytes:
    """Open a digest; one that an older release left in the open is given as it stands."""
    return stored if len(stored) == DIGEST_BYTES else key.open(stored, context=place)


def open_submission_digest(
    tx: Transaction, partnership_id: UUID, side: Side, number: int, stored: bytes, *, service_key: SealingKey
) -> bytes:
    """Open the digest of a submission, from any of its columns, or raise PartnershipEnded once the key is erased."""
    key = partnership_key(tx, partnership_id, service_key=service_key)
    return open_digest(key, stored, place=submission_place(partnership_id, side, number))
