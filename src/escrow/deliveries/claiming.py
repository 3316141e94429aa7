"""Claiming: several endpoints are leased in one transaction, each with the delivery that is to be posted to it next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Row, Select, and_, bindparam, not_, or_, select, true, update

from escrow.deliveries import outbox
from escrow.deliveries.filters import filter_of_row
from escrow.deliveries.lanes import SLOW, Lane
from escrow.deliveries.outbox import Attempt, Claim, Claimed, Note
from escrow.deliveries.schedule import due_after_cut_off
from escrow.store.columns import Moment
from escrow.store.database import Transaction
from escrow.store.states import AttemptOutcome, DeliveryKind, DeliveryState, EndpointState, EventType
from escrow.store.tables import deliveries, endpoints, event_feeds, events

__all__ = ["Taken", "claim"]

_MILLISECOND = timedelta(milliseconds=1)

#: How many events are looked at for one endpoint in one transaction.
_BATCH = 200

#: Of one delivery and of one endpoint; many are changed by one statement.
_DELIVERY = and_(deliveries.c.endpoint_id == bindparam("of"), deliveries.c.number == bindparam("the"))
_MOVE = update(deliveries).where(_DELIVERY)
_LEASE = update(endpoints).where(endpoints.c.endpoint_id == bindparam("of"))


def _in_lane(lane: Lane) -> ColumnElement[bool]:
    is_quick = or_(endpoints.c.last_milliseconds.is_(None), endpoints.c.last_milliseconds <= SLOW // _MILLISECOND)
    is_well = and_(endpoints.c.failing_since.is_(None), is_quick)
    match lane:
        case Lane.QUICK:
            return is_well
        case Lane.PATIENT:
            return not_(is_well)
        case Lane.ALL:
            return true()


def _claimable(lane: Lane) -> Select[Any]:
    now = bindparam("now", type_=Moment)
    has_news = and_(
        endpoints.c.state == EndpointState.ENABLED.value, event_feeds.c.last_number > endpoints.c.looked_at_event
    )
    is_free = or_(endpoints.c.leased_until.is_(None), endpoints.c.leased_until <= now)
    feed = event_feeds.c.organization_id == endpoints.c.organization_id
    return (
        select(endpoints, event_feeds.c.last_number)
        .outerjoin_from(endpoints, event_feeds, feed)
        .where(
            endpoints.c.state != EndpointState.DISABLED.value,
            is_free,
            or_(endpoints.c.due_at <= now, endpoints.c.leased_until <= now, has_news),
            _in_lane(lane),
        )
        .order_by(endpoints.c.turn_at)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(of=endpoints, skip_locked=True)
    )


_CLAIMABLE = {lane: _claimable(lane) for lane in Lane}
_TOLD_SINCE = (
    select(events)
    .where(events.c.organization_id == bindparam("of"), events.c.number > bindparam("after"))
    .order_by(events.c.number)
    .limit(_BATCH)
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was claimed, and how many endpoints were looked at for it: some had nothing to be posted."""

    claims: Sequence[Claim]
    looked_at: int


def claim(tx: Transaction, *, most: int, lane: Lane, now: datetime, lease: timedelta) -> Taken:
    """Lease the endpoints of a lane that waited for longest, as many as asked for, and give what is to be posted."""
    rows = tx.execute(_CLAIMABLE[lane], {"now": now, "most": most}).all()
    if not rows:
        return Taken((), 0)
    _note_cut_off(tx, [row.endpoint_id for row in rows if row.leased_until is not None], now)
    places = _put_events(tx, rows, now=now)
    heads = outbox.waiting(tx, rows)
    due = [(row, heads[row.endpoint_id][0]) for row in rows if row.endpoint_id in heads]
    claims = [_claim(row, head, now + lease) for row, head in due if head.due_at <= now]
    _begin(tx, claims, now=now)
    until = {each.endpoint.endpoint_id: each.endpoint.leased_until for each in claims}
    leases = [
        {
            "of": row.endpoint_id,
            "leased_until": until.get(row.endpoint_id),
            "turn_at": now,
            "due_at": outbox.due_again(heads.get(row.endpoint_id, ()), now=now),
            **places[row.endpoint_id],
        }
        for row in rows
    ]
    tx.execute(_LEASE, leases)
    return Taken(claims, len(rows))


def _note_cut_off(tx: Transaction, endpoint_ids: Collection[UUID], now: datetime) -> None:
    """Note the attempts of those whose lease ran out."""
    if not endpoint_ids:
        return
    begun = and_(
        deliveries.c.endpoint_id.in_(endpoint_ids),
        deliveries.c.state == DeliveryState.PENDING.value,
        deliveries.c.started_at.is_not(None),
    )
    rows = tx.execute(select(deliveries).where(begun)).all()
    outbox.note(tx, [Note(row.endpoint_id, row.number, row.attempts, _cut_off(row, now)) for row in rows])
    again = [
        {
            "of": row.endpoint_id,
            "the": row.number,
            "due_at": due_after_cut_off(row.attempts, now=now),
            "started_at": None,
        }
        for row in rows
    ]
    if again:
        tx.execute(_MOVE, again)


def _cut_off(row: Row[Any], now: datetime) -> Attempt:
    return Attempt(AttemptOutcome.CUT_OFF, None, row.started_at, now - row.started_at)


def _put_events(tx: Transaction, rows: Sequence[Row[Any]], *, now: datetime) -> Mapping[UUID, Mapping[str, int]]:
    """Put in a delivery for each event that an endpoint is to be told of, in the feed's order; give how far each is."""
    told: dict[tuple[UUID, int], Sequence[Row[Any]]] = {}
    places = {}
    made: list[Mapping[str, Any]] = []
    for row in rows:
        looked_at, last = row.looked_at_event, row.last_delivery
        if row.state == EndpointState.ENABLED.value and (row.last_number or 0) > row.looked_at_event:
            feed = (row.organization_id, row.looked_at_event)
            if feed not in told:
                told[feed] = tx.execute(_TOLD_SINCE, {"of": feed[0], "after": feed[1]}).all()
            wanted = _deliveries_of(row, told[feed], now=now)
            made += wanted
            looked_at, last = _looked_at(row, told[feed]), last + len(wanted)
        places[row.endpoint_id] = {"looked_at_event": looked_at, "last_delivery": last}
    outbox.put_in(tx, made)
    return places


def _looked_at(row: Row[Any], told: Sequence[Row[Any]]) -> int:
    """Tell how far the feed was looked at: through its end unless there is more, however little of it is kept."""
    last: int = told[-1].number if told else 0
    return last if len(told) == _BATCH else max(last, row.last_number)


def _deliveries_of(row: Row[Any], told: Sequence[Row[Any]], *, now: datetime) -> Sequence[Mapping[str, Any]]:
    filter_ = filter_of_row(row)
    wanted = [each for each in told if filter_.lets_pass(EventType(each.type), each.partnership_id)]
    return [
        outbox.new_delivery(
            row.endpoint_id,
            number,
            DeliveryKind.EVENT,
            event.event_id,
            event.type,
            occurred_at=event.occurred_at,
            now=now,
            event_number=event.number,
            partnership_id=event.partnership_id,
        )
        for number, event in enumerate(wanted, start=row.last_delivery + 1)
    ]


def _claim(row: Row[Any], head: Row[Any], leased_until: datetime) -> Claim:
    return Claim(
        Claimed(row.endpoint_id, leased_until),
        number=head.number,
        kind=DeliveryKind(head.kind),
        message_id=head.message_id,
        event_number=head.event_number,
        attempt=head.attempts + 1,
        attempts_before=head.attempts_before,
        due_at=head.due_at,
        row=row,
    )


def _begin(tx: Transaction, claims: Sequence[Claim], *, now: datetime) -> None:
    begun = [
        {"of": each.endpoint.endpoint_id, "the": each.number, "attempts": each.attempt, "started_at": now}
        for each in claims
    ]
    if begun:
        tx.execute(_MOVE, begun)
