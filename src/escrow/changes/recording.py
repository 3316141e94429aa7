"""Recording: a change is written in the transaction that makes it, and so is the event that tells of it.

The caller holds the lock of the partnership. Each seat has a feed of its own once something was open to it; both are
begun anew by what concerns both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, delete, func, insert, or_, select, update

from escrow.access import lock_partnership
from escrow.changes.listing import Change, Pairing, Rows, differences, seen_by
from escrow.standing import Standing
from escrow.store.database import Transaction
from escrow.store.states import ChangeKind, EventType
from escrow.store.tables import change_feeds, changes, matches
from escrow.terms import CELLS, Level, Side, Terms
from escrow.webhooks import events

__all__ = [
    "MOST_CHANGES",
    "forget_details",
    "forget_old_changes",
    "forget_withdrawn",
    "listed_in",
    "record_details",
    "record_disputed",
    "record_matched",
    "tighten",
]

#: More changes at once than this are read faster as a list.
MOST_CHANGES = 10_000

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Basis:
    """Under what a list was matched: two lists are compared only under one. Levels are seen from the left."""

    levels: str = "0" * len(CELLS)
    reveals_from: int = 0
    generation: int = 0

    def tightened(self, effective: Terms) -> _Basis:
        """Give what is left of it under these terms."""
        now = _basis(effective, self.generation)
        levels = "".join(map(min, self.levels, now.levels))
        return _of_open(levels, min(self.reveals_from, now.reveals_from), self.generation)


@dataclass(frozen=True, slots=True)
class _Feed:
    """Where the feed of one seat stands."""

    last_number: int = 0
    basis: _Basis = _Basis()


def record_matched(
    tx: Transaction,
    standing: Standing,
    found: Mapping[Side, Sequence[Change] | None],
    *,
    most: int,
    at: datetime,
) -> None:
    """Record what a matching changed; more than ``most`` changes of one side at once, or None, begin its feed anew."""
    basis = _matched_basis(standing)
    written = {}
    for side, feed in _feeds(tx, standing.partnership_id).items():
        changed = found[side]
        if feed.basis != basis or changed is None or len(changed) > most:
            written[side] = _reset(tx, standing.partnership_id, side, feed, basis, at=at)
        elif changed:
            written[side] = _append(tx, standing.partnership_id, side, feed, changed, at=at)
    _tell(tx, standing, written, at=at)


def record_disputed(tx: Transaction, standing: Standing, before: Mapping[Side, Rows], *, at: datetime) -> None:
    """Record what a dispute changed for these rows of both sides; ``before`` is what ``listed_in`` gave."""
    left, right = (before[side].keys() for side in Side)
    of_rows = or_(matches.c.left_row.in_(left), matches.c.right_row.in_(right))
    left_over = _stored(tx, standing.partnership_id, of_rows)
    found = {side: differences(before[side], seen_by(side, left_over)) for side in Side}
    _record(tx, standing, found, at=at)


def listed_in(tx: Transaction, partnership_id: UUID, overlaps: Collection[bytes]) -> Mapping[Side, Rows]:
    """Give what both sides read of all rows in these overlaps, whose matches are all in them."""
    found = _stored(tx, partnership_id, matches.c.overlap.in_(overlaps))
    return {side: seen_by(side, found) for side in Side}


def record_details(tx: Transaction, standing: Standing, reader: Side, rows: Rows, *, at: datetime) -> None:
    """Record that the partner sealed the details anew that these rows of the reader's are served."""
    renewed = [Change(ChangeKind.DETAILS, row, now=listed) for row, listed in sorted(rows.items())]
    _record(tx, standing, {reader: renewed}, at=at)


def tighten(tx: Transaction, standing: Standing, *, at: datetime) -> None:
    """Begin the feeds anew if the terms of now forbid some of what they are of; what they open comes with matching."""
    written = {}
    for side, feed in _feeds(tx, standing.partnership_id).items():
        tightened = feed.basis.tightened(standing.effective)
        if tightened != feed.basis:
            written[side] = _reset(tx, standing.partnership_id, side, feed, tightened, at=at)
    _tell(tx, standing, written, at=at)


def forget_details(tx: Transaction, standing: Standing, reader: Side, *, at: datetime) -> None:
    """Begin the reader's feed anew if it is of details: all that it was served are deleted."""
    feed = _feeds(tx, standing.partnership_id)[reader]
    if str(int(Level.DETAILS)) in feed.basis.levels:
        written = _reset(tx, standing.partnership_id, reader, feed, feed.basis, at=at)
        _tell(tx, standing, {reader: written}, at=at)


def forget_withdrawn(tx: Transaction, standing: Standing, *, at: datetime) -> None:
    """Begin both feeds anew without anything in them: a list that they were made of is withdrawn."""
    written = {
        side: _reset(tx, standing.partnership_id, side, feed, _Basis(), at=at)
        for side, feed in _feeds(tx, standing.partnership_id).items()
        if feed.basis != _Basis()
    }
    _tell(tx, standing, written, at=at)


def forget_old_changes(tx: Transaction, *, before: datetime, batch: int = 1_000) -> bool:
    """Delete up to ``batch`` changes of a feed that lie before this moment; tell whether there are no more.

    The last of them becomes a reset, so that whoever had not read it reads the list again.
    """
    old = and_(changes.c.occurred_at < before, changes.c.kind != ChangeKind.RESET.value)
    found = tx.execute(select(changes.c.partnership_id, changes.c.side).where(old).limit(1)).one_or_none()
    if found is None:
        return True
    lock_partnership(tx, found.partnership_id)
    seat = _seat(changes, found.partnership_id, Side(found.side))
    bounds = select(func.min(changes.c.number), func.max(changes.c.number).filter(old)).where(seat)
    first, last_old = tx.execute(bounds).one()
    if last_old is not None:
        through = min(last_old, first + batch)
        tx.execute(delete(changes).where(seat, changes.c.number < through))
        reset = {"kind": ChangeKind.RESET.value, **dict.fromkeys(_LISTED_COLUMNS)}
        tx.execute(update(changes).where(seat, changes.c.number == through).values(reset))
    return False


def _record(tx: Transaction, standing: Standing, found: Mapping[Side, Sequence[Change]], *, at: datetime) -> None:
    """Append to the feeds that were begun; a feed that was not begins with the next matching."""
    feeds = _feeds(tx, standing.partnership_id)
    written = {
        side: _append(tx, standing.partnership_id, side, feeds[side], each, at=at)
        for side, each in found.items()
        if each and feeds[side].basis != _Basis()
    }
    _tell(tx, standing, written, at=at)


def _matched_basis(standing: Standing) -> _Basis:
    if not standing.both_applied:
        return _Basis()
    return _basis(standing.effective, standing.live.number)


def _basis(effective: Terms, generation: int) -> _Basis:
    levels = (effective.levels[cell] for cell in CELLS)
    listed = "".join(str(int(level)) if level >= Level.ACCOUNTS else "0" for level in levels)
    return _of_open(listed, int(effective.reveals_from), generation)


def _of_open(levels: str, reveals_from: int, generation: int) -> _Basis:
    """Give the basis, which is always the same where nothing is open."""
    nothing = _Basis()
    return nothing if levels == nothing.levels else _Basis(levels, reveals_from, generation)


def _feeds(tx: Transaction, partnership_id: UUID) -> dict[Side, _Feed]:
    rows = tx.execute(select(change_feeds).where(change_feeds.c.partnership_id == partnership_id))
    known = {
        Side(row.side): _Feed(row.last_number, _Basis(row.levels, row.reveals_from, row.generation)) for row in rows
    }
    return {side: known.get(side, _Feed()) for side in Side}


def _reset(
    tx: Transaction, partnership_id: UUID, side: Side, feed: _Feed, basis: _Basis, *, at: datetime
) -> events.Data:
    """Delete the feed of this side and begin it anew; give where.

    The number is the time: how far the numbers before it went is part of what was told in them.
    """
    number = max(feed.last_number + 1, int(at.timestamp() * _MICROSECONDS))
    tx.execute(delete(changes).where(_seat(changes, partnership_id, side)))
    _insert(tx, partnership_id, side, number, [Change(ChangeKind.RESET)], at=at)
    _keep(tx, partnership_id, side, _Feed(number, basis))
    return {"after": number - 1, "through": number, "reset": True}


def _append(
    tx: Transaction, partnership_id: UUID, side: Side, feed: _Feed, found: Sequence[Change], *, at: datetime
) -> events.Data:
    last = feed.last_number + len(found)
    _insert(tx, partnership_id, side, feed.last_number + 1, found, at=at)
    _keep(tx, partnership_id, side, _Feed(last, feed.basis))
    return {"after": feed.last_number, "through": last, "reset": False}


def _insert(
    tx: Transaction, partnership_id: UUID, side: Side, first: int, found: Iterable[Change], *, at: datetime
) -> None:
    place = {"partnership_id": partnership_id, "side": side.value, "occurred_at": at}
    rows = [
        {**place, "number": number, "kind": change.kind.value, **_columns(change)}
        for number, change in enumerate(found, start=first)
    ]
    tx.execute(insert(changes), rows)


_LISTED_COLUMNS = ("row", "ours", "theirs", "tier", "overlap", "was_ours", "was_theirs", "was_tier")


def _columns(change: Change) -> dict[str, object]:
    now: tuple[object, ...] = (None,) * 4 if change.now is None else tuple(change.now)
    was: tuple[object, ...] = (None,) * 3 if change.was is None else tuple(change.was)[:3]
    return dict(zip(_LISTED_COLUMNS, (change.row, *now, *was), strict=True))


def _keep(tx: Transaction, partnership_id: UUID, side: Side, feed: _Feed) -> None:
    tx.execute(delete(change_feeds).where(_seat(change_feeds, partnership_id, side)))
    tx.execute(
        insert(change_feeds).values(
            partnership_id=partnership_id,
            side=side.value,
            last_number=feed.last_number,
            levels=feed.basis.levels,
            reveals_from=feed.basis.reveals_from,
            generation=feed.basis.generation,
        )
    )


def _tell(tx: Transaction, standing: Standing, written: Mapping[Side, events.Data], *, at: datetime) -> None:
    """Tell each side whose feed goes on, or is begun anew, where; last in a transaction."""
    if not written:
        return
    told = {standing.sides[side].organization_id: data for side, data in written.items()}
    partnership_id = standing.partnership_id
    events.blank_ranges(tx, partnership_id, [each for each, data in told.items() if data["reset"]])
    events.tell(tx, EventType.OVERLAPS_CHANGED, told, partnership_id=partnership_id, now=at)


def _stored(tx: Transaction, partnership_id: UUID, which: ColumnElement[bool]) -> list[Pairing]:
    columns = (matches.c[name] for name in Pairing._fields)
    query = select(*columns).where(matches.c.partnership_id == partnership_id, which)
    return [Pairing._make(row) for row in tx.execute(query)]


def _seat(table: Table, partnership_id: UUID, side: Side) -> ColumnElement[bool]:
    return and_(table.c.partnership_id == partnership_id, table.c.side == side.value)
