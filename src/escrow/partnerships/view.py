"""A partnership as one party sees it: everything about its own list, and of the partner's only its age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from escrow.access import Caller, Party, party_of
from escrow.psi.matchkeys import Suite
from escrow.store.database import Transaction
from escrow.store.states import GenerationState, PartnershipState, SubmissionState
from escrow.store.tables import generations, lists, organizations, parties, partnerships, releases, submissions
from escrow.terms import Population, Side

__all__ = ["Generation", "OwnList", "Partner", "Partnership", "TheirList", "page", "show"]


@dataclass(frozen=True, slots=True)
class Partner:
    """The other organization."""

    organization_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Generation:
    """The generation whose tokens are compared."""

    number: int
    profile: str
    suite: Suite
    state: GenerationState


@dataclass(frozen=True, slots=True)
class OwnList:
    """The caller's own list, as applied; ``last_number`` is its last submission that was completed."""

    last_number: int
    applied_number: int
    applied_digest: bytes | None
    accounts: int
    populations: Mapping[Population, int]
    applied_at: datetime | None
    ready: bool


@dataclass(frozen=True, slots=True)
class TheirList:
    """The partner's list: its age, never its size."""

    applied_at: datetime | None
    ready: bool


@dataclass(frozen=True, slots=True)
class Partnership:
    """One partnership, seen from one of its seats."""

    partnership_id: UUID
    state: PartnershipState
    side: Side
    partner: Partner | None
    created_at: datetime
    expires_at: datetime | None
    generation: Generation | None
    terms_number: int
    our_list: OwnList
    their_list: TheirList
    latest_release: int | None


def show(tx: Transaction, party: Party, *, now: datetime) -> Partnership:
    """Show the partnership as it stands now, expiry taken into account."""
    state = party.state_at(now)
    created_at = tx.execute(
        select(partnerships.c.created_at).where(partnerships.c.partnership_id == party.partnership_id)
    ).scalar_one()
    seats = _seats(tx, party)
    ours, theirs = seats[party.side], seats.get(party.side.other)
    generation = _live_generation(tx, party)
    pending = state in {PartnershipState.INVITED, PartnershipState.ACCEPTED}
    return Partnership(
        partnership_id=party.partnership_id,
        state=state,
        side=party.side,
        partner=None if theirs is None else Partner(theirs.organization_id, theirs.name),
        created_at=created_at,
        expires_at=party.expires_at if pending else None,
        generation=generation,
        terms_number=ours.terms_number,
        our_list=_own_list(tx, party, generation, ready=ours.ready_submission is not None),
        their_list=_their_list(tx, party, generation, theirs),
        latest_release=_latest_release(tx, party),
    )


def page(
    tx: Transaction, caller: Caller, *, after: UUID | None, limit: int, now: datetime
) -> tuple[list[Partnership], UUID | None]:
    """Give some of the caller's partnerships in the order of their ids, and where the next page starts, if any."""
    query = select(parties.c.partnership_id).where(parties.c.organization_id == caller.organization_id)
    if after is not None:
        query = query.where(parties.c.partnership_id > after)
    found = tx.execute(query.order_by(parties.c.partnership_id).limit(limit + 1)).scalars().all()
    shown = [show(tx, party_of(tx, caller, partnership_id), now=now) for partnership_id in found[:limit]]
    return shown, found[limit - 1] if len(found) > limit else None


def _seats(tx: Transaction, party: Party) -> dict[Side, Row[Any]]:
    query = (
        select(parties, organizations.c.name)
        .join_from(parties, organizations)
        .where(parties.c.partnership_id == party.partnership_id)
    )
    return {Side(seat.side): seat for seat in tx.execute(query)}


def _live_generation(tx: Transaction, party: Party) -> Generation | None:
    query = select(generations).where(
        generations.c.partnership_id == party.partnership_id, generations.c.state == GenerationState.LIVE.value
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return Generation(row.generation, row.profile, Suite(row.suite), GenerationState(row.state))


def _list(tx: Transaction, party: Party, generation: Generation | None, side: Side) -> Row[Any] | None:
    if generation is None:
        return None
    query = select(lists).where(
        lists.c.partnership_id == party.partnership_id,
        lists.c.generation == generation.number,
        lists.c.side == side.value,
    )
    return tx.execute(query).one_or_none()


def _own_list(tx: Transaction, party: Party, generation: Generation | None, *, ready: bool) -> OwnList:
    last = _last_number(tx, party)
    row = _list(tx, party, generation, party.side)
    if row is None:
        return OwnList(last, 0, None, 0, dict.fromkeys(Population, 0), None, ready)
    return OwnList(
        last_number=last,
        applied_number=row.applied_number,
        applied_digest=row.applied_digest,
        accounts=row.accounts,
        populations={population: getattr(row, population.word) for population in Population},
        applied_at=row.applied_at,
        ready=ready,
    )


def _their_list(tx: Transaction, party: Party, generation: Generation | None, seat: Row[Any] | None) -> TheirList:
    row = _list(tx, party, generation, party.side.other)
    return TheirList(
        applied_at=None if row is None else row.applied_at,
        ready=seat is not None and seat.ready_submission is not None,
    )


def _last_number(tx: Transaction, party: Party) -> int:
    query = select(func.max(submissions.c.number)).where(
        submissions.c.partnership_id == party.partnership_id,
        submissions.c.side == party.side.value,
        submissions.c.state != SubmissionState.UPLOADING.value,
    )
    return tx.execute(query).scalar_one() or 0


def _latest_release(tx: Transaction, party: Party) -> int | None:
    query = select(func.max(releases.c.number)).where(releases.c.partnership_id == party.partnership_id)
    latest: int | None = tx.execute(query).scalar_one()
    return latest
