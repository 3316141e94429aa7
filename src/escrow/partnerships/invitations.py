"""Invite, look up and accept: an invitation is open for seven days and takes one acceptance.

Who may not see an invitation gets the same answer as if there were none.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, insert, select
from sqlalchemy.exc import IntegrityError

from escrow import audit
from escrow.access import Caller, Party, lock_partnership, not_found, party_of
from escrow.errors import (
    InvitationTaken,
    PairingInvalid,
    PartnershipExists,
)
from escrow.partnerships.agreement import start_terms
from escrow.partnerships.pairing import LOOKUP_BYTES, OPEN_FOR, PUBLIC_BYTES, TAG_BYTES, move, must_measure
from escrow.psi.matchkeys import Suite
from escrow.store.database import Transaction
from escrow.store.states import EventType, PartnershipState
from escrow.store.tables import fresh_pairings, generation_proposals, organizations, parties, partnerships
from escrow.terms import Side
from escrow.webhooks import events

__all__ = ["Invitation", "accept", "invite", "look_up"]


@dataclass(frozen=True, slots=True)
class Invitation:
    """An open invitation, as its acceptor sees it; ``generation`` is above 0 in a fresh pairing."""

    partnership_id: UUID
    inviter_organization_id: UUID
    inviter_name: str
    inviter_public: bytes
    suite: Suite
    profile: str
    expires_at: datetime
    generation: int = 0


def invite(
    tx: Transaction,
    caller: Caller,
    *,
    partnership_id: UUID,
    lookup: bytes,
    inviter_public: bytes,
    suite: int,
    profile: str,
    acceptor_organization_id: UUID | None,
    now: datetime,
) -> Party:
    """Open an invitation and take the left seat.

    Raises:
        PairingInvalid: a length is wrong, the suite is unknown or an organization invites itself.
        NotFound: the named acceptor does not exist, or the key is for other partnerships.
        PartnershipExists: the id or the pairing code was used before.
    """
    if not caller.reaches(partnership_id):
        raise not_found()
    must_measure(lookup, LOOKUP_BYTES)
    must_measure(inviter_public, PUBLIC_BYTES)
    _must_be_hmac(suite)
    _must_exist_elsewhere(tx, caller, acceptor_organization_id)
    invitation = {
        "partnership_id": partnership_id,
        "state": PartnershipState.INVITED.value,
        "suite": suite,
        "profile": profile,
        "lookup": lookup,
        "invited_organization_id": acceptor_organization_id,
        "inviter_public": inviter_public,
        "created_at": now,
        "expires_at": now + OPEN_FOR,
    }
    _open(tx, invitation)
    _take_seat(tx, partnership_id, Side.LEFT, caller, now=now)
    audit.record(tx, audit.Action.INVITED, trail_id=partnership_id, caller=caller, now=now)
    _tell_meeting(tx, EventType.PARTNERSHIP_INVITED, caller, acceptor_organization_id, partnership_id, now=now)
    return party_of(tx, caller, partnership_id)


def _open(tx: Transaction, invitation: Mapping[str, Any]) -> None:
    try:
        with tx.begin_nested():
            tx.execute(insert(partnerships).values(invitation))
    except IntegrityError as taken:
        raise PartnershipExists("This invitation was made before: make a fresh one.") from taken


def look_up(tx: Transaction, caller: Caller, lookup: bytes, *, now: datetime) -> Invitation:
    """Show the invitation that a pairing code leads to; one that is not for the caller does not exist for it."""
    row = tx.execute(_invitations().where(partnerships.c.lookup == lookup)).one_or_none()
    if row is None:
        return _fresh_pairing(tx, caller, lookup, now)
    if row.state != PartnershipState.INVITED.value or not _is_for(row, caller, now=now):
        raise not_found()
    return _shown(row)


def accept(
    tx: Transaction,
    caller: Caller,
    partnership_id: UUID,
    *,
    lookup: bytes,
    acceptor_public: bytes,
    tag: bytes,
    now: datetime,
) -> Party:
    """Take the right seat; the same acceptance again changes nothing.

    Raises:
        PairingInvalid: a length is wrong.
        NotFound: there is no such invitation, or it is not open for the caller.
        InvitationTaken: it has another acceptance already.
    """
    must_measure(acceptor_public, PUBLIC_BYTES)
    must_measure(tag, TAG_BYTES)
    lock_partnership(tx, partnership_id)
    row = tx.execute(_invitations().where(partnerships.c.partnership_id == partnership_id)).one_or_none()
    if row is None or not hmac.compare_digest(row.lookup, lookup) or not _is_for(row, caller, now=now):
        raise not_found()
    if row.state != PartnershipState.INVITED.value:
        return _same_acceptance(tx, caller, row, acceptor_public=acceptor_public, tag=tag)
    _take_seat(tx, partnership_id, Side.RIGHT, caller, now=now)
    move(
        tx,
        partnership_id,
        PartnershipState.ACCEPTED,
        acceptor_public=acceptor_public,
        acceptor_tag=tag,
        accepted_at=now,
    )
    audit.record(tx, audit.Action.ACCEPTED, trail_id=partnership_id, caller=caller, now=now)
    _tell_meeting(tx, EventType.PARTNERSHIP_ACCEPTED, caller, row.organization_id, partnership_id, now=now)
    return party_of(tx, caller, partnership_id)


def _tell_meeting(
    tx: Transaction, kind: EventType, caller: Caller, other: UUID | None, partnership_id: UUID, *, now: datetime
) -> None:
    """Tell the caller, and the other organization if there is one, who it is that they meet."""
    told: dict[UUID, events.Data] = {
        caller.organization_id: {"by": "ours", "partner_id": None if other is None else str(other)}
    }
    if other is not None:
        told[other] = {"by": "theirs", "partner_id": str(caller.organization_id)}
    events.tell(tx, kind, told, partnership_id=partnership_id, now=now)


def _same_acceptance(tx: Transaction, caller: Caller, row: Row[Any], *, acceptor_public: bytes, tag: bytes) -> Party:
    seat = select(parties.c.organization_id).where(
        parties.c.partnership_id == row.partnership_id, parties.c.side == Side.RIGHT.value
    )
    by_caller = tx.execute(seat).scalar_one_or_none() == caller.organization_id
    if not by_caller or (row.acceptor_public, row.acceptor_tag) != (acceptor_public, tag):
        raise InvitationTaken("This invitation is taken: ask the inviter for a fresh one.")
    return party_of(tx, caller, row.partnership_id)


def _fresh_pairing(tx: Transaction, caller: Caller, lookup: bytes, now: datetime) -> Invitation:
    """Show a fresh pairing that the caller's partner started and that nobody has answered."""
    row = tx.execute(_fresh_pairings(caller).where(fresh_pairings.c.lookup == lookup)).one_or_none()
    if row is None or row.acceptor_public is not None or now >= row.expires_at:
        raise not_found()
    if row.state != PartnershipState.ACTIVE.value or not caller.reaches(row.partnership_id):
        raise not_found()
    return _shown(row, generation=row.generation)


def _shown(row: Row[Any], *, generation: int = 0) -> Invitation:
    return Invitation(
        partnership_id=row.partnership_id,
        inviter_organization_id=row.organization_id,
        inviter_name=row.name,
        inviter_public=row.inviter_public,
        suite=Suite(row.suite),
        profile=row.profile,
        expires_at=row.expires_at,
        generation=generation,
    )


def _fresh_pairings(caller: Caller) -> Select[Any]:
    starter, other = parties.alias("starter"), parties.alias("other")
    fresh, proposed = fresh_pairings.c, generation_proposals.c
    started = and_(starter.c.partnership_id == fresh.partnership_id, starter.c.side == fresh.side)
    answered = and_(other.c.partnership_id == fresh.partnership_id, other.c.side != fresh.side)
    is_proposed = and_(proposed.partnership_id == fresh.partnership_id, proposed.generation == fresh.generation)
    return (
        select(
            *fresh,
            proposed.profile,
            partnerships.c.state,
            partnerships.c.suite,
            organizations.c.organization_id,
            organizations.c.name,
        )
        .join_from(fresh_pairings, partnerships, partnerships.c.partnership_id == fresh.partnership_id)
        .join(generation_proposals, is_proposed)
        .join(starter, started)
        .join(organizations, organizations.c.organization_id == starter.c.organization_id)
        .join(other, answered)
        .where(other.c.organization_id == caller.organization_id)
    )


def _invitations() -> Select[Any]:
    inviter = (parties.c.partnership_id == partnerships.c.partnership_id) & (parties.c.side == Side.LEFT.value)
    return (
        select(partnerships, parties.c.organization_id, organizations.c.name)
        .join_from(partnerships, parties, inviter)
        .join(organizations, organizations.c.organization_id == parties.c.organization_id)
    )


def _is_for(row: Row[Any], caller: Caller, *, now: datetime) -> bool:
    if not caller.reaches(row.partnership_id):
        return False
    if row.state == PartnershipState.ENDED.value or row.organization_id == caller.organization_id:
        return False
    in_time = row.state == PartnershipState.ACTIVE.value or now < row.expires_at
    return in_time and row.invited_organization_id in {None, caller.organization_id}


def _must_exist_elsewhere(tx: Transaction, caller: Caller, organization_id: UUID | None) -> None:
    if organization_id is None:
        return
    if organization_id == caller.organization_id:
        raise PairingInvalid("An organization does not invite itself.")
    query = select(organizations.c.organization_id).where(organizations.c.organization_id == organization_id)
    if tx.execute(query).one_or_none() is None:
        raise not_found()


def _must_be_hmac(suite: int) -> None:
    if suite != Suite.HMAC:
        raise PairingInvalid("This service speaks suite 1 (hmac) only.")


def _take_seat(tx: Transaction, partnership_id: UUID, side: Side, caller: Caller, *, now: datetime) -> None:
    seat = {"partnership_id": partnership_id, "side": side.value, "organization_id": caller.organization_id}
    tx.execute(insert(parties).values(**seat, terms_number=1))
    start_terms(tx, partnership_id, side, now=now)
