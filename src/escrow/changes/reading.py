"""Reading: a page of a party's change feed, by the terms of now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, exists, select

from escrow import audit
from escrow.access import Party
from escrow.changes.listing import Change, Listed, as_told
from escrow.psi.match_ids import row_match_id
from escrow.standing import standing_of
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.secrets import open_pepper
from escrow.store.states import ChangeKind
from escrow.store.tables import change_feeds, changes
from escrow.terms import Cell, Level, Side, Terms, Tier

__all__ = ["ChangeItem", "ChangePage", "changes_page", "last_change", "rows_changed_after"]


@dataclass(frozen=True, slots=True)
class ChangeItem:
    """One entry as the reader may read it now: what the row is listed as since, if it is, and the cell it was in.

    ``match_id`` is the reader's name for all that the row overlaps with, to dispute it by.
    """

    number: int
    kind: ChangeKind
    occurred_at: datetime
    row: bytes | None = None
    cell: Cell | None = None
    level: Level | None = None
    tier: Tier | None = None
    overlap: bytes | None = None
    match_id: bytes | None = None
    was: Cell | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some entries in their order; the next page starts after ``next_after``, now or when there is more."""

    items: tuple[ChangeItem, ...]
    next_after: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Reader:
    """By what a party reads: the terms of now as it sees them, and the pepper that names its matches."""

    side: Side
    effective: Terms
    pepper: bytes


def changes_page(
    tx: Transaction, party: Party, *, after: int, limit: int, service_key: SealingKey, now: datetime
) -> ChangePage:
    """Give what changed in the party's list of overlaps after this number; what is read of accounts is audited.

    A feed begins with a reset, so a number from before it reads that first; and so does one that the feed does not
    reach, as after a backup was restored.

    Raises:
        PartnershipNotActive, PartnershipPaused: nothing is read now.
    """
    party.must_be_readable()
    last = last_change(tx, party)
    if after > last:
        return ChangePage((ChangeItem(last, ChangeKind.RESET, now),), last, more=False)
    own = (changes.c.partnership_id == party.partnership_id) & (changes.c.side == party.side.value)
    query = select(changes).where(own, changes.c.number > after).order_by(changes.c.number)
    rows = tx.execute(query.limit(limit + 1)).all()
    items = tuple(_items(tx, party, rows[:limit], service_key))
    if any(item.row is not None for item in items):
        audit.record(tx, audit.Action.CHANGES_READ, trail_id=party.partnership_id, caller=party.caller, now=now)
    more = len(rows) > limit
    return ChangePage(items, rows[limit - 1].number if more else last, more)


def last_change(tx: Transaction, party: Party) -> int:
    """Give the last number of the party's change feed, from which whoever has read the list goes on."""
    own = (change_feeds.c.partnership_id == party.partnership_id) & (change_feeds.c.side == party.side.value)
    return tx.execute(select(change_feeds.c.last_number).where(own)).scalar_one_or_none() or 0


def rows_changed_after(tx: Transaction, party: Party, after: int) -> Select[tuple[bytes]] | None:
    """Give the party's rows of which its change feed says something after this number; None where it begins anew.

    None stands for every row: the feed was begun anew since, or does not reach the number.
    """
    own = (changes.c.partnership_id == party.partnership_id) & (changes.c.side == party.side.value)
    later = own & (changes.c.number > after)
    is_anew = exists().where(later, changes.c.kind == ChangeKind.RESET.value)
    if after > last_change(tx, party) or tx.execute(select(is_anew)).scalar_one():
        return None
    return select(changes.c.row).where(later)


def _items(tx: Transaction, party: Party, rows: Sequence[Row[Any]], service_key: SealingKey) -> list[ChangeItem]:
    if not rows:
        return []
    standing = standing_of(tx, party.partnership_id)
    pepper = open_pepper(tx, party.partnership_id, standing.live.number, service_key=service_key)
    reader = _Reader(party.side, standing.effective_for(party.side), pepper)
    told = ((row, as_told(_change(row), reader.effective)) for row in rows)
    return [_item(row, change, reader) for row, change in told if change is not None]


def _change(row: Row[Any]) -> Change:
    now = None if row.tier is None else Listed(row.ours, row.theirs, row.tier, row.overlap)
    was = None if row.was_tier is None else Listed(row.was_ours, row.was_theirs, row.was_tier, b"")
    return Change(ChangeKind(row.kind), row.row, now, was)


def _item(row: Row[Any], change: Change, reader: _Reader) -> ChangeItem:
    was = None if change.was is None else change.was.cell
    if change.now is None or change.row is None:
        return ChangeItem(row.number, change.kind, row.occurred_at, change.row, was=was)
    cell, tier = change.now.cell, Tier(change.now.tier)
    return ChangeItem(
        number=row.number,
        kind=change.kind,
        occurred_at=row.occurred_at,
        row=change.row,
        cell=cell,
        level=reader.effective.levels[cell],
        tier=tier,
        overlap=change.now.overlap,
        match_id=row_match_id(reader.pepper, reader=reader.side, row=change.row, tier=tier, theirs=cell.theirs),
        was=was,
    )
