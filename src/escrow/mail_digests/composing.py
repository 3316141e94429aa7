"""What a digest tells: the range of the feed that it is of, read by the terms of the moment.

Each partnership is read in a transaction of its own, so that a long digest holds up none of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select

from escrow.deliveries import news
from escrow.deliveries.news import Reader
from escrow.deliveries.sentences import CellLine, of_cell, those_that_grew_first, what_happened
from escrow.mail_digests.digests import wanted_of_row
from escrow.mail_digests.letters import Item, Section
from escrow.mail_digests.outgoing import Claim, held
from escrow.store.database import Database, Transaction
from escrow.store.states import EventType
from escrow.store.tables import events

__all__ = ["Range", "range_of", "sections_of"]

#: More partnerships than this are named in the feed alone, and no more events than this are looked at, the newest.
_MOST_SECTIONS = 50
_MOST_EVENTS = 5_000

#: Of the entries of a change feed so many are counted.
_MOST_CHANGES = 10_000

#: What people look for first.
_FIRST = (EventType.RELEASE_MADE, EventType.OVERLAPS_CHANGED, EventType.ALARM_RAISED)
_ORDER = (*_FIRST, *(kind for kind in EventType if kind not in _FIRST))

Told = Mapping[EventType, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Range:
    """What happened in the range of a digest, by partnership and type; ``is_whole`` if there is no more of it."""

    by_partnership: Mapping[UUID | None, Told]
    is_whole: bool


def range_of(tx: Transaction, claimed: Claim) -> Range | None:
    """Read what is to be told, if the digest is still there and ours to send."""
    row = held(tx, claimed)
    if row is None:
        return None
    wanted = wanted_of_row(row)
    told = and_(
        events.c.organization_id == row.organization_id,
        events.c.number > row.looked_at_event,
        events.c.number <= row.through_event,
        events.c.type.in_([each.value for each in wanted.types or ()]),
    )
    query = select(events.c.type, events.c.partnership_id, events.c.data).where(told).order_by(events.c.number.desc())
    found = tx.execute(query.limit(_MOST_EVENTS + 1)).all()
    grouped: dict[UUID | None, dict[EventType, list[Mapping[str, Any]]]] = {}
    for event in reversed(found[:_MOST_EVENTS]):
        kind = EventType(event.type)
        if wanted.lets_pass(kind, event.partnership_id):
            grouped.setdefault(event.partnership_id, {}).setdefault(kind, []).append(json.loads(event.data))
    kept = dict(list(grouped.items())[:_MOST_SECTIONS])
    return Range(kept, is_whole=len(found) <= _MOST_EVENTS and len(kept) == len(grouped))


def sections_of(database: Database, told: Range, reader: Reader, *, link: str) -> Sequence[Section]:
    """Give a section for each partnership, and one for what is of none, all of them as of one moment."""
    happened = told.by_partnership
    with database.transaction("read for a mail digest") as tx:
        # In the order of their ids, so that two who read several do not wait for each other.
        made = {each: _section(tx, reader, each, happened[each], link) for each in sorted(happened, key=str)}
    return [made[each] for each in happened]


def _section(tx: Transaction, reader: Reader, partnership_id: UUID | None, happened: Told, link: str) -> Section:
    partner = news.partner_name(tx, reader.organization_id, partnership_id)
    items = tuple(
        _item(tx, reader, partnership_id, kind, happened[kind], partner) for kind in _ORDER if kind in happened
    )
    return Section(partner if partnership_id else "Our own", items, news.link_to(link, partnership_id))


def _item(
    tx: Transaction,
    reader: Reader,
    partnership_id: UUID | None,
    kind: EventType,
    told: Sequence[Mapping[str, Any]],
    partner: str,
) -> Item:
    text = what_happened(kind.value, partner)
    if partnership_id is not None and kind is EventType.RELEASE_MADE:
        number, before = told[-1]["number"], told[0]["number"] - 1
        counts = news.counts_of_release(tx, reader, partnership_id, number=number, before=before)
        return Item(text, _cells(counts) or ("Nothing of them is shown to us now.",))
    if partnership_id is not None and kind is EventType.OVERLAPS_CHANGED:
        changed = news.changed_overlaps(tx, reader, partnership_id, _joined(told), most=_MOST_CHANGES)
        return Item(text, ("The list is to be read anew.",) if changed is None else _cells(changed))
    return Item(text if len(told) == 1 else f"{text} ({len(told)} times)")


def _joined(ranges: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Make one range of several that follow each other in the change feed."""
    is_reset = any(each["reset"] or each["after"] is None or each["through"] is None for each in ranges)
    return {"after": ranges[0]["after"], "through": ranges[-1]["through"], "reset": is_reset}


def _cells(lines: Sequence[CellLine]) -> tuple[str, ...]:
    return tuple(of_cell(each) for each in those_that_grew_first(lines))
