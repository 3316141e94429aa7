"""From the value of a match key to its secret and its token, and from an account to its row.

Only the token leaves the machine. Values come in UTF-8 NFC: the profile guarantees it for the values of match keys, the
client's sources for account ids; nothing is normalised here, one by one or a million at a time.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC

from escrow.errors import RowInvalid
from escrow.psi.encoding import u8
from escrow.psi.matchkeys import Kind, MatchKey

__all__ = [
    "ROW_BYTES",
    "TOKEN_BYTES",
    "AccountSecret",
    "Blinder",
    "account_secret",
    "check_row",
    "check_rows",
    "row",
    "rows",
    "wrap_key",
]

TOKEN_BYTES = 16
ROW_BYTES = 8
_SECRET = slice(0, 32)
_TOKEN = slice(32, 48)


@dataclass(frozen=True, slots=True)
class AccountSecret:
    """Both halves of one match key: the secret opens details and stays here, the token is what is sent."""

    secret: bytes = field(repr=False)
    token: bytes = field(repr=False)


def account_secret(match_key: bytes, key: MatchKey) -> AccountSecret:
    """Give the secret S_x and the token T_x of one match key under K_g (suite hmac)."""
    digest = hmac.digest(match_key, u8(key.key_class.kind) + key.value.encode(), "sha512")
    return AccountSecret(digest[_SECRET], digest[_TOKEN])


def wrap_key(account: AccountSecret, owner_org_id: UUID) -> bytes:
    """Give W_x,o: the 64 bytes of AES-256-SIV under which this owner's content keys are wrapped for this account."""
    return hmac.digest(account.secret, b"escrow/v1 wrap" + owner_org_id.bytes, "sha512")


class Blinder:
    """Tokens in bulk under one K_g, near a million a second and core: both pads of HMAC are hashed once and copied.

    Holds a secret and cannot be pickled: a pool of processes makes one in each.
    """

    __slots__ = ("_start_of",)

    def __init__(self, match_key: bytes) -> None:
        self._start_of = {kind: _started(match_key, SHA512(), u8(kind)).copy for kind in Kind}

    def tokens(self, kind: Kind, values: Iterable[str]) -> bytes:
        """Give the 16-byte tokens of values of one kind, packed in the order given."""
        start, packed = self._start_of[kind], []
        for value in map(str.encode, values):
            mac = start()
            mac.update(value)
            packed.append(mac.finalize()[_TOKEN])
        return b"".join(packed)


def row(own_secret: bytes, *, partnership_id: UUID, account_id: str) -> bytes:
    """Name one account in one partnership by 8 bytes that nobody else can link to it."""
    return rows(own_secret, partnership_id=partnership_id, account_ids=(account_id,))


def rows(own_secret: bytes, *, partnership_id: UUID, account_ids: Iterable[str]) -> bytes:
    """Give the rows of many accounts, packed in the order given; RowInvalid should one be all zero."""
    start = _started(own_secret, SHA256(), b"escrow/v1 row" + partnership_id.bytes).copy
    made = []
    for encoded in map(str.encode, account_ids):
        mac = start()
        mac.update(len(encoded).to_bytes(4) + encoded)  # LP, without a call for each
        made.append(mac.finalize()[:ROW_BYTES])
    packed = b"".join(made)
    check_rows(packed)
    return packed


def check_row(unverified_row: bytes) -> None:
    """Raise RowInvalid unless it is eight bytes and not all zero."""
    if len(unverified_row) != ROW_BYTES:
        raise RowInvalid("a row is eight bytes")
    check_rows(unverified_row)


def check_rows(unverified_packed: bytes) -> None:
    """Raise RowInvalid if one of many packed rows is all zero."""
    if not np.frombuffer(unverified_packed, dtype=">u8").all():
        raise RowInvalid("a row is not all zero: that means no row")


def _started(key: bytes, algorithm: HashAlgorithm, prefix: bytes) -> HMAC:
    mac = HMAC(key, algorithm)
    mac.update(prefix)
    return mac
