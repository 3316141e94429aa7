"""The queue of deliveries, which is their log too.

An endpoint is claimed as a whole, by lease, so one attempt at a time is under way for it, however many workers there
are. Whoever claims it first puts deliveries in for the events that its organization was told since: the place in the
feed moves in the same transaction, so none is missed and none put in twice. Deliveries of one partnership go out in
their order, the next one when the one before is settled; those of other partnerships do not wait for it.

    claim ─▶ (post, outside of any transaction) ─▶ settle

Several endpoints are claimed in one transaction and several attempts settled in one (``claiming``, ``settling``): each
has a lease of its own all the same. A worker that dies in between leaves leases that run out; the attempts are then
noted as cut off, and made again under the same ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, Select, and_, bindparam, func, insert, select, update

from escrow.store.database import EVENT_TOLD, Transaction
from escrow.store.states import AttemptOutcome, DeliveryKind, DeliveryState, EndpointState
from escrow.store.tables import deliveries, delivery_attempts, endpoints

__all__ = [
    "CHALLENGE",
    "NEVER",
    "TEST",
    "Attempt",
    "Claim",
    "Claimed",
    "Note",
    "due_again",
    "held",
    "new_delivery",
    "note",
    "put",
    "put_again",
    "put_in",
    "take_over",
    "waiting",
]

#: An endpoint with nothing to post is due no more, until something is put in.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

#: What a challenge and a trial call themselves.
CHALLENGE, TEST = "endpoint.challenge", "endpoint.test"

# Statements that every delivery needs are made once: to make one takes as long as to execute it.
_HELD = select(endpoints).where(
    endpoints.c.endpoint_id == bindparam("of"), endpoints.c.leased_until == bindparam("until")
)


def _heads() -> Select[Any]:
    is_pending = and_(
        deliveries.c.endpoint_id.in_(bindparam("of", expanding=True)),
        deliveries.c.state == DeliveryState.PENDING.value,
    )
    first = (
        select(deliveries.c.endpoint_id, func.min(deliveries.c.number).label("number"))
        .where(is_pending)
        .group_by(deliveries.c.endpoint_id, deliveries.c.partnership_id, deliveries.c.kind)
        .subquery()
    )
    is_first = and_(deliveries.c.endpoint_id == first.c.endpoint_id, deliveries.c.number == first.c.number)
    return select(deliveries).join(first, is_first).order_by(deliveries.c.due_at, deliveries.c.number)


_HEADS = _heads()


@dataclass(frozen=True, slots=True)
class Claimed:
    """An endpoint under lease."""

    endpoint_id: UUID
    leased_until: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery under the lease of its endpoint; ``number`` is the endpoint's own, ``attempt`` begins with 1 and
    ``attempts_before`` of them lie before the last replay; ``row`` is the endpoint's, as it was claimed."""

    endpoint: Claimed
    number: int
    kind: DeliveryKind
    message_id: UUID
    event_number: int | None
    attempt: int
    attempts_before: int
    due_at: datetime
    row: Row[Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended; ``asked`` is when the receiver wants the next one."""

    outcome: AttemptOutcome
    status: int | None
    started_at: datetime
    lasted: timedelta
    asked: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A line of the log: which attempt of which delivery, and how it ended."""

    endpoint_id: UUID
    number: int
    attempt: int
    made: Attempt


def held(tx: Transaction, claimed: Claimed) -> Row[Any] | None:
    """Give the endpoint's row if the lease is still the one that was given."""
    lease = {"of": claimed.endpoint_id, "until": claimed.leased_until}
    return tx.execute(_HELD, lease).one_or_none()


def take_over(tx: Transaction, *, now: datetime) -> None:
    """Void every lease: only for a database that no other worker uses, when a process starts."""
    tx.execute(update(endpoints).where(endpoints.c.leased_until.is_not(None)).values(leased_until=now, due_at=now))


def put(tx: Transaction, row: Row[Any], kind: DeliveryKind, *, now: datetime) -> None:
    """Put in a challenge or a trial, in place of one that waits; the caller holds the endpoint's row."""
    tx.info[EVENT_TOLD] = True
    own = and_(deliveries.c.endpoint_id == row.endpoint_id, deliveries.c.kind == kind.value)
    pending = and_(own, deliveries.c.state == DeliveryState.PENDING.value, deliveries.c.started_at.is_(None))
    due: dict[str, Any] = {"due_at": now}
    if not tx.execute(select(deliveries.c.number).where(pending)).first():
        due["last_delivery"] = row.last_delivery + 1
        word = CHALLENGE if kind is DeliveryKind.CHALLENGE else TEST
        put_in(
            tx, [new_delivery(row.endpoint_id, row.last_delivery + 1, kind, uuid4(), word, occurred_at=now, now=now)]
        )
    tx.execute(update(endpoints).where(endpoints.c.endpoint_id == row.endpoint_id).values(**due))


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
    tx.execute(update(endpoints).where(endpoints.c.endpoint_id == row.endpoint_id).values(due_at=now))
    return replayed.rowcount


def new_delivery(
    endpoint_id: UUID,
    number: int,
    kind: DeliveryKind,
    message_id: UUID,
    word: str,
    *,
    occurred_at: datetime,
    now: datetime,
    event_number: int | None = None,
    partnership_id: UUID | None = None,
) -> Mapping[str, Any]:
    """Make a row of a delivery that is due."""
    return {
        "endpoint_id": endpoint_id,
        "number": number,
        "kind": kind.value,
        "message_id": message_id,
        "event_number": event_number,
        "type": word,
        "partnership_id": partnership_id,
        "occurred_at": occurred_at,
        "state": DeliveryState.PENDING.value,
        "due_at": now,
        "attempts": 0,
        "attempts_before": 0,
    }


def put_in(tx: Transaction, made: Sequence[Mapping[str, Any]]) -> None:
    """Put in deliveries that were made, if any."""
    if made:
        tx.execute(insert(deliveries), list(made))


def waiting(tx: Transaction, rows: Collection[Row[Any]]) -> Mapping[UUID, Sequence[Row[Any]]]:
    """Give what may be posted next to each of these endpoints: the heads of its lines, the one that is due first first.

    Each partnership has a line, and so have challenges and trials; to an unconfirmed endpoint only a challenge goes.
    """
    found = defaultdict(list)
    states = {row.endpoint_id: row.state for row in rows}
    for head in tx.execute(_HEADS, {"of": list(states)}):
        if states[head.endpoint_id] != EndpointState.UNCONFIRMED.value or head.kind == DeliveryKind.CHALLENGE.value:
            found[head.endpoint_id].append(head)
    return found


def due_again(heads: Sequence[Row[Any]], *, now: datetime) -> datetime:
    """Tell when an endpoint with these heads of lines is due."""
    return max(heads[0].due_at, now) if heads else NEVER


def note(tx: Transaction, notes: Sequence[Note]) -> None:
    """Write these lines of the log, if any."""
    if notes:
        tx.execute(insert(delivery_attempts), [_line(each) for each in notes])


def _line(noted: Note) -> Mapping[str, Any]:
    return {
        "endpoint_id": noted.endpoint_id,
        "number": noted.number,
        "attempt": noted.attempt,
        "started_at": noted.made.started_at,
        "milliseconds": max(0, round(noted.made.lasted / timedelta(milliseconds=1))),
        "outcome": noted.made.outcome.value,
        "status": noted.made.status,
    }
