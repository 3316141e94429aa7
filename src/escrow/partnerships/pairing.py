"""Invite, accept and confirm: the service passes public keys and tags between the two clients and can check neither.

The clients verify each other's tag; a service that swapped a key is caught there. What is held here is the order of the
moves, that each happens once, and that an invitation takes one acceptance within seven days.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from escrow import audit
from escrow.access import Caller, Party, lock_partnership, not_found, party_of
from escrow.errors import (
    ConfirmationTaken,
    InvitationTaken,
    PairingIncomplete,
    PairingInvalid,
    PartnershipEnded,
    PartnershipExists,
)
from escrow.partnerships.agreement import start_terms
from escrow.psi.matchkeys import Suite
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.secrets import seal_new_key, seal_new_pepper
from escrow.store.states import GenerationState, PartnershipState
from escrow.store.tables import generations, organizations, parties, partnerships
from escrow.terms import Side

__all__ = ["Invitation", "Pairing", "accept", "confirm", "invite", "look_up", "pairing"]

_OPEN_FOR = timedelta(days=7)
_PUBLIC_BYTES = 32
_TAG_BYTES = 32
_LOOKUP_BYTES = 16


@dataclass(frozen=True, slots=True)
class Invitation:
    """An open invitation, as its acceptor sees it."""

    partnership_id: UUID
    inviter_organization_id: UUID
    inviter_name: str
    inviter_public: bytes
    suite: Suite
    profile: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Pairing:
    """What the two clients said to each other; both check it against what they know."""

    inviter_organization_id: UUID
    acceptor_organization_id: UUID
    inviter_public: bytes
    acceptor_public: bytes
    acceptor_tag: bytes
    inviter_tag: bytes | None


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
        NotFound: the named acceptor does not exist.
        PartnershipExists: the id or the pairing code was used before.
    """
    _must_measure(lookup, _LOOKUP_BYTES)
    _must_measure(inviter_public, _PUBLIC_BYTES)
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
        "expires_at": now + _OPEN_FOR,
    }
    try:
        with tx.begin_nested():
            tx.execute(insert(partnerships).values(invitation))
    except IntegrityError as taken:
        raise PartnershipExists("This invitation was made before: make a fresh one.") from taken
    _take_seat(tx, partnership_id, Side.LEFT, caller, now=now)
    audit.record(tx, audit.Action.INVITED, trail_id=partnership_id, caller=caller, now=now)
    return party_of(tx, caller, partnership_id)


def look_up(tx: Transaction, caller: Caller, lookup: bytes, *, now: datetime) -> Invitation:
    """Show the invitation that a pairing code leads to; one that is not for the caller does not exist for it."""
    row = tx.execute(_invitations().where(partnerships.c.lookup == lookup)).one_or_none()
    if row is None or row.state != PartnershipState.INVITED.value or not _is_for(row, caller, now=now):
        raise not_found()
    return Invitation(
        partnership_id=row.partnership_id,
        inviter_organization_id=row.organization_id,
        inviter_name=row.name,
        inviter_public=row.inviter_public,
        suite=Suite(row.suite),
        profile=row.profile,
        expires_at=row.expires_at,
    )


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
    _must_measure(acceptor_public, _PUBLIC_BYTES)
    _must_measure(tag, _TAG_BYTES)
    lock_partnership(tx, partnership_id)
    row = tx.execute(_invitations().where(partnerships.c.partnership_id == partnership_id)).one_or_none()
    if row is None or not hmac.compare_digest(row.lookup, lookup) or not _is_for(row, caller, now=now):
        raise not_found()
    if row.state != PartnershipState.INVITED.value:
        return _same_acceptance(tx, caller, row, acceptor_public=acceptor_public, tag=tag)
    _take_seat(tx, partnership_id, Side.RIGHT, caller, now=now)
    _move(
        tx,
        partnership_id,
        PartnershipState.ACCEPTED,
        acceptor_public=acceptor_public,
        acceptor_tag=tag,
        accepted_at=now,
    )
    audit.record(tx, audit.Action.ACCEPTED, trail_id=partnership_id, caller=caller, now=now)
    return party_of(tx, caller, partnership_id)


def pairing(tx: Transaction, party: Party, *, now: datetime) -> Pairing:
    """Show what was said so far.

    Raises:
        PartnershipEnded: the partnership or its invitation is over.
        PairingIncomplete: nobody has accepted yet.
    """
    _must_be_paired(party, now=now)
    said = tx.execute(
        select(
            partnerships.c.inviter_public,
            partnerships.c.acceptor_public,
            partnerships.c.acceptor_tag,
            partnerships.c.inviter_tag,
        ).where(partnerships.c.partnership_id == party.partnership_id)
    ).one()
    seats = select(parties.c.side, parties.c.organization_id).where(parties.c.partnership_id == party.partnership_id)
    seated = {Side(seat.side): seat.organization_id for seat in tx.execute(seats)}
    return Pairing(
        inviter_organization_id=seated[Side.LEFT],
        acceptor_organization_id=seated[Side.RIGHT],
        inviter_public=said.inviter_public,
        acceptor_public=said.acceptor_public,
        acceptor_tag=said.acceptor_tag,
        inviter_tag=said.inviter_tag,
    )


def confirm(
    tx: Transaction,
    party: Party,
    *,
    tag: bytes,
    service_key: SealingKey,
    random: Callable[[int], bytes],
    now: datetime,
) -> Party:
    """Complete the pairing: generation 0 goes live with a fresh pepper; the same tag again changes nothing.

    Raises:
        PairingInvalid: the tag's length is wrong, or the caller is not the inviter.
        PartnershipEnded: the partnership or its invitation is over.
        PairingIncomplete: nobody has accepted yet.
        ConfirmationTaken: it was confirmed with another tag.
    """
    _must_measure(tag, _TAG_BYTES)
    if party.side is not Side.LEFT:
        raise PairingInvalid("The inviter's client confirms the pairing, not the acceptor's.")
    _must_be_paired(party, now=now)
    if party.state is PartnershipState.ACTIVE:
        return _same_confirmation(tx, party, tag)
    key = seal_new_key(party.partnership_id, service_key=service_key, random=random)
    _move(tx, party.partnership_id, PartnershipState.ACTIVE, inviter_tag=tag, sealed_key=key, confirmed_at=now)
    _start_generation(tx, party.partnership_id, service_key=service_key, random=random, now=now)
    audit.record(tx, audit.Action.CONFIRMED, trail_id=party.partnership_id, caller=party.caller, now=now)
    return party_of(tx, party.caller, party.partnership_id)


def _same_acceptance(tx: Transaction, caller: Caller, row: Row[Any], *, acceptor_public: bytes, tag: bytes) -> Party:
    seat = select(parties.c.organization_id).where(
        parties.c.partnership_id == row.partnership_id, parties.c.side == Side.RIGHT.value
    )
    by_caller = tx.execute(seat).scalar_one_or_none() == caller.organization_id
    if not by_caller or (row.acceptor_public, row.acceptor_tag) != (acceptor_public, tag):
        raise InvitationTaken("This invitation is taken: ask the inviter for a fresh one.")
    return party_of(tx, caller, row.partnership_id)


def _same_confirmation(tx: Transaction, party: Party, tag: bytes) -> Party:
    query = select(partnerships.c.inviter_tag).where(partnerships.c.partnership_id == party.partnership_id)
    if tx.execute(query).scalar_one() != tag:
        raise ConfirmationTaken("This pairing is confirmed already: end the partnership if that was not you.")
    return party


def _start_generation(
    tx: Transaction,
    partnership_id: UUID,
    *,
    service_key: SealingKey,
    random: Callable[[int], bytes],
    now: datetime,
) -> None:
    pairing_for = select(partnerships.c.suite, partnerships.c.profile).where(
        partnerships.c.partnership_id == partnership_id
    )
    suite, profile = tx.execute(pairing_for).one()
    tx.execute(
        insert(generations).values(
            partnership_id=partnership_id,
            generation=0,
            suite=suite,
            profile=profile,
            state=GenerationState.LIVE.value,
            sealed_pepper=seal_new_pepper(partnership_id, 0, service_key=service_key, random=random),
            created_at=now,
        )
    )


def _invitations() -> Select[Any]:
    inviter = (parties.c.partnership_id == partnerships.c.partnership_id) & (parties.c.side == Side.LEFT.value)
    return (
        select(partnerships, parties.c.organization_id, organizations.c.name)
        .join_from(partnerships, parties, inviter)
        .join(organizations, organizations.c.organization_id == parties.c.organization_id)
    )


def _is_for(row: Row[Any], caller: Caller, *, now: datetime) -> bool:
    if row.state == PartnershipState.ENDED.value or row.organization_id == caller.organization_id:
        return False
    in_time = row.state == PartnershipState.ACTIVE.value or now < row.expires_at
    return in_time and row.invited_organization_id in {None, caller.organization_id}


def _must_be_paired(party: Party, *, now: datetime) -> None:
    state = party.state_at(now)
    if state is PartnershipState.ENDED:
        raise PartnershipEnded("This partnership has ended, or its invitation has expired: make a fresh one.")
    if state is PartnershipState.INVITED:
        raise PairingIncomplete("The partner has not accepted the invitation yet.")


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


def _must_measure(octets: bytes, length: int) -> None:
    if len(octets) != length:
        raise PairingInvalid(f"A key and a tag have 32 bytes, a lookup 16; this one has {len(octets)}.")


def _take_seat(tx: Transaction, partnership_id: UUID, side: Side, caller: Caller, *, now: datetime) -> None:
    seat = {"partnership_id": partnership_id, "side": side.value, "organization_id": caller.organization_id}
    tx.execute(insert(parties).values(**seat, terms_number=1))
    start_terms(tx, partnership_id, side, now=now)


def _move(tx: Transaction, partnership_id: UUID, state: PartnershipState, **said: object) -> None:
    moved = partnerships.c.partnership_id == partnership_id
    tx.execute(update(partnerships).where(moved).values(state=state.value, **said))
