"""Pairing: one code, carried outside the escrow, turns two strangers into two holders of one secret.

The escrow hands over both public keys and could swap them. It never sees the 16 secret bytes of the code, so a swap
shows in the confirmation tags, which both sides verify before any token leaves a machine. Secrets are kept out of
``repr``; whoever holds them erases them when the protocol says so.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from escrow.errors import (
    ConfirmationFailed,
    InviterMismatch,
    KeyExchangeFailed,
    PairingCodeInvalid,
)
from escrow.psi.encoding import base32, lp, u8, u32, unbase32
from escrow.psi.keys import check_generation
from escrow.psi.matchkeys import Suite

__all__ = [
    "PSK_BYTES",
    "KeyPair",
    "Pairing",
    "PairingCode",
    "check_inviter",
    "derive",
    "lookup",
    "make_pairing_code",
    "new_key_pair",
    "read_pairing_code",
    "verify_tag",
]

PSK_BYTES = 16
_KEY_BYTES = 32
_VERSION = 1
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_BODY_BYTES = 33
_CHECKSUM_BYTES = 4
_CODE_LETTERS = 60
_GROUP = 5


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An X25519 key pair made for one partnership alone, as raw bytes."""

    private: bytes = field(repr=False)
    public: bytes


@dataclass(frozen=True, slots=True)
class PairingCode:
    """What a pairing code carries: a commitment to the inviter, and the secret shared by both sides."""

    commitment: bytes
    psk: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pairing:
    """What both sides compute: a tag to send, a tag to expect, the first root, and a check to compare by voice.

    The expected tag is a secret until it has been verified: who knows it could send it.
    """

    tag_inviter: bytes = field(repr=False)
    tag_acceptor: bytes = field(repr=False)
    root: bytes = field(repr=False)
    check: str


def new_key_pair(random: Callable[[int], bytes]) -> KeyPair:
    """Make a key pair out of 32 random bytes; ``random`` is asked for a number of bytes and has to be fit for keys."""
    private = random(_KEY_BYTES)
    return KeyPair(private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


def make_pairing_code(*, partnership_id: UUID, inviter_org_id: UUID, inviter_public: bytes, psk: bytes) -> str:
    """Write the code that the inviter hands to the acceptor, in groups of five letters. It is a secret until used."""
    if len(psk) != PSK_BYTES:
        raise ValueError("the secret of a pairing code is 16 bytes")
    commitment = _commitment(partnership_id, inviter_org_id, inviter_public)
    body = u8(_VERSION) + commitment + psk
    letters = base32(body + _checksum(body))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _CODE_LETTERS, _GROUP))


def read_pairing_code(text: str) -> PairingCode:
    """Read a code as typed: lower case, spaces and hyphens are accepted, anything else raises PairingCodeInvalid."""
    if not text.isascii():  # upper() would turn some foreign letters into ones of the alphabet
        raise PairingCodeInvalid("a pairing code has the letters A to Z and the digits 2 to 7; copy it again")
    letters = text.upper().replace(" ", "").replace("-", "")
    if not _ALPHABET.issuperset(letters):
        raise PairingCodeInvalid("a pairing code has the letters A to Z and the digits 2 to 7; copy it again")
    if len(letters) != _CODE_LETTERS:
        raise PairingCodeInvalid(
            f"a pairing code has {_CODE_LETTERS} letters, this one has {len(letters)}; copy it whole"
        )
    return _read_code_bytes(_code_bytes(letters))


def check_inviter(code: PairingCode, *, partnership_id: UUID, inviter_org_id: UUID, inviter_public: bytes) -> None:
    """Raise InviterMismatch unless the invitation that the service shows is the one that the code was made for."""
    if not hmac.compare_digest(code.commitment, _commitment(partnership_id, inviter_org_id, inviter_public)):
        raise InviterMismatch("this pairing code was made for another invitation; ask the inviter for a new code")


def lookup(psk: bytes) -> bytes:
    """Give the 16 bytes by which the acceptor finds the invitation; they say nothing about the secret."""
    return hmac.digest(psk, b"escrow/v1 lookup", "sha256")[:16]


def derive(
    *,
    own_private: bytes,
    psk: bytes,
    suite: Suite,
    g: int,
    partnership_id: UUID,
    inviter_org_id: UUID,
    acceptor_org_id: UUID,
    inviter_public: bytes,
    acceptor_public: bytes,
) -> Pairing:
    """Compute what both sides must agree on; the other's public key is the one of the two that is not our own.

    Raises KeyExchangeFailed when a key gives no shared secret or none of the two is ours, InviterMismatch when both
    organizations are one, GenerationInvalid for a suite or number that cannot be.
    """
    if inviter_org_id == acceptor_org_id:
        raise InviterMismatch("an organization cannot accept its own invitation")
    check_generation(suite, g)
    shared = _shared_secret(own_private, inviter_public, acceptor_public)
    ids = partnership_id.bytes + inviter_org_id.bytes + acceptor_org_id.bytes
    transcript = lp(b"escrow/v1 pairing") + u8(suite) + u32(g) + ids + inviter_public + acceptor_public
    th = hashlib.sha256(transcript).digest()
    return _schedule(hmac.digest(th, lp(psk) + lp(shared), "sha256"), th)


def verify_tag(expected: bytes, unverified_tag: bytes) -> None:
    """Raise ConfirmationFailed unless the partner's tag is the expected one; compared in constant time."""
    if not hmac.compare_digest(expected, unverified_tag):
        raise ConfirmationFailed(
            "the partner's confirmation is wrong: a key was swapped on the way or the code was another; "
            "end this partnership and invite again"
        )


def _commitment(partnership_id: UUID, inviter_org_id: UUID, inviter_public: bytes) -> bytes:
    inviter = b"escrow/v1 inviter" + partnership_id.bytes + inviter_org_id.bytes + inviter_public
    return hashlib.sha256(inviter).digest()[:16]


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(b"escrow/v1 code" + body).digest()[:_CHECKSUM_BYTES]


def _code_bytes(letters: str) -> bytes:
    try:
        return unbase32(letters)
    except ValueError:
        # The last letter has four bits to spare; were they free, one code could be written in sixteen ways.
        raise PairingCodeInvalid("the last letter of the pairing code is wrong; copy it again") from None


def _read_code_bytes(code: bytes) -> PairingCode:
    body = code[:_BODY_BYTES]
    if code[_BODY_BYTES:] != _checksum(body):
        raise PairingCodeInvalid("the pairing code was mistyped; copy it again")
    if body[0] != _VERSION:
        raise PairingCodeInvalid("the pairing code was made by another version of escrow; bring both to the same one")
    return PairingCode(commitment=body[1:17], psk=body[17:])


def _shared_secret(own_private: bytes, inviter_public: bytes, acceptor_public: bytes) -> bytes:
    try:
        own = X25519PrivateKey.from_private_bytes(own_private)
        others = {inviter_public, acceptor_public} - {own.public_key().public_bytes_raw()}
        if len(others) != 1:
            raise KeyExchangeFailed("not exactly one of the two public keys is our own; pair again")
        return own.exchange(X25519PublicKey.from_public_bytes(others.pop()))
    except ValueError:  # a key of another length, or an output of zeros only
        raise KeyExchangeFailed("the partner's public key gives no shared secret; pair again") from None


def _schedule(prk: bytes, th: bytes) -> Pairing:
    return Pairing(
        tag_inviter=hmac.digest(_expand(prk, b"escrow/v1 confirm inviter" + th, 32), th, "sha256"),
        tag_acceptor=hmac.digest(_expand(prk, b"escrow/v1 confirm acceptor" + th, 32), th, "sha256"),
        root=_expand(prk, b"escrow/v1 root" + th, 32),
        check=base32(_expand(prk, b"escrow/v1 check" + th, 10)),
    )


def _expand(prk: bytes, label: bytes, length: int) -> bytes:
    return HKDFExpand(SHA256(), length, label).derive(prk)
