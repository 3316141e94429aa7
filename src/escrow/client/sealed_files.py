"""Bytes under a passphrase: the keyring file and the file that carries it to another machine.

A header (4 bytes of what it is, a format byte, Argon2id's parameters, a salt, the first half of every nonce) and frames
of ChaCha20-Poly1305, each bound to the header, its place and whether it is the last (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár, 2015). So neither a changed parameter nor a frame moved or cut off goes unnoticed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from escrow.errors import KeyringInvalid, PassphraseTooShort, PassphraseWrong

__all__ = ["SHORTEST_PASSPHRASE", "Passphrase", "PassphraseKey", "Stretching", "told_of"]

_HEADER = struct.Struct(">4sBIIB16s7s")
_FORMAT = 1
_FRAME_BYTES = 1 << 20
_TAG_BYTES = 16
SHORTEST_PASSPHRASE = 8
#: A file that asks for more than this was not written by us, and would only exhaust the machine.
_MOST_MEMORY_KIB = 1 << 20
_MOST_PASSES = 64


@dataclass(frozen=True, slots=True)
class Passphrase:
    """What a person or a cron job opens a sealed file with."""

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.text) < SHORTEST_PASSPHRASE:
            raise PassphraseTooShort(
                f"the passphrase has at least {SHORTEST_PASSPHRASE} characters; choose a longer one"
            )


@dataclass(frozen=True, slots=True)
class Stretching:
    """How much work Argon2id puts between a passphrase and its key; the default is RFC 9106's second recommendation."""

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4


@dataclass(frozen=True, slots=True)
class PassphraseKey:
    """A stretched passphrase: seals and opens streams of bytes of one kind of file."""

    magic: bytes
    stretching: Stretching
    salt: bytes
    key: bytes = field(repr=False)

    @classmethod
    def stretch(cls, passphrase: Passphrase, *, magic: bytes, stretching: Stretching, salt: bytes) -> PassphraseKey:
        """Do the work once; the key then seals and opens many times."""
        argon2id = Argon2id(
            salt=salt,
            length=32,
            iterations=stretching.passes,
            lanes=stretching.lanes,
            memory_cost=stretching.memory_kib,
        )
        return cls(magic, stretching, salt, argon2id.derive(passphrase.text.encode()))

    @classmethod
    def of_header(cls, passphrase: Passphrase, sealed: BinaryIO, *, magic: bytes) -> PassphraseKey:
        """Do the work that a file's header asks for; the file is read from its start again.

        Raises:
            KeyringInvalid: it is not such a file.
        """
        unverified = _read_header(sealed, magic)
        sealed.seek(0)
        return cls.stretch(passphrase, magic=magic, stretching=unverified.stretching, salt=unverified.salt)

    def seal(self, plaintext: Iterable[bytes], *, random: Callable[[int], bytes]) -> Iterator[bytes]:
        """Yield the bytes of a sealed file."""
        prefix = random(7)
        stretching = self.stretching
        header = _HEADER.pack(
            self.magic, _FORMAT, stretching.memory_kib, stretching.passes, stretching.lanes, self.salt, prefix
        )
        yield header
        cipher = ChaCha20Poly1305(self.key)
        for nonce, frame in _numbered(prefix, _frames(plaintext)):
            yield cipher.encrypt(nonce, frame, header)

    def open(self, sealed: BinaryIO) -> Iterator[bytes]:
        """Yield the plaintext frame by frame; what was yielded is only the file once the end is reached.

        Raises:
            PassphraseWrong: another passphrase sealed it, or it was changed.
        """
        header = _read_header(sealed, self.magic)
        if header.salt != self.salt or header.stretching != self.stretching:
            raise KeyringInvalid("the file was sealed anew while this command ran; run the command again")
        cipher = ChaCha20Poly1305(self.key)
        for nonce, frame in _numbered(header.prefix, _sealed_frames(sealed)):
            yield _opened(cipher, nonce, frame, header.packed)


@contextmanager
def told_of(place: Path) -> Iterator[None]:
    """Have what is wrong with a sealed file told with its path."""
    try:
        yield
    except KeyringInvalid as invalid:
        raise KeyringInvalid(f"{place}: {invalid.message}") from None


@dataclass(frozen=True, slots=True)
class _Header:
    packed: bytes
    stretching: Stretching
    salt: bytes
    prefix: bytes


def _read_header(sealed: BinaryIO, magic: bytes) -> _Header:
    packed = sealed.read(_HEADER.size)
    if len(packed) != _HEADER.size or packed[:4] != magic:
        raise KeyringInvalid("this is no file that escrow wrote for this; name another, or put a copy in its place")
    _, form, memory_kib, passes, lanes, salt, prefix = _HEADER.unpack(packed)
    if form != _FORMAT:
        raise KeyringInvalid("the file has a newer form; update the client")
    if not (8 * lanes <= memory_kib <= _MOST_MEMORY_KIB and 1 <= passes <= _MOST_PASSES and lanes):
        raise KeyringInvalid("the file asks for work that escrow never asks for; it was changed: restore a copy")
    return _Header(packed, Stretching(memory_kib, passes, lanes), salt, prefix)


def _opened(cipher: ChaCha20Poly1305, nonce: bytes, frame: bytes, header: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, frame, header)
    except InvalidTag:
        raise PassphraseWrong(
            "the passphrase does not open the file, or the file was changed; try the passphrase again"
        ) from None


def _numbered(prefix: bytes, frames: Iterable[tuple[bytes, bool]]) -> Iterator[tuple[bytes, bytes]]:
    for number, (frame, is_last) in enumerate(frames):
        yield prefix + number.to_bytes(4, "big") + bytes([is_last]), frame


def _frames(plaintext: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Cut into whole frames and a last one, which may be short or empty."""
    waiting = bytearray()
    for part in plaintext:
        waiting += part
        while len(waiting) > _FRAME_BYTES:
            yield bytes(waiting[:_FRAME_BYTES]), False
            del waiting[:_FRAME_BYTES]
    yield bytes(waiting), True


def _sealed_frames(sealed: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    frame = sealed.read(_FRAME_BYTES + _TAG_BYTES)
    while following := sealed.read(_FRAME_BYTES + _TAG_BYTES):
        yield frame, False
        frame = following
    yield frame, True
