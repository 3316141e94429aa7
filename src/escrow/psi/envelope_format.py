"""The layout of envelopes, which both sides read: where the bytes stand, not what they mean.

::

    body     = u8(1) || nonce[12] || commit[32] || u16(length) || ciphertext with tag
    uploaded = body || (token[16] || wrap[48]) for each token
    served   = body || wrap[48]

Every reader takes the whole input or raises EnvelopeInvalid.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from escrow.errors import EnvelopeInvalid

__all__ = [
    "LARGEST_UPLOAD",
    "MOST_WRAPS",
    "PADDED_SIZES",
    "WRAP_BYTES",
    "Body",
    "ServedEnvelope",
    "UploadedEnvelope",
    "pack_body",
    "served",
    "split_body",
    "split_served",
    "split_uploaded",
    "uploaded",
]

PADDED_SIZES = (256, 512, 1024, 2048, 4096)
WRAP_BYTES = 48
MOST_WRAPS = 32  # as many tokens as an account may have

_VERSION = 1
_TOKEN_BYTES = 16
_TAG_BYTES = 16
_ENTRY_BYTES = _TOKEN_BYTES + WRAP_BYTES
_LENGTHS = frozenset(size + _TAG_BYTES for size in PADDED_SIZES)
_HEADER = struct.Struct(">B12s32sH")

LARGEST_UPLOAD = _HEADER.size + max(_LENGTHS) + MOST_WRAPS * _ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class Body:
    """The sealed details themselves."""

    nonce: bytes = field(repr=False)
    commit: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UploadedEnvelope:
    """An envelope as its owner sends it: a body, and (token, wrap) for each token that may open it."""

    body: bytes = field(repr=False)
    wraps: tuple[tuple[bytes, bytes], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServedEnvelope:
    """An envelope as the partner gets it: a body and the one wrap of the matched token."""

    body: bytes = field(repr=False)
    wrap: bytes = field(repr=False)


def pack_body(sealed: Body) -> bytes:
    """Write a body."""
    return _HEADER.pack(_VERSION, sealed.nonce, sealed.commit, len(sealed.ciphertext)) + sealed.ciphertext


def uploaded(body: bytes, wraps: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write an envelope as it is uploaded."""
    return body + b"".join(token + wrap for token, wrap in wraps)


def served(body: bytes, wrap: bytes) -> bytes:
    """Write an envelope as it is served."""
    return body + wrap


def split_body(unverified: bytes) -> Body:
    """Read a body that ends where the input ends."""
    if len(unverified) != _body_length(unverified):
        raise EnvelopeInvalid("the envelope has bytes too many or too few")
    _, nonce, commit, _ = _HEADER.unpack_from(unverified)
    return Body(nonce, commit, unverified[_HEADER.size :])


def split_uploaded(unverified: bytes) -> UploadedEnvelope:
    """Read an uploaded envelope: from 1 to 32 wraps, each for a token of its own."""
    length = _body_length(unverified)
    entries = unverified[length:]
    count, rest = divmod(len(entries), _ENTRY_BYTES)
    if rest or not 1 <= count <= MOST_WRAPS:
        raise EnvelopeInvalid(f"an envelope is followed by 1 to {MOST_WRAPS} whole wraps")
    wraps = tuple(_entry(entries, start) for start in range(0, len(entries), _ENTRY_BYTES))
    if len({token for token, _ in wraps}) != count:
        raise EnvelopeInvalid("an envelope has one wrap for each token")
    return UploadedEnvelope(unverified[:length], wraps)


def split_served(unverified: bytes) -> ServedEnvelope:
    """Read a served envelope: a body and one wrap."""
    length = _body_length(unverified)
    if len(unverified) != length + WRAP_BYTES:
        raise EnvelopeInvalid("a served envelope has exactly one wrap")
    return ServedEnvelope(unverified[:length], unverified[length:])


def _entry(entries: bytes, start: int) -> tuple[bytes, bytes]:
    return entries[start : start + _TOKEN_BYTES], entries[start + _TOKEN_BYTES : start + _ENTRY_BYTES]


def _body_length(unverified: bytes) -> int:
    """Give the length that the header claims for the whole body, once the input is known to hold as much."""
    if len(unverified) < _HEADER.size:
        raise EnvelopeInvalid("the envelope is cut short")
    version, _, _, length = _HEADER.unpack_from(unverified)
    if version != _VERSION:
        raise EnvelopeInvalid("the envelope is of a version that this one does not read")
    if length not in _LENGTHS:
        raise EnvelopeInvalid("the envelope is of none of the five sizes")
    if len(unverified) < _HEADER.size + length:
        raise EnvelopeInvalid("the envelope is cut short")
    return _HEADER.size + int(length)
