"""Events: what an organization is told, numbered from 1 without gaps in a feed of its own.

An event is written in the transaction that caused it, under the lock of the feed's counter: a number that is read is
never followed by a lower one that was not there yet. An event is thin: ids and numbers, never an account or a count.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from escrow.access import Caller
from escrow.errors import EventsForgotten
from escrow.store.database import EVENT_TOLD, Transaction
from escrow.store.states import EventType
from escrow.store.tables import event_feeds, events, parties
from escrow.terms import Side

__all__ = ["Data", "Event", "EventPage", "blank_ranges", "feed", "forget_old_events", "seated", "tell", "tell_both"]

#: What an event says beside its type, in the words in which it is told.
Data = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one organization."""

    number: int
    event_id: UUID
    type: EventType
    occurred_at: datetime
    partnership_id: UUID | None
    data: Data


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, oldest first; the next page starts after ``next_after``, now or when there is more."""

    items: tuple[Event, ...]
    next_after: int
    more: bool


def tell(
    tx: Transaction, kind: EventType, told: Mapping[UUID, Data], *, partnership_id: UUID | None, now: datetime
) -> None:
    """Tell each of these organizations what happened; it commits with what it tells of.

    Of one partnership, or of no partnership and one organization, in one transaction: feeds are locked in one order,
    and a second partnership could turn it round.
    """
    tx.info[EVENT_TOLD] = True
    numbers = _locked(tx, {*told, *seated(tx, partnership_id).values()})
    for organization_id, data in told.items():
        tx.execute(
            insert(events).values(
                organization_id=organization_id,
                number=numbers[organization_id] + 1,
                event_id=uuid4(),
                type=kind.value,
                partnership_id=partnership_id,
                occurred_at=now,
                data=_text(data),
            )
        )
    own = event_feeds.c.organization_id.in_(list(told))
    tx.execute(update(event_feeds).where(own).values(last_number=event_feeds.c.last_number + 1))


def tell_both(
    tx: Transaction,
    kind: EventType,
    *,
    partnership_id: UUID,
    by: Side | None = None,
    data: Data | None = None,
    now: datetime,
) -> None:
    """Tell both parties the same, and each whether it or the partner did it, if one of them did."""
    told = {}
    for side, organization_id in seated(tx, partnership_id).items():
        caused = {} if by is None else {"by": "ours" if by is side else "theirs"}
        told[organization_id] = {**caused, **(data or {})}
    tell(tx, kind, told, partnership_id=partnership_id, now=now)


def feed(tx: Transaction, caller: Caller, *, after: int | None, limit: int) -> EventPage:
    """Give what the caller's organization was told after this number, of the partnerships that its key is for.

    Without a number, it begins with the oldest that is kept.

    Raises:
        EventsForgotten: some of it is kept no more, or the feed does not reach that far.
    """
    own = events.c.organization_id == caller.organization_id
    last, oldest = _bounds(tx, caller.organization_id)
    after = oldest - 1 if after is None else after
    if not oldest - 1 <= after <= last:
        raise EventsForgotten(
            f"Events after {after} are not there any more: read again what you follow, and go on after {last}.",
            last_number=last,
        )
    query = select(events).where(own, events.c.number > after, _reached(caller)).order_by(events.c.number)
    rows = tx.execute(query.limit(limit + 1)).all()
    more = len(rows) > limit
    return EventPage(tuple(map(_event, rows[:limit])), rows[limit - 1].number if more else last, more)


def blank_ranges(tx: Transaction, partnership_id: UUID, organization_ids: Collection[UUID]) -> None:
    """Take out of past events of these where in the change feed to look: what is there is told no more."""
    if not organization_ids:
        return
    past = and_(
        events.c.partnership_id == partnership_id,
        events.c.organization_id.in_(organization_ids),
        events.c.type == EventType.OVERLAPS_CHANGED.value,
    )
    _locked(tx, seated(tx, partnership_id).values())
    blank = _text({"after": None, "through": None, "reset": True})
    tx.execute(update(events).where(past, events.c.data != blank).values(data=blank))


def forget_old_events(tx: Transaction, *, before: datetime, batch: int = 1_000) -> bool:
    """Delete up to ``batch`` events of a feed that lie before this moment; tell whether there are no more."""
    old = events.c.occurred_at < before
    organization_id = tx.execute(select(events.c.organization_id).where(old).limit(1)).scalar_one_or_none()
    if organization_id is None:
        return True
    _locked(tx, {organization_id})
    own = events.c.organization_id == organization_id
    bounds = select(func.min(events.c.number), func.max(events.c.number).filter(old)).where(own)
    first, last_old = tx.execute(bounds).one()
    # Whatever the clocks said, what goes is the beginning of the feed, without a gap.
    if last_old is not None:
        tx.execute(delete(events).where(own, events.c.number <= min(last_old, first + batch - 1)))
    return False


def _locked(tx: Transaction, organization_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Lock these feeds, in one order whoever asks, and give their last numbers."""
    values = [{"organization_id": each, "last_number": 0} for each in sorted(organization_ids)]
    added = (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(event_feeds).values(values)
    tx.execute(added.on_conflict_do_nothing())
    own = event_feeds.c.organization_id.in_([each["organization_id"] for each in values])
    query = select(event_feeds).where(own).order_by(event_feeds.c.organization_id).with_for_update()
    return {row.organization_id: row.last_number for row in tx.execute(query)}


def seated(tx: Transaction, partnership_id: UUID | None) -> dict[Side, UUID]:
    """Give the organizations of a partnership, by their seats."""
    query = select(parties.c.side, parties.c.organization_id).where(parties.c.partnership_id == partnership_id)
    return {Side(side): organization_id for side, organization_id in tx.execute(query)}


def _bounds(tx: Transaction, organization_id: UUID) -> tuple[int, int]:
    """Give the last number of a feed, and the oldest that is kept or would be the next."""
    own = event_feeds.c.organization_id == organization_id
    last = tx.execute(select(event_feeds.c.last_number).where(own)).scalar_one_or_none() or 0
    oldest = select(func.min(events.c.number)).where(events.c.organization_id == organization_id)
    return last, tx.execute(oldest).scalar_one() or last + 1


def _reached(caller: Caller) -> ColumnElement[bool]:
    bound_to = caller.grant.partnership_ids
    return events.c.number.is_not(None) if bound_to is None else events.c.partnership_id.in_(bound_to)


def _event(row: Row[Any]) -> Event:
    return Event(
        number=row.number,
        event_id=row.event_id,
        type=EventType(row.type),
        occurred_at=row.occurred_at,
        partnership_id=row.partnership_id,
        data=json.loads(row.data),
    )


def _text(data: Data) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))
