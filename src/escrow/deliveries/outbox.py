"""The queue of deliveries, which is their log too.

An endpoint is claimed as a whole, by lease, so one attempt at a time is under way for it, however many workers there
are. Whoever claims it first puts deliveries in for the events that its organization was told since: the place in the
feed moves in the same transaction, so none is missed and none put in twice. Deliveries of one partnership go out in
their order, the next one when the one before is settled; those of other partnerships do not wait for it.

    claim ─▶ (post, outside of any transaction) ─▶ settle | drop | give_back

A worker that dies in between leaves a lease that runs out; the attempt is then noted as cut off, and made again under
the same id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, update

from escrow.deliveries.filters import filter_of_row
from escrow.deliveries.schedule import next_due
from escrow.store.database import EVENT_TOLD, Transaction
from escrow.store.states import AttemptOutcome, DeliveryKind, DeliveryState, EndpointState, EventType
from escrow.store.tables import deliveries, delivery_attempts, endpoints, event_feeds, events

__all__ = [
    "CHALLENGE",
    "NEVER",
    "TEST",
    "Attempt",
    "Claim",
    "Claimed",
    "claim",
    "drop",
    "give_back",
    "held",
    "put",
    "put_again",
    "put_back",
    "settle",
    "take_over",
]

#: An endpoint with nothing to post is due no more, until something is put in.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

#: What a challenge and a trial call themselves.
CHALLENGE, TEST = "endpoint.challenge", "endpoint.test"

#: How many events are looked at in one transaction.
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Claimed:
    """An endpoint under lease."""

    endpoint_id: UUID
    leased_until: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery under the lease of its endpoint; ``number`` is the endpoint's own, ``attempt`` begins with 1;
    ``row`` is the endpoint's, as it was claimed."""

    endpoint: Claimed
    number: int
    kind: DeliveryKind
    message_id: UUID
    attempt: int
    row: Row[Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended; ``asked`` is when the receiver wants the next one."""

    outcome: AttemptOutcome
    status: int | None
    started_at: datetime
    lasted: timedelta
    asked: timedelta | None = None


def claim(tx: Transaction, *, now: datetime, lease: timedelta, healthy: bool = False) -> Claim | Claimed | None:
    """Lease the endpoint that waited for longest, and give what is to be posted; an endpoint alone has nothing.

    ``healthy`` passes over those that failed last, so that they cannot take up every thread of a worker.
    """
    row = tx.execute(_claimable(now, healthy=healthy)).one_or_none()
    if row is None:
        return None
    leased = Claimed(row.endpoint_id, now + lease)
    _note_cut_off(tx, row.endpoint_id, now)
    if row.state == EndpointState.ENABLED.value:
        _put_events(tx, row, now=now)
    due = _next(tx, row, now=now)
    _lease(tx, leased, now=now)
    if due is None:
        give_back(tx, leased, now=now)
        return leased
    own = _delivery(row.endpoint_id, due.number)
    tx.execute(update(deliveries).where(own).values(attempts=due.attempts + 1, started_at=now))
    return Claim(leased, due.number, DeliveryKind(due.kind), due.message_id, due.attempts + 1, row)


def held(tx: Transaction, claimed: Claimed) -> Row[Any] | None:
    """Give the endpoint's row, locked, if the lease is still the one that was given."""
    query = select(endpoints).where(_held(claimed)).with_for_update()
    return tx.execute(query).one_or_none()


def settle(tx: Transaction, made: Claim, attempt: Attempt, *, chance: float, now: datetime) -> DeliveryState:
    """Note an attempt, and whether and when another follows; the caller holds the lease."""
    endpoint_id = made.endpoint.endpoint_id
    before = tx.execute(select(deliveries.c.attempts_before).where(_delivery(endpoint_id, made.number))).scalar_one()
    _note(tx, endpoint_id, made.number, made.attempt, attempt)
    state, due_at = DeliveryState.DELIVERED, now
    if attempt.outcome is not AttemptOutcome.ACCEPTED:
        again = next_due(made.attempt - before, now=now, chance=chance, asked=attempt.asked)
        is_over = again is None or made.kind is not DeliveryKind.EVENT
        state, due_at = (DeliveryState.FAILED, now) if is_over else (DeliveryState.PENDING, again or now)
    _move(tx, made, state, due_at=due_at, now=now)
    return state


def drop(tx: Transaction, made: Claim, *, now: datetime) -> None:
    """Settle a delivery of which nothing is to be told now."""
    _move(tx, made, DeliveryState.DROPPED, due_at=now, now=now)


def put_back(tx: Transaction, made: Claim) -> None:
    """Leave a delivery as it was before it was claimed: its endpoint was disabled meanwhile."""
    own = _delivery(made.endpoint.endpoint_id, made.number)
    tx.execute(update(deliveries).where(own).values(attempts=made.attempt - 1, started_at=None))


def give_back(tx: Transaction, claimed: Claimed, *, now: datetime) -> None:
    """End the lease; the endpoint is due when its next delivery is."""
    row = tx.execute(select(endpoints).where(_held(claimed))).one_or_none()
    if row is None:
        return
    due = _next(tx, row, now=NEVER)
    due_at = NEVER if due is None else max(due.due_at, now)
    tx.execute(update(endpoints).where(_held(claimed)).values(leased_until=None, due_at=due_at))


def take_over(tx: Transaction, *, now: datetime) -> None:
    """Void every lease: only for a database that no other worker uses, when a process starts."""
    tx.execute(update(endpoints).where(endpoints.c.leased_until.is_not(None)).values(leased_until=now, due_at=now))


def put(tx: Transaction, row: Row[Any], kind: DeliveryKind, *, now: datetime) -> None:
    """Put in a challenge or a trial, in place of one that waits; the caller holds the endpoint's row."""
    tx.info[EVENT_TOLD] = True
    own = and_(deliveries.c.endpoint_id == row.endpoint_id, deliveries.c.kind == kind.value)
    waiting = and_(own, deliveries.c.state == DeliveryState.PENDING.value, deliveries.c.started_at.is_(None))
    if not tx.execute(select(deliveries.c.number).where(waiting)).first():
        number = row.last_delivery + 1
        word = CHALLENGE if kind is DeliveryKind.CHALLENGE else TEST
        _insert(tx, row.endpoint_id, number, kind=kind, message_id=uuid4(), word=word, occurred_at=now, now=now)
        tx.execute(update(endpoints).where(_own(row.endpoint_id)).values(last_delivery=number))
    tx.execute(update(endpoints).where(_own(row.endpoint_id)).values(due_at=now))


def put_again(tx: Transaction, row: Row[Any], *, first: int, last: int, now: datetime) -> int:
    """Make settled deliveries of events pending again; the caller holds the endpoint's row."""
    tx.info[EVENT_TOLD] = True
    settled = and_(
        deliveries.c.endpoint_id == row.endpoint_id,
        deliveries.c.number.between(first, last),
        deliveries.c.kind == DeliveryKind.EVENT.value,
        deliveries.c.state != DeliveryState.PENDING.value,
    )
    again = {"state": DeliveryState.PENDING.value, "due_at": now, "settled_at": None}
    replayed = tx.execute(update(deliveries).where(settled).values(attempts_before=deliveries.c.attempts, **again))
    tx.execute(update(endpoints).where(_own(row.endpoint_id)).values(due_at=now))
    return replayed.rowcount


def _claimable(now: datetime, *, healthy: bool) -> Any:  # noqa: ANN401 - a query for update has no simple type
    has_news = and_(
        endpoints.c.state == EndpointState.ENABLED.value, event_feeds.c.last_number > endpoints.c.looked_at_event
    )
    is_free = or_(endpoints.c.leased_until.is_(None), endpoints.c.leased_until <= now)
    feed = event_feeds.c.organization_id == endpoints.c.organization_id
    query = (
        select(endpoints)
        .outerjoin_from(endpoints, event_feeds, feed)
        .where(
            endpoints.c.state != EndpointState.DISABLED.value,
            is_free,
            or_(endpoints.c.due_at <= now, endpoints.c.leased_until <= now, has_news),
        )
    )
    if healthy:
        query = query.where(endpoints.c.failing_since.is_(None))
    return query.order_by(endpoints.c.turn_at).limit(1).with_for_update(of=endpoints, skip_locked=True)


def _put_events(tx: Transaction, row: Row[Any], *, now: datetime) -> None:
    """Put in a delivery for each event that the endpoint is to be told of, in the feed's order."""
    later = and_(events.c.organization_id == row.organization_id, events.c.number > row.looked_at_event)
    found = tx.execute(select(events).where(later).order_by(events.c.number).limit(_BATCH)).all()
    if not found:
        return
    wanted, number = filter_of_row(row), row.last_delivery
    for event in found:
        if wanted.lets_pass(EventType(event.type), event.partnership_id):
            number += 1
            _insert(
                tx,
                row.endpoint_id,
                number,
                kind=DeliveryKind.EVENT,
                message_id=event.event_id,
                word=event.type,
                occurred_at=event.occurred_at,
                now=now,
                event_number=event.number,
                partnership_id=event.partnership_id,
            )
    looked = {"looked_at_event": found[-1].number, "last_delivery": number}
    tx.execute(update(endpoints).where(_own(row.endpoint_id)).values(**looked))


def _insert(
    tx: Transaction,
    endpoint_id: UUID,
    number: int,
    *,
    kind: DeliveryKind,
    message_id: UUID,
    word: str,
    occurred_at: datetime,
    now: datetime,
    event_number: int | None = None,
    partnership_id: UUID | None = None,
) -> None:
    tx.execute(
        insert(deliveries).values(
            endpoint_id=endpoint_id,
            number=number,
            kind=kind.value,
            message_id=message_id,
            event_number=event_number,
            type=word,
            partnership_id=partnership_id,
            occurred_at=occurred_at,
            state=DeliveryState.PENDING.value,
            due_at=now,
            attempts=0,
            attempts_before=0,
        )
    )


def _next(tx: Transaction, row: Row[Any], *, now: datetime) -> Row[Any] | None:
    """Give the delivery that is due first, of those at the head of their partnership's line."""
    waiting = and_(deliveries.c.endpoint_id == row.endpoint_id, deliveries.c.state == DeliveryState.PENDING.value)
    if row.state == EndpointState.UNCONFIRMED.value:
        waiting = and_(waiting, deliveries.c.kind == DeliveryKind.CHALLENGE.value)
    heads = (
        select(func.min(deliveries.c.number)).where(waiting).group_by(deliveries.c.partnership_id, deliveries.c.kind)
    )
    query = select(deliveries).where(waiting, deliveries.c.number.in_(heads), deliveries.c.due_at <= now)
    return tx.execute(query.order_by(deliveries.c.due_at, deliveries.c.number).limit(1)).one_or_none()


def _note_cut_off(tx: Transaction, endpoint_id: UUID, now: datetime) -> None:
    begun = and_(deliveries.c.endpoint_id == endpoint_id, deliveries.c.started_at.is_not(None))
    for row in tx.execute(select(deliveries).where(begun)).all():
        lost = Attempt(AttemptOutcome.CUT_OFF, None, row.started_at, now - row.started_at)
        _note(tx, endpoint_id, row.number, row.attempts, lost)
        tx.execute(update(deliveries).where(_delivery(endpoint_id, row.number)).values(started_at=None))


def _note(tx: Transaction, endpoint_id: UUID, number: int, attempt: int, made: Attempt) -> None:
    tx.execute(
        insert(delivery_attempts).values(
            endpoint_id=endpoint_id,
            number=number,
            attempt=attempt,
            started_at=made.started_at,
            milliseconds=max(0, round(made.lasted / timedelta(milliseconds=1))),
            outcome=made.outcome.value,
            status=made.status,
        )
    )


def _move(tx: Transaction, made: Claim, state: DeliveryState, *, due_at: datetime, now: datetime) -> None:
    settled_at = None if state is DeliveryState.PENDING else now
    moved = {"state": state.value, "due_at": due_at, "started_at": None, "settled_at": settled_at}
    tx.execute(update(deliveries).where(_delivery(made.endpoint.endpoint_id, made.number)).values(**moved))


def _lease(tx: Transaction, leased: Claimed, *, now: datetime) -> None:
    tx.execute(update(endpoints).where(_own(leased.endpoint_id)).values(leased_until=leased.leased_until, turn_at=now))


def _own(endpoint_id: UUID) -> ColumnElement[bool]:
    return endpoints.c.endpoint_id == endpoint_id


def _delivery(endpoint_id: UUID, number: int) -> ColumnElement[bool]:
    return and_(deliveries.c.endpoint_id == endpoint_id, deliveries.c.number == number)


def _held(claimed: Claimed) -> ColumnElement[bool]:
    return and_(_own(claimed.endpoint_id), endpoints.c.leased_until == claimed.leased_until)
