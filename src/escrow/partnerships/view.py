"""A partnership as one party sees it: all about its own list, and of the partner's its age and its rough size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from escrow import noise_ledger, spending
from escrow.access import Caller, Party, party_of
from escrow.partnerships.canaries import Canary, canaries_of
from escrow.partnerships.generations import latest_number
from escrow.partnerships.proposals import freshly_paired_by, proposal_of
from escrow.psi.matchkeys import Suite
from escrow.reports.noise import affordable_from
from escrow.spending import Alarm
from escrow.standing import AppliedList, SideStanding, Standing, building_standing, standing_of
from escrow.store.database import Transaction
from escrow.store.digests import open_submission_digest
from escrow.store.sealing import SealingKey
from escrow.store.states import GenerationState, PartnershipState, SubmissionState
from escrow.store.tables import organizations, parties, partnerships, releases, submissions
from escrow.submissions import last_number
from escrow.terms import Population, Side

__all__ = [
    "Generation",
    "NextGeneration",
    "OwnList",
    "Partner",
    "Partnership",
    "TheirHead",
    "TheirList",
    "page",
    "show",
]

_ALARMS_ARE_TOLD_FOR = timedelta(days=30)


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
class NextGeneration:
    """The generation after the live one: proposed by whoever consents to it, then building until both lists are there.

    It follows from the live one's key, or from a ``fresh_pairing``, which is consented to by its code.
    ``applied_number`` and ``applied_digest`` are of the caller's own list in it; of the partner's list only its age.
    """

    number: int
    profile: str
    suite: Suite
    is_building: bool
    fresh_pairing: bool
    consented_by_us: bool
    consented_by_them: bool
    applied_number: int
    applied_digest: bytes | None
    applied_at: datetime | None
    their_applied_at: datetime | None


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
class TheirHead:
    """The last release that the partner's client had seen when it sent what is applied, and its word for it."""

    generation: int
    release: int
    head: bytes


@dataclass(frozen=True, slots=True)
class TheirList:
    """The partner's list: its age, its rough size, recent alarms; and what its client vouches for.

    ``size`` is the lower end of the band that it is told in.
    """

    applied_at: datetime | None
    ready: bool
    head: TheirHead | None = None
    size: int | None = None
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True)
class Partnership:
    """One partnership, seen from one of its seats.

    ``next_release_from`` is when the next release may be made at the earliest; None if nothing holds it back by then.
    """

    partnership_id: UUID
    state: PartnershipState
    side: Side
    partner: Partner | None
    created_at: datetime
    expires_at: datetime | None
    generation: Generation | None
    next_generation: NextGeneration | None
    latest_generation: int | None
    terms_number: int
    paused_by_us: bool
    paused_by_them: bool
    our_list: OwnList
    their_list: TheirList
    our_canary: Canary | None
    their_canary: Canary | None
    latest_release: int | None
    next_release_from: datetime | None


def show(tx: Transaction, party: Party, *, service_key: SealingKey, now: datetime) -> Partnership:
    """Show the partnership as it stands now, expiry taken into account."""
    standing = standing_of(tx, party.partnership_id)
    state = party.state_at(now)
    ours, theirs = standing.sides[party.side], standing.sides.get(party.side.other)
    digest = _digest(tx, party, ours.applied, service_key)
    canaries = canaries_of(tx, party)
    pending = state in {PartnershipState.INVITED, PartnershipState.ACCEPTED}
    return Partnership(
        partnership_id=party.partnership_id,
        state=state,
        side=party.side,
        partner=_partner(tx, theirs),
        created_at=_created_at(tx, party),
        expires_at=party.expires_at if pending else None,
        generation=_generation(standing),
        next_generation=_next_generation(tx, party, service_key, now) if state is PartnershipState.ACTIVE else None,
        latest_generation=None if standing.generation is None else latest_number(tx, party.partnership_id),
        terms_number=ours.terms_number,
        paused_by_us=ours.paused,
        paused_by_them=theirs is not None and theirs.paused,
        our_list=_own_list(ours, digest, last_number=last_number(tx, party)),
        their_list=_their_list(tx, standing, party, now),
        our_canary=canaries.get(party.side),
        their_canary=canaries.get(party.side.other),
        latest_release=_latest_release(tx, party),
        next_release_from=_next_release_from(tx, standing, now) if state is PartnershipState.ACTIVE else None,
    )


def page(
    tx: Transaction, caller: Caller, *, after: UUID | None, limit: int, service_key: SealingKey, now: datetime
) -> tuple[list[Partnership], UUID | None]:
    """Give some of the caller's partnerships in the order of their ids, and where the next page starts, if any."""
    query = select(parties.c.partnership_id).where(parties.c.organization_id == caller.organization_id)
    if caller.grant.partnership_ids is not None:
        query = query.where(parties.c.partnership_id.in_(caller.grant.partnership_ids))
    if after is not None:
        query = query.where(parties.c.partnership_id > after)
    found = tx.execute(query.order_by(parties.c.partnership_id).limit(limit + 1)).scalars().all()
    seats = (party_of(tx, caller, partnership_id) for partnership_id in found[:limit])
    shown = [show(tx, party, service_key=service_key, now=now) for party in seats]
    return shown, found[limit - 1] if len(found) > limit else None


def _digest(tx: Transaction, party: Party, applied: AppliedList | None, service_key: SealingKey) -> bytes | None:
    """Open the digest of the party's own list; an end has erased what opens it."""
    if applied is None or party.state is PartnershipState.ENDED:
        return None
    place = (party.partnership_id, party.side, applied.number)
    return open_submission_digest(tx, *place, applied.sealed_digest, service_key=service_key)


def _partner(tx: Transaction, theirs: SideStanding | None) -> Partner | None:
    if theirs is None:
        return None
    query = select(organizations.c.name).where(organizations.c.organization_id == theirs.organization_id)
    return Partner(theirs.organization_id, tx.execute(query).scalar_one())


def _created_at(tx: Transaction, party: Party) -> datetime:
    query = select(partnerships.c.created_at).where(partnerships.c.partnership_id == party.partnership_id)
    created_at: datetime = tx.execute(query).scalar_one()
    return created_at


def _generation(standing: Standing) -> Generation | None:
    live = standing.generation
    return None if live is None else Generation(live.number, live.profile, Suite(live.suite), GenerationState.LIVE)


def _next_generation(tx: Transaction, party: Party, service_key: SealingKey, now: datetime) -> NextGeneration | None:
    building = building_standing(tx, party.partnership_id)
    if building is not None:
        digest = _digest(tx, party, building.applied.get(party.side), service_key)
        fresh = freshly_paired_by(tx, party.partnership_id) is not None
        return _being_built(building, party.side, digest, fresh_pairing=fresh)
    proposed = proposal_of(tx, party.partnership_id, now=now)
    if proposed is None:
        return None
    ours = proposed.side is party.side
    suite = Suite(standing_of(tx, party.partnership_id).live.suite)
    return NextGeneration(
        number=proposed.number,
        profile=proposed.profile,
        suite=suite,
        is_building=False,
        fresh_pairing=proposed.fresh is not None,
        consented_by_us=ours or proposed.is_accepted,
        consented_by_them=not ours or proposed.is_accepted,
        applied_number=0,
        applied_digest=None,
        applied_at=None,
        their_applied_at=None,
    )


def _being_built(building: Standing, side: Side, digest: bytes | None, *, fresh_pairing: bool) -> NextGeneration:
    ours, theirs = building.applied.get(side), building.applied.get(side.other)
    return NextGeneration(
        number=building.live.number,
        profile=building.live.profile,
        suite=Suite(building.live.suite),
        is_building=True,
        fresh_pairing=fresh_pairing,
        consented_by_us=True,
        consented_by_them=True,
        applied_number=0 if ours is None else ours.number,
        applied_digest=digest,
        applied_at=None if ours is None else ours.applied_at,
        their_applied_at=None if theirs is None else theirs.applied_at,
    )


def _own_list(ours: SideStanding, digest: bytes | None, *, last_number: int) -> OwnList:
    applied = ours.applied
    if applied is None:
        return OwnList(last_number, 0, None, 0, dict.fromkeys(Population, 0), None, ours.ready)
    return OwnList(
        last_number=last_number,
        applied_number=applied.number,
        applied_digest=digest,
        accounts=0 if applied.is_withdrawn else applied.accounts,
        populations=dict.fromkeys(Population, 0) if applied.is_withdrawn else applied.populations,
        applied_at=applied.applied_at,
        ready=ours.ready,
    )


def _their_list(tx: Transaction, standing: Standing, party: Party, now: datetime) -> TheirList:
    side, partnership_id = party.side.other, standing.partnership_id
    theirs = standing.sides.get(side)
    if theirs is None:
        return TheirList(None, ready=False)
    applied = theirs.applied
    return TheirList(
        None if applied is None else applied.applied_at,
        theirs.ready,
        head=_their_head(tx, party) if standing.state is PartnershipState.ACTIVE else None,
        size=None if applied is None or applied.is_withdrawn else spending.told_size(tx, standing, side),
        alarms=spending.recent_alarms(tx, partnership_id, side, since=now - _ALARMS_ARE_TOLD_FOR),
    )


def _their_head(tx: Transaction, party: Party) -> TheirHead | None:
    """Find the head that came with the partner's latest applied submission that had one."""
    query = select(submissions.c.generation, submissions.c.head_release, submissions.c.head).where(
        submissions.c.partnership_id == party.partnership_id,
        submissions.c.side == party.side.other.value,
        submissions.c.state == SubmissionState.APPLIED.value,
        submissions.c.head.is_not(None),
    )
    row = tx.execute(query.order_by(submissions.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else TheirHead(row.generation, row.head_release, row.head)


def _latest_release(tx: Transaction, party: Party) -> int | None:
    query = select(func.max(releases.c.number)).where(releases.c.partnership_id == party.partnership_id)
    latest: int | None = tx.execute(query).scalar_one()
    return latest


def _next_release_from(tx: Transaction, standing: Standing, now: datetime) -> datetime | None:
    query = select(func.max(releases.c.made_at)).where(releases.c.partnership_id == standing.partnership_id)
    last = tx.execute(query).scalar_one()
    due_at = now if last is None else last + standing.effective.disclosure.interval
    if noise_ledger.cells_with_noise(standing):
        due_at = affordable_from(noise_ledger.recently_spent(tx, standing, now=now), now=due_at)
    return None if last is None and due_at == now else due_at
