"""The names by which a party disputes: opaque, keyed by the pepper, and told to nobody else.

Two parties that read of the same match read two ids. Neither tells a row of the partner's, nor how many there are: the
id of a row changes only with what the list of overlaps says of it anyway.
"""

from __future__ import annotations

import hashlib
import hmac

from escrow.psi.encoding import lp, u8
from escrow.terms import Population, Side, Tier

__all__ = ["MATCH_ID_BYTES", "pair_match_id", "row_match_id"]

MATCH_ID_BYTES = 16


def row_match_id(pepper: bytes, *, reader: Side, row: bytes, tier: Tier, theirs: Population) -> bytes:
    """Name all that a row of the reader's is told to overlap with, as it is told: its tier and their population."""
    return _id(pepper, b"escrow/v1 row match", reader, row + u8(tier) + u8(theirs))


def pair_match_id(pepper: bytes, *, reader: Side, row: bytes, their_row: bytes) -> bytes:
    """Name the match of two rows, as it is told beside the details of the partner's account."""
    return _id(pepper, b"escrow/v1 pair match", reader, row + their_row)


def _id(pepper: bytes, label: bytes, reader: Side, told: bytes) -> bytes:
    named = lp(label) + lp(reader.value.encode()) + told
    return hmac.digest(pepper, named, hashlib.sha256)[:MATCH_ID_BYTES]
