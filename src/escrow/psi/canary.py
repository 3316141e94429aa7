"""The canary of a party: its word that it makes the same match keys of the published names as its partner.

It is made with the key of heads, which only the two partners have, and names its owner: a service can neither make one
nor hand one's own back. What goes into it is longer than what goes into a head, so that neither is ever the other.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from uuid import UUID

from escrow.psi.encoding import lp, u8, u32
from escrow.psi.matchkeys import MatchKey

__all__ = ["canary", "normalised_digest"]


def normalised_digest(made: Iterable[Sequence[MatchKey]]) -> bytes:
    """Digest the match keys of each of some rows, in their order."""
    digest = hashlib.sha256(lp(b"escrow/v1 normalised"))
    for keys in made:
        digest.update(u32(len(keys)))
        for key in keys:
            digest.update(u8(key.key_class) + lp(key.value.encode()))
    return digest.digest()


def canary(head_key: bytes, *, owner_org_id: UUID, g: int, profile_id: str, digest: bytes) -> bytes:
    """Vouch for what the owner's client makes of the published inputs in this generation."""
    vouched = owner_org_id.bytes + u32(g) + lp(profile_id.encode()) + digest
    return hmac.digest(head_key, lp(b"escrow/v1 canary") + vouched, "sha256")
