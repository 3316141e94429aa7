"""From the value of a match key to its secret and its token, and from an account to its row.

Only the token leaves the machine. Values come in UTF-8 NFC: the profile guarantees it for the values of match keys, the
client's state for account ids; nothing is normalised here, one by one or a million at a time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from escrow.errors import RowInvalid
from escrow.psi.encoding import lp, u8
from escrow.psi.matchkeys import Kind, MatchKey

__all__ = [
    "ROW_BYTES",
    "TOKEN_BYTES",
    "AccountSecret",
    "Blinder",
    "account_secret",
    "check_row",
    "row",
    "rows",
    "wrap_key",
]

TOKEN_BYTES = 16
ROW_BYTES = 8
_SECRET_BYTES = 32
_SHA256_BLOCK = 64
_SHA512_BLOCK = 128


@dataclass(frozen=True, slots=True)
class AccountSecret:
    """Both halves of one match key: the secret opens details and stays here, the token is what is sent."""

    secret: bytes = field(repr=False)
    token: bytes = field(repr=False)


def account_secret(match_key: bytes, key: MatchKey) -> AccountSecret:
    """Give the secret S_x and the token T_x of one match key under K_g (suite hmac)."""
    digest = hmac.digest(match_key, u8(key.key_class.kind) + key.value.encode(), "sha512")
    return AccountSecret(digest[:_SECRET_BYTES], digest[_SECRET_BYTES : _SECRET_BYTES + TOKEN_BYTES])


def wrap_key(account: AccountSecret, owner_org_id: UUID) -> bytes:
    """Give W_x,o: the 64 bytes of AES-256-SIV under which this owner's content keys are wrapped for this account."""
    return hmac.digest(account.secret, b"escrow/v1 wrap" + owner_org_id.bytes, "sha512")


class Blinder:
    """Tokens in bulk under one K_g: HMAC-SHA512 with both pads hashed once, about a million tokens a second and core.

    Holds a secret and cannot be pickled: a pool of processes makes one in each.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, match_key: bytes) -> None:
        inner_pad, outer_pad = _pads(match_key, _SHA512_BLOCK)
        self._inner = {int(kind): hashlib.sha512(inner_pad + u8(kind)).copy for kind in Kind}
        self._outer = hashlib.sha512(outer_pad).copy

    def tokens(self, pairs: Iterable[tuple[int, str]]) -> bytes:
        """Give the 16-byte tokens of (kind, value) pairs, packed in the order given. KeyError for an unknown kind."""
        inner_of, start_outer = self._inner, self._outer
        packed = []
        for kind, value in pairs:
            inner = inner_of[kind]()
            inner.update(value.encode())
            outer = start_outer()
            outer.update(inner.digest())
            packed.append(outer.digest()[32:48])
        return b"".join(packed)


def row(own_secret: bytes, *, partnership_id: UUID, account_id: str) -> bytes:
    """Name one account in one partnership by 8 bytes that nobody else can link to it."""
    return rows(own_secret, partnership_id=partnership_id, account_ids=(account_id,))


def rows(own_secret: bytes, *, partnership_id: UUID, account_ids: Iterable[str]) -> bytes:
    """Give the rows of many accounts, packed in the order given; RowInvalid should one be all zero."""
    inner_pad, outer_pad = _pads(own_secret, _SHA256_BLOCK)
    start_inner = hashlib.sha256(inner_pad + b"escrow/v1 row" + partnership_id.bytes).copy
    start_outer = hashlib.sha256(outer_pad).copy
    made = []
    for account_id in account_ids:
        inner = start_inner()
        inner.update(lp(account_id.encode()))
        outer = start_outer()
        outer.update(inner.digest())
        made.append(outer.digest()[:ROW_BYTES])
    packed = b"".join(made)
    _check_rows(packed)
    return packed


def check_row(unverified_row: bytes) -> None:
    """Raise RowInvalid unless it is eight bytes and not all zero."""
    if len(unverified_row) != ROW_BYTES or not any(unverified_row):
        raise RowInvalid("a row is eight bytes and not all zero")


def _check_rows(packed: bytes) -> None:
    if not np.frombuffer(packed, dtype=">u8").all():
        raise RowInvalid("an account was given the row of zeros, which means no row; give it another id")


def _pads(key: bytes, block: int) -> tuple[bytes, bytes]:
    """Give the inner and outer first blocks of HMAC (RFC 2104) for a key of 32 bytes."""
    if len(key) != _SECRET_BYTES:
        raise ValueError("a key of 32 bytes is needed")
    padded = key.ljust(block, b"\0")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)
