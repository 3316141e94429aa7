"""Small makers for tests of the service: organizations, and partnerships in each of their states."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from escrow import organizations, partnerships
from escrow.access import Caller, Party, authenticate, party_of
from escrow.store.blocks import pack_list, replace_list
from escrow.store.database import Database, Transaction
from escrow.store.release_keys import ReleaseKey
from escrow.store.sealing import SealingKey
from escrow.terms import Side
from tests.remembered import remembered
from tests.store.list_makers import records_of

__all__ = [
    "LOOKUP",
    "NOON",
    "RELEASE_KEY",
    "Couple",
    "accepted_partnership",
    "active_partnership",
    "apply_list",
    "invited_partnership",
    "new_caller",
    "seat",
]

RELEASE_KEY = ReleaseKey(bytes(range(32)))
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
LOOKUP = bytes(range(16))


@dataclass(frozen=True, slots=True)
class Couple:
    """A partnership and the two who may sit in it."""

    partnership_id: UUID
    left: Caller
    right: Caller
    service_key: SealingKey

    def caller(self, side: Side) -> Caller:
        """The one in this seat."""
        return self.left if side is Side.LEFT else self.right


def new_caller(tx: Transaction, name: str, *, now: datetime = NOON) -> Caller:
    """Add an organization with one API key, and be it."""
    added = organizations.add_organization(tx, name, organization_id=uuid4(), now=now)
    key = organizations.add_api_key(tx, added.organization_id, label="", random=os.urandom, now=now)
    return authenticate(tx, key.presented, now=NOON)


def invited_partnership(
    database: Database, *, named: bool = False, lookup: bytes = LOOKUP, of: Couple | None = None, now: datetime = NOON
) -> Couple:
    """Let Acme invite; Globex is there and, if named, meant. With ``of``, the same two pair again."""
    with database.transaction("invite") as tx:
        left = of.left if of else new_caller(tx, f"Acme {uuid4()}")
        right = of.right if of else new_caller(tx, f"Globex {uuid4()}")
        partnership_id = uuid4()
        partnerships.invite(
            tx,
            left,
            partnership_id=partnership_id,
            lookup=lookup,
            inviter_public=b"\x01" * 32,
            suite=1,
            profile="escrow-1",
            acceptor_organization_id=right.organization_id if named else None,
            now=now,
        )
    return Couple(partnership_id, left, right, of.service_key if of else SealingKey.make())


def accepted_partnership(
    database: Database, *, lookup: bytes = LOOKUP, of: Couple | None = None, now: datetime = NOON
) -> Couple:
    """Let Globex accept what Acme offers."""
    couple = invited_partnership(database, lookup=lookup, of=of, now=now)
    with database.transaction("accept") as tx:
        partnerships.accept(
            tx,
            couple.right,
            couple.partnership_id,
            lookup=lookup,
            acceptor_public=b"\x02" * 32,
            tag=b"\x03" * 32,
            now=now,
        )
    return couple


def active_partnership(
    database: Database, *, lookup: bytes = LOOKUP, of: Couple | None = None, now: datetime = NOON
) -> Couple:
    """Let Acme and Globex compare lists; nothing is shared yet."""
    if of is not None:
        return _activated(database, lookup=lookup, of=of, now=now)
    name = ("active partnership", lookup, now)
    return remembered(database, name, lambda: _activated(database, lookup=lookup, of=None, now=now))


def _activated(database: Database, *, lookup: bytes, of: Couple | None, now: datetime) -> Couple:
    couple = accepted_partnership(database, lookup=lookup, of=of, now=now)
    with database.transaction("confirm") as tx:
        partnerships.confirm(
            tx,
            seat(tx, couple, Side.LEFT),
            tag=b"\x04" * 32,
            service_key=couple.service_key,
            random=os.urandom,
            now=now,
        )
    return couple


def seat(tx: Transaction, couple: Couple, side: Side) -> Party:
    """Open the partnership from one of its seats."""
    return party_of(tx, couple.caller(side), couple.partnership_id)


def apply_list(tx: Transaction, couple: Couple, *, size: int = 1) -> None:
    """Give the left party a list of customers, spread over the buckets."""
    records = records_of({row << 52: (1, frozenset({(1, row << 116)})) for row in range(1, size + 1)})
    packed = pack_list(records, ever_seen=records.tokens)
    replace_list(tx, couple.partnership_id, 0, Side.LEFT, packed, number=1, sealed_digest=b"\x07" * 32, now=NOON)
