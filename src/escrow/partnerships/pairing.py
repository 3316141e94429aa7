"""Pairing: the service passes public keys and tags between the two clients and can check neither.

The clients verify each other's tag; a service that swapped a key is caught there. What is held here is the order of the
moves, and that each happens once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from escrow import audit
from escrow.access import Party, party_of
from escrow.errors import (
    ConfirmationTaken,
    PairingIncomplete,
    PairingInvalid,
    PartnershipEnded,
)
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.secrets import seal_new_key, seal_new_pepper
from escrow.store.states import EventType, GenerationState, PartnershipState
from escrow.store.tables import generations, parties, partnerships
from escrow.terms import Side
from escrow.webhooks import events

__all__ = [
    "LOOKUP_BYTES",
    "OPEN_FOR",
    "PUBLIC_BYTES",
    "TAG_BYTES",
    "Pairing",
    "confirm",
    "move",
    "must_measure",
    "pairing",
    "pairing_said",
]

PUBLIC_BYTES = 32
TAG_BYTES = 32
LOOKUP_BYTES = 16
#: For how long an invitation, or a fresh pairing, waits for its answer.
OPEN_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Pairing:
    """What the two clients said to each other; both check it against what they know."""

    inviter_organization_id: UUID
    acceptor_organization_id: UUID
    inviter_public: bytes
    acceptor_public: bytes
    acceptor_tag: bytes
    inviter_tag: bytes | None


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
    return pairing_said(tx, party.partnership_id, said, inviter=Side.LEFT)


def pairing_said(tx: Transaction, partnership_id: UUID, said: Row[*tuple[Any, ...]], *, inviter: Side) -> Pairing:
    """Put what was said beside those who said it."""
    seats = select(parties.c.side, parties.c.organization_id).where(parties.c.partnership_id == partnership_id)
    seated = {Side(seat.side): seat.organization_id for seat in tx.execute(seats)}
    return Pairing(
        inviter_organization_id=seated[inviter],
        acceptor_organization_id=seated[inviter.other],
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
    must_measure(tag, TAG_BYTES)
    if party.side is not Side.LEFT:
        raise PairingInvalid("The inviter's client confirms the pairing, not the acceptor's.")
    _must_be_paired(party, now=now)
    if party.state is PartnershipState.ACTIVE:
        return _same_confirmation(tx, party, tag)
    key = seal_new_key(party.partnership_id, service_key=service_key, random=random)
    move(tx, party.partnership_id, PartnershipState.ACTIVE, inviter_tag=tag, sealed_key=key, confirmed_at=now)
    _start_generation(tx, party.partnership_id, service_key=service_key, random=random, now=now)
    audit.record(tx, audit.Action.CONFIRMED, trail_id=party.partnership_id, caller=party.caller, now=now)
    partnership_id = party.partnership_id
    events.tell_both(tx, EventType.PARTNERSHIP_ACTIVATED, partnership_id=partnership_id, by=party.side, now=now)
    return party_of(tx, party.caller, party.partnership_id)


def must_measure(octets: bytes, length: int) -> None:
    """Raise PairingInvalid for a key, a tag or a lookup of another length."""
    if len(octets) != length:
        raise PairingInvalid(f"A key and a tag have 32 bytes, a lookup 16; this one has {len(octets)}.")


def move(tx: Transaction, partnership_id: UUID, state: PartnershipState, **said: object) -> None:
    """Move a partnership on, with what was said."""
    moved = partnerships.c.partnership_id == partnership_id
    tx.execute(update(partnerships).where(moved).values(state=state.value, **said))


def _must_be_paired(party: Party, *, now: datetime) -> None:
    state = party.state_at(now)
    if state is PartnershipState.ENDED:
        raise PartnershipEnded("This partnership has ended, or its invitation has expired: make a fresh one.")
    if state is PartnershipState.INVITED:
        raise PairingIncomplete("The partner has not accepted the invitation yet.")


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
