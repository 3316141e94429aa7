"""Overlaps as one party reads them: its own rows that are on both lists, in cells open at accounts or above now.

What is told of a row is the strongest cell of its own matches, never that of the group it belongs to. Stored matches
that the terms have come to forbid since they were made are not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Row, and_, false, func, or_, select

from escrow import audit
from escrow.access import Party
from escrow.psi.match_ids import row_match_id
from escrow.standing import standing_of
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.secrets import open_pepper
from escrow.store.tables import matches
from escrow.terms import Cell, Level, Population, Side, Terms, Tier

__all__ = ["OverlapPage", "OverlappingRow", "SeatColumns", "open_matches", "overlaps_page", "seen_from"]


@dataclass(frozen=True, slots=True)
class OverlappingRow:
    """One of the reader's rows: the overlap it belongs to, its tier, and the cell as the reader sees it.

    ``match_id`` is the reader's name for all that the row overlaps with, to dispute it by.
    """

    row: bytes
    match_id: bytes
    overlap: bytes
    tier: Tier
    cell: Cell
    level: Level


@dataclass(frozen=True, slots=True)
class OverlapPage:
    """Some rows in row order; ``next`` is the row to go on after."""

    items: tuple[OverlappingRow, ...]
    next: bytes | None


@dataclass(frozen=True, slots=True)
class SeatColumns:
    """The columns of ``matches`` as one seat sees them."""

    row: Column[bytes]
    their_row: Column[bytes]
    population: Column[int]
    their_population: Column[int]


def seen_from(side: Side) -> SeatColumns:
    """Name the columns of ``matches`` from this seat."""
    left = SeatColumns(matches.c.left_row, matches.c.right_row, matches.c.left_population, matches.c.right_population)
    if side is Side.LEFT:
        return left
    return SeatColumns(left.their_row, left.row, left.their_population, left.population)


def overlaps_page(
    tx: Transaction,
    party: Party,
    *,
    after: bytes | None,
    limit: int,
    ours: Population | None = None,
    theirs: Population | None = None,
    service_key: SealingKey,
    now: datetime,
) -> OverlapPage:
    """Give the party's own overlapping rows, in one population of either side if asked; the reading is audited."""
    party.must_be_readable()
    standing = standing_of(tx, party.partnership_id)
    effective = standing.effective_for(party.side)
    seat = seen_from(party.side)
    told = open_matches(party.partnership_id, party.side, effective, level=Level.ACCOUNTS)
    strongest = func.min(seat.their_population)
    query = (
        select(
            seat.row.label("row"),
            seat.population.label("population"),
            strongest.label("their_population"),
            matches.c.overlap,
            func.min(matches.c.tier).label("tier"),
        )
        .where(told, seat.row > (after or b""))
        .group_by(seat.row, seat.population, matches.c.overlap)
        .order_by(seat.row)
        .limit(limit + 1)
    )
    if ours is not None:
        query = query.where(seat.population == int(ours))
    if theirs is not None:
        query = query.having(strongest == int(theirs))
    pepper = open_pepper(tx, party.partnership_id, standing.live.number, service_key=service_key)
    items = tuple(_shown(found, party.side, effective, pepper) for found in tx.execute(query))
    page = OverlapPage(items[:limit], items[limit - 1].row if len(items) > limit else None)
    audit.record(tx, audit.Action.OVERLAPS_READ, trail_id=party.partnership_id, caller=party.caller, now=now)
    return page


def open_matches(partnership_id: UUID, side: Side, effective: Terms, *, level: Level) -> ColumnElement[bool]:
    """Say which stored matches may be read at this level; ``effective`` is what both allow now, seen from ``side``."""
    seat = seen_from(side)
    cells = (
        and_(seat.population == int(cell.ours), seat.their_population == int(cell.theirs))
        for cell in effective.cells_from(level)
    )
    return and_(
        matches.c.partnership_id == partnership_id,
        matches.c.tier <= int(effective.reveals_from),
        or_(false(), *cells),
    )


def _shown(found: Row[Any], side: Side, effective: Terms, pepper: bytes) -> OverlappingRow:
    cell, tier = Cell(Population(found.population), Population(found.their_population)), Tier(found.tier)
    match_id = row_match_id(pepper, reader=side, row=found.row, tier=tier, theirs=cell.theirs)
    return OverlappingRow(found.row, match_id, found.overlap, tier, cell, effective.levels[cell])
