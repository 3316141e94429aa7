"""What one side has asked for as the next generation, until the other consents, and what a fresh pairing keeps of it.

A proposal with a fresh pairing is open for seven days. What its clients say to each other outlives the proposal: it
stays until the switch, for the acceptor's client to verify.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, insert, select
from sqlalchemy.exc import IntegrityError

from escrow.access import Party
from escrow.errors import PartnershipExists
from escrow.partnerships.pairing import LOOKUP_BYTES, OPEN_FOR, PUBLIC_BYTES, must_measure
from escrow.store.database import Transaction
from escrow.store.tables import fresh_pairings, generation_proposals
from escrow.terms import Side

__all__ = ["FreshHalf", "Proposal", "close_proposal", "forget_proposal", "freshly_paired_by", "proposal_of", "propose"]


@dataclass(frozen=True, slots=True)
class FreshHalf:
    """The starter's half of a fresh pairing: how the partner finds it, and a public key."""

    lookup: bytes
    inviter_public: bytes


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one side has asked for; with a fresh pairing also until when, and whether the other side has answered."""

    side: Side
    number: int
    profile: str
    fresh: FreshHalf | None = None
    expires_at: datetime | None = field(default=None, compare=False)
    is_accepted: bool = field(default=False, compare=False)


def proposal_of(tx: Transaction, partnership_id: UUID, *, now: datetime) -> Proposal | None:
    """Give the proposal that waits for the other side's consent, if there is one that has not lapsed."""
    same = and_(
        fresh_pairings.c.partnership_id == generation_proposals.c.partnership_id,
        fresh_pairings.c.generation == generation_proposals.c.generation,
    )
    query = (
        select(*generation_proposals.c, *_OF_FRESH)
        .outerjoin_from(generation_proposals, fresh_pairings, same)
        .where(generation_proposals.c.partnership_id == partnership_id)
    )
    row: Any = tx.execute(query).one_or_none()
    if row is None or (row.expires_at is not None and now >= row.expires_at):
        return None
    fresh = None if row.lookup is None else FreshHalf(row.lookup, row.inviter_public)
    is_accepted = row.acceptor_public is not None
    return Proposal(Side(row.side), row.generation, row.profile, fresh, row.expires_at, is_accepted)


_OF_FRESH = (
    fresh_pairings.c.lookup,
    fresh_pairings.c.inviter_public,
    fresh_pairings.c.acceptor_public,
    fresh_pairings.c.expires_at,
)


def freshly_paired_by(tx: Transaction, partnership_id: UUID) -> bytes | None:
    """Give the lookup of the fresh pairing that is under way or being built; None if there is none."""
    query = select(fresh_pairings.c.lookup).where(fresh_pairings.c.partnership_id == partnership_id)
    lookup: bytes | None = tx.execute(query).scalar_one_or_none()
    return lookup


def propose(tx: Transaction, party: Party, proposal: Proposal, *, now: datetime) -> None:
    """Put a proposal in the place of any other.

    Raises:
        PairingInvalid, PartnershipExists: a length is wrong, or the code was used before.
    """
    forget_proposal(tx, party.partnership_id)
    if proposal.fresh is not None:
        _offer(tx, party, proposal, proposal.fresh, expires_at=now + OPEN_FOR)
    tx.execute(
        insert(generation_proposals).values(
            partnership_id=party.partnership_id,
            side=proposal.side.value,
            generation=proposal.number,
            profile=proposal.profile,
            proposed_at=now,
        )
    )


def _offer(tx: Transaction, party: Party, proposal: Proposal, half: FreshHalf, *, expires_at: datetime) -> None:
    must_measure(half.lookup, LOOKUP_BYTES)
    must_measure(half.inviter_public, PUBLIC_BYTES)
    offered = insert(fresh_pairings).values(
        partnership_id=party.partnership_id,
        generation=proposal.number,
        side=proposal.side.value,
        lookup=half.lookup,
        inviter_public=half.inviter_public,
        expires_at=expires_at,
    )
    try:
        with tx.begin_nested():
            tx.execute(offered)
    except IntegrityError as taken:
        raise PartnershipExists("This pairing code was made before: make a fresh one.") from taken


def close_proposal(tx: Transaction, partnership_id: UUID) -> None:
    """Take the proposal away, now that it is agreed to; what a fresh pairing said stays."""
    tx.execute(delete(generation_proposals).where(generation_proposals.c.partnership_id == partnership_id))


def forget_proposal(tx: Transaction, partnership_id: UUID) -> None:
    """Take the proposal away, and all that its fresh pairing said."""
    close_proposal(tx, partnership_id)
    tx.execute(delete(fresh_pairings).where(fresh_pairings.c.partnership_id == partnership_id))
