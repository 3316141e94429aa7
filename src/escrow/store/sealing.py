"""Sealing: columns and files that only a key kept outside of the database opens.

The service holds one sealing key in a file of its own. Under it are sealed a pepper per generation and a sealing key
per partnership; under that, chunks and envelopes. Once the two columns are erased, nothing below them opens again.

A sealed value is ``u8(1) || nonce[12] || ChaCha20-Poly1305 ciphertext with tag``. Its context (table, partnership, …)
is authenticated, so that a value copied to another row does not open there.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from escrow.errors import SealBroken, SealingKeyInvalid
from escrow.store.key_files import KEY_BYTES, KeyFile

__all__ = ["SealingKey", "context"]

_FORMAT = b"\x01"
_NONCE = 12
_FILE = KeyFile(
    header="escrow-sealing-key-1",
    name="sealing key",
    advice="put it back from a backup, since nothing else opens what it sealed.",
    refused=SealingKeyInvalid,
)

Random = Callable[[int], bytes]


def context(table: str, *parts: UUID | str | int | bytes) -> bytes:
    """Say where a sealed value lives; two different places never give the same bytes."""
    return b"".join(len(piece).to_bytes(4) + piece for piece in (table.encode(), *map(_bytes, parts)))


def _bytes(part: UUID | str | int | bytes) -> bytes:
    match part:
        case UUID():
            return part.bytes
        case str():
            return part.encode()
        case int():
            return part.to_bytes(8)
        case _:
            return part


class SealingKey:
    """32 bytes that seal and open; never printed, never compared."""

    __slots__ = ("_cipher", "_key", "_random")

    def __init__(self, key: bytes, *, random: Random = os.urandom) -> None:
        if len(key) != KEY_BYTES:
            raise SealingKeyInvalid("A sealing key is 32 bytes.")
        self._key = key
        self._cipher = ChaCha20Poly1305(key)
        self._random = random

    def __repr__(self) -> str:
        return "SealingKey(…)"

    @classmethod
    def make(cls, *, random: Random = os.urandom) -> SealingKey:
        """Make a fresh key."""
        return cls(random(KEY_BYTES), random=random)

    @classmethod
    def read(cls, path: Path) -> SealingKey:
        """Read the service's key from its file."""
        return cls(_FILE.read(path))

    def write(self, path: Path) -> None:
        """Write the key to a new file that only its owner reads; an existing file is never overwritten."""
        _FILE.write(path, self._key)

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """Seal a value for one place."""
        nonce = self._random(_NONCE)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, plaintext, context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Open a value sealed for this place, or raise SealBroken."""
        if sealed[:1] != _FORMAT:
            raise SealBroken("A sealed value has an unknown format.")
        try:
            return self._cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], context)
        except (InvalidTag, ValueError) as broken:
            raise SealBroken(
                "A sealed value does not open: the sealing key or the database is not the right one."
            ) from broken

    def tag(self, value: bytes, *, context: bytes) -> bytes:
        """Give 32 bytes that are the same for the same value and place, and tell nothing of it without this key."""
        of_tags = hmac.digest(self._key, b"escrow tags", "sha256")
        return hmac.digest(of_tags, len(context).to_bytes(4) + context + value, "sha256")

    def seal_key(self, key: SealingKey, *, context: bytes) -> bytes:
        """Seal another key under this one."""
        return self.seal(key._key, context=context)

    def open_key(self, sealed: bytes, *, context: bytes) -> SealingKey:
        """Open a key sealed under this one."""
        return SealingKey(self.open(sealed, context=context), random=self._random)
