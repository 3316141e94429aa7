"""The audit trail as both sides check it: what an entry says, and the digest that holds it to all before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from escrow.errors import TrailBroken
from escrow.terms import Side

__all__ = [
    "NOTHING_BEFORE",
    "Detail",
    "TrailEntry",
    "check_trail",
    "entry_digest",
    "own_trail",
    "shared_trail",
    "written",
]

#: What an entry may say beside its action; never a token, a row or anything of a list.
Detail = Mapping[str, str | int | bool | list[str]]

#: The digest that the first entry of a trail follows.
NOTHING_BEFORE = bytes(32)


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One line of a trail; ``organization_id`` is absent where the operator or the service itself acted."""

    trail_id: UUID
    number: int
    at: datetime
    organization_id: UUID | None
    api_key_id: str | None
    action: str
    detail: Detail
    digest: bytes


def shared_trail(partnership_id: UUID) -> UUID:
    """Name the trail that both parties see."""
    return uuid5(partnership_id, "both")


def own_trail(partnership_id: UUID, side: Side) -> UUID:
    """Name the trail that the party of this side alone sees."""
    return uuid5(partnership_id, side.value)


def entry_digest(previous: bytes, entry: TrailEntry) -> bytes:
    """Give the digest of an entry that follows one with the digest ``previous``; its own is not looked at.

    SHA-256( "escrow/v1 audit" || previous || JSON ), the JSON being one object of texts with its names in order and no
    spaces: ``at`` as ``2026-11-21 12:00:00+00:00`` (with microseconds if it has any), an absent value as ``None``, and
    ``detail`` as the JSON of the detail, written in the same way.
    """
    text = {
        "trail_id": str(entry.trail_id),
        "number": str(entry.number),
        "at": str(entry.at.astimezone(UTC)),
        "organization_id": str(entry.organization_id),
        "api_key_id": str(entry.api_key_id),
        "action": entry.action,
        "detail": written(entry.detail),
    }
    return hashlib.sha256(b"escrow/v1 audit" + previous + _json(text).encode()).digest()


def check_trail(entries: Iterable[TrailEntry]) -> list[TrailEntry]:
    """Give the entries of one trail from its first on, once each is known to follow the one before.

    Raises:
        TrailBroken: an entry was changed, removed from the middle or put in.
    """
    checked: list[TrailEntry] = []
    for number, entry in enumerate(entries, start=1):
        previous = checked[-1].digest if checked else NOTHING_BEFORE
        if entry.number != number or entry.digest != entry_digest(previous, entry):
            raise TrailBroken(f"Entry {number} of this audit trail is not the one that was written.")
        checked.append(entry)
    return checked


def written(detail: Detail) -> str:
    """Write a detail as it is stored and digested."""
    return _json(detail)


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
