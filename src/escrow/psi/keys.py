"""Generations: one root gives the key of every token, the key of the heads of releases, and the next root.

A root is erased once these three are made, so ``GenerationKeys`` holds no root but the next one. A client moves up by
exactly one generation, on its user's word, and never back; a number that was given up is passed over, since the root
after it follows from its own. Keys that were erased are empty.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from escrow.errors import GenerationInvalid
from escrow.psi.encoding import lp, u8, u32, u64
from escrow.psi.matchkeys import Suite

__all__ = [
    "GenerationKeys",
    "check_generation",
    "generation_keys",
    "move_up",
    "pass_over",
    "release_head",
]


@dataclass(frozen=True, slots=True)
class GenerationKeys:
    """The keys of one generation: ``match_key`` is K_g, ``head_key`` is head_g, ``next_root`` is root_{g+1}.

    Where so many generations after it were ``given_up``, the next root is that of the number after them.
    """

    partnership_id: UUID
    g: int
    suite: Suite
    profile_id: str
    match_key: bytes = field(repr=False)
    head_key: bytes = field(repr=False)
    next_root: bytes = field(repr=False)
    given_up: int = 0

    @property
    def next_number(self) -> int:
        """The number of the generation that the next root is for."""
        return self.g + self.given_up + 1


def generation_keys(root: bytes, *, partnership_id: UUID, g: int, suite: Suite, profile_id: str) -> GenerationKeys:
    """Draw a generation's keys out of its root, which the caller then erases.

    Raises GenerationInvalid for a suite or a number that cannot be.
    """
    check_generation(suite, g)
    made_for = partnership_id.bytes + u32(g) + u8(suite) + lp(profile_id.encode())
    return GenerationKeys(
        partnership_id=partnership_id,
        g=g,
        suite=suite,
        profile_id=profile_id,
        match_key=_expand(root, lp(b"escrow/v1 match") + made_for),
        head_key=_expand(root, b"escrow/v1 head"),
        next_root=_expand(root, b"escrow/v1 next"),
    )


def move_up(keys: GenerationKeys, *, g: int, profile_id: str) -> GenerationKeys:
    """Give the keys of the next generation; GenerationInvalid unless ``g`` is exactly the next number."""
    if not keys.next_root:
        raise GenerationInvalid(f"the root after generation {keys.g} is erased: its keys were made already")
    if g != keys.next_number:
        raise GenerationInvalid(f"generation {keys.g} is followed by {keys.next_number} and by no other")
    return generation_keys(
        keys.next_root, partnership_id=keys.partnership_id, g=g, suite=keys.suite, profile_id=profile_id
    )


def pass_over(keys: GenerationKeys) -> GenerationKeys:
    """Give the next number up: its root is stepped over and erased, and its keys are never made.

    Raises GenerationInvalid where that root is erased.
    """
    if not keys.next_root:
        raise GenerationInvalid(f"the root after generation {keys.g} is erased: nothing follows from it")
    return replace(keys, next_root=_expand(keys.next_root, b"escrow/v1 next"), given_up=keys.given_up + 1)


def release_head(head_key: bytes, *, owner_org_id: UUID, release_number: int, statement: bytes) -> bytes:
    """Vouch for the last release that one's own organization has seen; the partner compares it with its own chain."""
    seen = owner_org_id.bytes + u64(release_number) + hashlib.sha256(statement).digest()
    return hmac.digest(head_key, seen, "sha256")


def check_generation(suite: Suite, g: int) -> None:
    """Raise GenerationInvalid for a suite that this version does not know or a number that no generation has."""
    if suite is not Suite.HMAC:
        raise GenerationInvalid("this version of escrow knows the suite hmac only")
    if not 0 <= g < 2**32:
        raise GenerationInvalid("generations are numbered from 0 to 4294967295")


def _expand(root: bytes, label: bytes) -> bytes:
    return HKDFExpand(SHA256(), 32, label).derive(root)
