"""Reading: the releases there are, and one party's view of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from escrow import audit
from escrow.access import Party
from escrow.errors import NotFound
from escrow.releases.signing import Signed
from escrow.reports.disclosure import Conditions, view
from escrow.reports.matrix import CellCount, CellState, OverlapMatrix
from escrow.standing import AppliedList, conditions_of_row, standing_of
from escrow.store.database import Transaction
from escrow.store.digests import open_submission_digest
from escrow.store.sealing import SealingKey
from escrow.store.tables import release_cells, releases
from escrow.terms import Cell, Level, Population, Side

__all__ = ["ReleaseItem", "ReleasePage", "Report", "releases_of", "report_of"]


@dataclass(frozen=True, slots=True)
class ReleaseItem:
    """A release by number; ``signed`` is None where it was made before releases were signed."""

    number: int
    made_at: datetime
    signed: Signed | None


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """Some releases, newest first; ``next`` is the number to go on below."""

    items: tuple[ReleaseItem, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """One party's view of one release: its own list then, cells as it sees them, and what it was made under.

    ``salts`` open the commitments of the cells that it is shown, ``list_salt`` that of its own list; of no other.
    """

    partnership_id: UUID
    number: int
    made_at: datetime
    our_list: AppliedList
    matrix: OverlapMatrix
    made_under: Conditions
    levels_then: Mapping[Cell, Level]
    signed: Signed | None
    salts: Mapping[Cell, bytes] = field(repr=False)
    list_salt: bytes | None = field(repr=False)
    list_digest: bytes = field(repr=False)


def releases_of(tx: Transaction, party: Party, *, before: int | None, limit: int) -> ReleasePage:
    """List releases, newest first, those below number ``before``."""
    party.must_be_readable()
    query = select(releases).where(releases.c.partnership_id == party.partnership_id)
    if before is not None:
        query = query.where(releases.c.number < before)
    found = tx.execute(query.order_by(releases.c.number.desc()).limit(limit + 1))
    items = tuple(ReleaseItem(row.number, row.made_at, _signed(row)) for row in found)
    return ReleasePage(items[:limit], items[limit - 1].number if len(items) > limit else None)


def report_of(tx: Transaction, party: Party, number: int | None, *, service_key: SealingKey, now: datetime) -> Report:
    """Show a release, by default the latest, as the terms then and now both allow.

    Raises:
        NotFound: there is no such release, or none yet.
    """
    party.must_be_readable()
    release = _release(tx, party.partnership_id, number)
    effective = standing_of(tx, party.partnership_id).effective_for(party.side)
    made_under = conditions_of_row(release)
    made, salts = _stored_cells(tx, party, release.number)
    matrix = view(
        made,
        made_under=made_under,
        levels_now=effective.levels,
        now=Conditions.of(effective),
    )
    audit.record_once(
        tx,
        audit.Action.REPORT_READ,
        trail_id=party.partnership_id,
        caller=party.caller,
        now=now,
        detail={"release": release.number},
    )
    ours = _reported_list(release, party.side)
    return Report(
        partnership_id=party.partnership_id,
        number=release.number,
        made_at=release.made_at,
        our_list=ours,
        matrix=matrix,
        made_under=made_under,
        levels_then={cell: count.level for cell, count in made.items()},
        signed=_signed(release),
        salts={cell: salt for cell, salt in salts.items() if matrix[cell].state is CellState.PUBLIC},
        list_salt=release._mapping[f"{party.side.value}_salt"],
        list_digest=open_submission_digest(
            tx, party.partnership_id, party.side, ours.number, ours.sealed_digest, service_key=service_key
        ),
    )


def _signed(row: Row[Any]) -> Signed | None:
    return None if row.statement is None else Signed(row.statement, row.signature, row.key_id)


def _release(tx: Transaction, partnership_id: UUID, number: int | None) -> Row[Any]:
    query = select(releases).where(releases.c.partnership_id == partnership_id)
    if number is not None:
        query = query.where(releases.c.number == number)
    row = tx.execute(query.order_by(releases.c.number.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotFound("There is no such release: the first is made when both lists are applied and said to be ready.")
    return row


def _stored_cells(tx: Transaction, party: Party, number: int) -> tuple[OverlapMatrix, Mapping[Cell, bytes]]:
    """Read the cells of a release and their salts, as this party sees them."""
    query = select(release_cells).where(
        release_cells.c.partnership_id == party.partnership_id, release_cells.c.number == number
    )
    cells, salts = {}, {}
    for row in tx.execute(query):
        cell = Cell(Population(row.left_population), Population(row.right_population))
        cell = cell if party.side is Side.LEFT else cell.transposed
        cells[cell] = CellCount(Level(row.level), CellState[row.state.upper()], row._mapping[release_cells.c.count])
        if row.salt is not None:
            salts[cell] = row.salt
    return OverlapMatrix(cells), salts


def _reported_list(release: Row[Any], side: Side) -> AppliedList:
    said = release._mapping
    return AppliedList(
        number=said[f"{side.value}_submission"],
        sealed_digest=said[f"{side.value}_digest"],
        applied_at=said[f"{side.value}_applied_at"],
        populations={population: said[f"{side.value}_{population.word}"] for population in Population},
    )
