"""The service's signing key, in a file of its own, and the public keys that have signed releases, in the database.

A new key takes the place of an old one in the file; the old public key stays beside the releases that it signed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select

from escrow.errors import ReleaseKeyInvalid
from escrow.reports.statement import key_id, sign
from escrow.store.database import Transaction
from escrow.store.key_files import KEY_BYTES, KeyFile
from escrow.store.tables import release_keys

__all__ = ["PublishedKey", "ReleaseKey", "publish", "published"]

_FILE = KeyFile(
    header="escrow-release-key-1",
    name="release key",
    advice="put it back from a backup, or move it away and run 'escrow-server init' for a new key.",
    refused=ReleaseKeyInvalid,
)


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key under which this service has signed releases."""

    key_id: str
    public_key: bytes
    first_used_at: datetime


class ReleaseKey:
    """An Ed25519 key that signs statements of releases; never printed, never compared."""

    __slots__ = ("_key", "_secret", "key_id", "public_key")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ReleaseKeyInvalid("A release key is 32 bytes.")
        self._secret = secret
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public_key = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(self.public_key)

    def __repr__(self) -> str:
        return f"ReleaseKey({self.key_id})"

    @classmethod
    def make(cls, *, random: Callable[[int], bytes] = os.urandom) -> ReleaseKey:
        """Make a fresh key."""
        return cls(random(KEY_BYTES))

    @classmethod
    def read(cls, path: Path) -> ReleaseKey:
        """Read the service's key from its file."""
        return cls(_FILE.read(path))

    def write(self, path: Path) -> None:
        """Write the key to a new file that only its owner reads; an existing file is never overwritten."""
        _FILE.write(path, self._secret)

    def sign(self, statement: bytes) -> bytes:
        """Sign the statement of a release."""
        return sign(statement, self._key)


def publish(tx: Transaction, key: ReleaseKey, *, now: datetime) -> None:
    """Tell the public half of a key that signs now, if it was not told before."""
    known = select(release_keys.c.key_id).where(release_keys.c.key_id == key.key_id)
    if tx.execute(known).one_or_none() is None:
        values = {"key_id": key.key_id, "public_key": key.public_key, "first_used_at": now}
        tx.execute(insert(release_keys).values(values))


def published(tx: Transaction) -> tuple[PublishedKey, ...]:
    """Give every public key that has signed a release, the newest first."""
    rows = tx.execute(select(release_keys).order_by(release_keys.c.first_used_at.desc(), release_keys.c.key_id))
    return tuple(PublishedKey(row.key_id, row.public_key, row.first_used_at) for row in rows)
