"""Generations: a next key, and with it maybe a next profile, that both sides consent to and fill beside the live one.

::

    nothing ──one side starts──▶ proposed ──the other starts──▶ building ──both lists applied──▶ live ──▶ retired
                                    └───────────either cancels─────┴──▶ nothing, and a number that was built is used up

The next key follows from the one before, or comes from a fresh pairing, whose moves are in ``fresh_pairing``. The
service decides none of it: the clients make the keys, and move up by one on their users' word alone. What is held here
is the order of the moves. The switch is part of matching, so that no reader sees a generation without its matches.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, insert, select, update

from escrow import audit
from escrow.access import Party
from escrow.errors import GenerationMismatch, GenerationTooSoon, ProfileMismatch
from escrow.partnerships.proposals import (
    FreshHalf,
    Proposal,
    close_proposal,
    forget_proposal,
    freshly_paired_by,
    proposal_of,
    propose,
)
from escrow.standing import Generation, building_standing, standing_of
from escrow.store import jobs
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.secrets import erase_pepper, seal_new_pepper
from escrow.store.states import EventType, GenerationState, JobType
from escrow.store.tables import generations
from escrow.webhooks import events

__all__ = ["build", "cancel_generation", "latest_number", "start_generation", "switch"]


def start_generation(
    tx: Transaction,
    party: Party,
    *,
    number: int,
    profile: str,
    fresh: FreshHalf | None = None,
    interval: timedelta,
    service_key: SealingKey,
    random: Callable[[int], bytes],
    now: datetime,
) -> None:
    """Propose the next generation, or consent to what the partner proposed; said again, it changes nothing.

    A proposal with a ``fresh`` pairing takes the place of any other, and is consented to by its code alone.

    Raises:
        PartnershipNotActive: no lists are compared.
        PairingInvalid, PartnershipExists: a length is wrong, or the code was used before.
        GenerationMismatch: the number is not the one after the last that was built.
        GenerationTooSoon: the last generation that was not cancelled started less than ``interval`` ago.
        ProfileMismatch: the partner named another profile.
    """
    party.must_be_active()
    building = building_standing(tx, party.partnership_id)
    if building is not None:
        _must_be(building.live, number, profile)
        _must_be_of_one_kind(tx, party.partnership_id, fresh)
        return
    live, following = standing_of(tx, party.partnership_id).live, latest_number(tx, party.partnership_id) + 1
    if number != following:
        raise GenerationMismatch(f"Generation {live.number} is followed by {following} and by no other.")
    _must_be_time(tx, party.partnership_id, interval, now)
    proposed = proposal_of(tx, party.partnership_id, now=now)
    if proposed is not None and proposed.side is not party.side:
        _must_not_wait_for_a_code(proposed)
        if fresh is None:
            _must_agree(proposed, profile)
            build(tx, party, proposed, service_key=service_key, random=random, now=now)
            return
    wanted = Proposal(party.side, number, profile, fresh)
    if wanted != proposed:
        propose(tx, party, wanted, now=now)
        _record(tx, audit.Action.GENERATION_PROPOSED, party, number, profile, now)
        _tell(tx, EventType.GENERATION_PROPOSED, party, number, now)


def build(
    tx: Transaction,
    party: Party,
    agreed: Proposal,
    *,
    service_key: SealingKey,
    random: Callable[[int], bytes],
    now: datetime,
) -> None:
    """Begin to fill the generation that both sides have agreed to, with a pepper of its own."""
    close_proposal(tx, party.partnership_id)
    tx.execute(
        insert(generations).values(
            partnership_id=party.partnership_id,
            generation=agreed.number,
            suite=standing_of(tx, party.partnership_id).live.suite,
            profile=agreed.profile,
            state=GenerationState.BUILDING.value,
            sealed_pepper=seal_new_pepper(party.partnership_id, agreed.number, service_key=service_key, random=random),
            created_at=now,
        )
    )
    _record(tx, audit.Action.GENERATION_STARTED, party, agreed.number, agreed.profile, now)
    _tell(tx, EventType.GENERATION_STARTED, party, agreed.number, now)


def cancel_generation(tx: Transaction, party: Party, number: int, *, now: datetime) -> None:
    """Take back or decline a proposal, or give up what is being built; done before, it changes nothing.

    What was built is over: its pepper ends here, the worker deletes its lists, and its number is never used again.

    Raises:
        PartnershipNotActive: no lists are compared.
        GenerationMismatch: the generation is live, or was.
    """
    party.must_be_active()
    live = standing_of(tx, party.partnership_id).live
    if number <= live.number:
        raise GenerationMismatch(f"Generation {live.number} is live, and no generation is gone back to.")
    building, proposed = building_standing(tx, party.partnership_id), proposal_of(tx, party.partnership_id, now=now)
    if building is not None and building.live.number == number:
        _give_up(tx, party, building.live, now)
    elif proposed is not None and proposed.number == number:
        forget_proposal(tx, party.partnership_id)
        _record(tx, audit.Action.GENERATION_CANCELLED, party, number, proposed.profile, now)
        _tell(tx, EventType.GENERATION_CANCELLED, party, number, now)


def latest_number(tx: Transaction, partnership_id: UUID) -> int:
    """Give the highest number that a generation of an active partnership has had, cancelled ones too."""
    query = select(func.max(generations.c.generation)).where(generations.c.partnership_id == partnership_id)
    latest: int = tx.execute(query).scalar_one()
    return latest


def switch(tx: Transaction, partnership_id: UUID, *, now: datetime) -> None:
    """Let the building generation replace the live one, whose pepper ends here; the caller writes the new matches.

    The worker deletes what the retired generation leaves behind.
    """
    retired, live = standing_of(tx, partnership_id).live, building_standing(tx, partnership_id)
    if live is None:
        raise GenerationMismatch("No generation is being built here.")
    _move(tx, partnership_id, retired.number, GenerationState.RETIRED)
    _move(tx, partnership_id, live.live.number, GenerationState.LIVE)
    erase_pepper(tx, partnership_id, retired.number)
    forget_proposal(tx, partnership_id)
    jobs.enqueue(tx, JobType.PURGE, partnership_id, due_at=now, argument=str(retired.number))
    detail = {"generation": live.live.number, "retired": retired.number}
    audit.record(tx, audit.Action.GENERATION_SWITCHED, trail_id=partnership_id, caller=None, now=now, detail=detail)


def _must_be(building: Generation, number: int, profile: str) -> None:
    if number != building.number:
        raise GenerationMismatch(f"Generation {building.number} is being built, and no other starts meanwhile.")
    if profile != building.profile:
        raise ProfileMismatch(
            f"Generation {number} is being built with profile {building.profile}, and you named {profile}.",
            expected=building.profile,
        )


def _must_be_of_one_kind(tx: Transaction, partnership_id: UUID, fresh: FreshHalf | None) -> None:
    if freshly_paired_by(tx, partnership_id) != (None if fresh is None else fresh.lookup):
        raise GenerationMismatch("A generation is being built in another way: cancel it first.")


def _must_not_wait_for_a_code(proposed: Proposal) -> None:
    if proposed.fresh is not None:
        raise GenerationMismatch(
            f"Your partner started a fresh pairing for generation {proposed.number}: accept it with the code that they "
            "have, or cancel it first."
        )


def _must_agree(proposed: Proposal, profile: str) -> None:
    if profile != proposed.profile:
        raise ProfileMismatch(
            f"Your partner proposed generation {proposed.number} with profile {proposed.profile}, and you named "
            f"{profile}: both sides name the same.",
            expected=proposed.profile,
        )


def _must_be_time(tx: Transaction, partnership_id: UUID, interval: timedelta, now: datetime) -> None:
    # In a cancelled generation nothing was ever compared, so it asked about nothing.
    counted = generations.c.state != GenerationState.CANCELLED.value
    of_partnership = generations.c.partnership_id == partnership_id
    started = select(func.max(generations.c.created_at)).where(of_partnership, counted)
    due_at = tx.execute(started).scalar_one() + interval
    if now < due_at:
        raise GenerationTooSoon(f"The next generation can start from {due_at:%Y-%m-%d %H:%M} UTC on.")


def _give_up(tx: Transaction, party: Party, building: Generation, now: datetime) -> None:
    _move(tx, party.partnership_id, building.number, GenerationState.CANCELLED)
    forget_proposal(tx, party.partnership_id)
    erase_pepper(tx, party.partnership_id, building.number)
    jobs.enqueue(tx, JobType.PURGE, party.partnership_id, due_at=now, argument=str(building.number))
    _record(tx, audit.Action.GENERATION_CANCELLED, party, building.number, building.profile, now)
    _tell(tx, EventType.GENERATION_CANCELLED, party, building.number, now)


def _record(tx: Transaction, action: audit.Action, party: Party, number: int, profile: str, now: datetime) -> None:
    detail: audit.Detail = {"generation": number, "profile": profile}
    audit.record(tx, action, trail_id=party.partnership_id, caller=party.caller, now=now, detail=detail)


def _tell(tx: Transaction, kind: EventType, party: Party, number: int, now: datetime) -> None:
    told: events.Data = {"generation": number}
    events.tell_both(tx, kind, partnership_id=party.partnership_id, by=party.side, data=told, now=now)


def _move(tx: Transaction, partnership_id: UUID, number: int, state: GenerationState) -> None:
    tx.execute(update(generations).where(_is(partnership_id, number)).values(state=state.value))


def _is(partnership_id: UUID, number: int) -> ColumnElement[bool]:
    return and_(generations.c.partnership_id == partnership_id, generations.c.generation == number)
