"""The release statement: what the service signs of a release, byte for byte, and how anybody checks it.

A statement commits to every cell and to both lists without telling them. Who is shown a number is given its salt, and
with that checks that the number is the one that was signed; each statement holds the digest of the one before, so that
all of them are one history. Nothing here is secret but salts, and those only while their cell is closed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from escrow.errors import ReleaseInvalid
from escrow.psi.encoding import lp, u8, u32, u64
from escrow.reports.matrix import CellState
from escrow.terms import CELLS, Cell, Terms

__all__ = [
    "FIRST_PREVIOUS",
    "SALT_BYTES",
    "STATEMENT_BYTES",
    "CellOpening",
    "ListOpening",
    "Statement",
    "key_id",
    "read_statement",
    "rule_digest",
    "rule_text",
    "sign",
    "statement_digest",
    "verify_signature",
]

SALT_BYTES = 16

#: What stands for the statement before in the first statement of a partnership.
FIRST_PREVIOUS = bytes(32)

_LABEL = lp(b"escrow/v1 release")
_DIGEST = 32

#: A statement always has this many bytes.
STATEMENT_BYTES = len(_LABEL) + 3 * 16 + 2 * 8 + _DIGEST + 4 + _DIGEST + len(CELLS) * _DIGEST + 2 * _DIGEST


@dataclass(frozen=True, slots=True)
class CellOpening:
    """What a cell's commitment was made of; ``cell`` is seen from the left."""

    salt: bytes = field(repr=False)
    cell: Cell
    state: CellState
    number: int | None

    @property
    def commitment(self) -> bytes:
        """Commit to the cell."""
        told = u8(self.cell.ours) + u8(self.cell.theirs) + u8(self.state) + u64(self.number or 0)
        return hashlib.sha256(lp(b"escrow/v1 cell") + self.salt + told).digest()


@dataclass(frozen=True, slots=True)
class ListOpening:
    """What the commitment to one side's list was made of; it is opened to that side only."""

    salt: bytes = field(repr=False)
    submission: int
    digest: bytes

    @property
    def commitment(self) -> bytes:
        """Commit to the list."""
        return hashlib.sha256(lp(b"escrow/v1 sub") + self.salt + u64(self.submission) + self.digest).digest()


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed; ``cells`` are nine commitments, left-major, ``made_at`` is in whole seconds since 1970."""

    partnership_id: UUID
    left_org_id: UUID
    right_org_id: UUID
    number: int
    made_at: int
    previous: bytes
    generation: int
    rule: bytes
    cells: tuple[bytes, ...]
    left_list: bytes
    right_list: bytes

    def commitment(self, cell: Cell) -> bytes:
        """Give the commitment of a cell, seen from the left."""
        return self.cells[CELLS.index(cell)]

    def write(self) -> bytes:
        """Write the statement as it is signed."""
        return b"".join(
            (
                _LABEL,
                self.partnership_id.bytes,
                self.left_org_id.bytes,
                self.right_org_id.bytes,
                u64(self.number),
                u64(self.made_at),
                self.previous,
                u32(self.generation),
                self.rule,
                *self.cells,
                self.left_list,
                self.right_list,
            )
        )


def read_statement(unverified: bytes) -> Statement:
    """Read a statement; that it has the right form says nothing of who made it.

    Raises:
        ReleaseInvalid: it has another form.
    """
    if len(unverified) != STATEMENT_BYTES or not unverified.startswith(_LABEL):
        raise ReleaseInvalid("this is not the statement of a release, or one of a later version")
    cut = BytesIO(unverified[len(_LABEL) :]).read
    return Statement(
        partnership_id=UUID(bytes=cut(16)),
        left_org_id=UUID(bytes=cut(16)),
        right_org_id=UUID(bytes=cut(16)),
        number=int.from_bytes(cut(8)),
        made_at=int.from_bytes(cut(8)),
        previous=cut(_DIGEST),
        generation=int.from_bytes(cut(4)),
        rule=cut(_DIGEST),
        cells=tuple(cut(_DIGEST) for _ in CELLS),
        left_list=cut(_DIGEST),
        right_list=cut(_DIGEST),
    )


def statement_digest(statement: bytes) -> bytes:
    """Give what the next statement holds of this one."""
    return hashlib.sha256(statement).digest()


def rule_text(effective: Terms) -> str:
    """Write the terms that a release was made under, seen from the left, as RFC 8785 has it.

    One object, all of whose values are integers: the codes of levels (nine, left-major) and of tiers, the disclosure
    rule with its interval in seconds, and noise as 0 or 1. Neither detail fields nor sizes of lists decide a release.
    """
    rule = effective.disclosure
    written: Mapping[str, int | Sequence[int] | Mapping[str, int]] = {
        "counts_from": int(effective.counts_from),
        "disclosure": {
            "interval_seconds": int(rule.interval.total_seconds()),
            "least_changes": rule.least_changes,
            "noise": int(rule.noise),
            "step": rule.step,
            "threshold": rule.threshold,
        },
        "levels": [int(effective.levels[cell]) for cell in CELLS],
        "reveals_from": int(effective.reveals_from),
    }
    # With names in ASCII and small integers alone, sorted and without spaces is all that RFC 8785 asks for.
    return json.dumps(written, sort_keys=True, separators=(",", ":"))


def rule_digest(effective: Terms) -> bytes:
    """Give what a statement holds of the terms it was made under."""
    return hashlib.sha256(rule_text(effective).encode("ascii")).digest()


def key_id(public_key: bytes) -> str:
    """Name a public key: the first eight bytes of its SHA-256, in hexadecimal."""
    return hashlib.sha256(public_key).digest()[:8].hex()


def sign(statement: bytes, key: Ed25519PrivateKey) -> bytes:
    """Sign a statement (RFC 8032, pure Ed25519)."""
    return key.sign(statement)


def verify_signature(statement: bytes, signature: bytes, public_key: bytes) -> None:
    """Hold a signature to a statement and a public key.

    Raises:
        ReleaseInvalid: the signature is not that of this statement by this key, or the key is of small order.
    """
    if _is_of_small_order(public_key):
        raise ReleaseInvalid("the key that the release names is one under which anything can be signed")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except (InvalidSignature, ValueError):
        raise ReleaseInvalid("the release is not signed by the service's key") from None


#: The second coordinates of the eight points of small order, two of them in two spellings; little-endian, no sign bit.
_SMALL_ORDER = frozenset(
    bytes.fromhex(each)
    for each in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


def _is_of_small_order(public_key: bytes) -> bool:
    return public_key[:31] + bytes([public_key[31] & 0x7F]) in _SMALL_ORDER if len(public_key) == 32 else False
