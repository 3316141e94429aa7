"""Releases: the overlap matrix computed once, stored, and the same for both sides; reports are views of it.

The first release is made when both parties are ready; from then on at most one per interval, and only when a list or a
dispute has changed. A change of terms starts none. Reading never computes: a view opens a cell if the terms then and
now allow it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from escrow import audit
from escrow.access import Party, lock_partnership
from escrow.errors import NotFound
from escrow.psi.matching import Band, counts, overlaps, pairs, settle, split_off
from escrow.psi.records import ListRecords
from escrow.reports.disclosure import Conditions, disclose, view
from escrow.reports.matrix import CellCount, CellState, OverlapMatrix
from escrow.standing import AppliedList, Standing, columns_of_rule, rule_of_row, standing_of
from escrow.store.blocks import load_list
from escrow.store.database import Database, Transaction
from escrow.store.disputed import Pair, disputes_since, pairs_in_dispute
from escrow.store.jobs import enqueue
from escrow.store.states import JobType
from escrow.store.tables import release_cells, releases
from escrow.terms import Cell, Level, Population, Side, Terms, Tier

__all__ = [
    "ReleaseItem",
    "ReleasePage",
    "Report",
    "exact_counts",
    "make_release",
    "releases_of",
    "report_of",
]


@dataclass(frozen=True, slots=True)
class ReleaseItem:
    """A release by number."""

    number: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """Some releases, newest first; ``next`` is the number to go on below."""

    items: tuple[ReleaseItem, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """One party's view of one release: its own list then, cells as it sees them, and what it was made under."""

    partnership_id: UUID
    number: int
    made_at: datetime
    our_list: AppliedList
    matrix: OverlapMatrix
    made_under: Conditions


@dataclass(frozen=True, slots=True)
class _Last:
    """The release before: its number, when it was made, and the submissions it was made from, left and right."""

    number: int
    made_at: datetime
    submissions: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Basis:
    """All that decides whether a release is due and what is in it, beside the lists themselves."""

    standing: Standing
    last: _Last | None
    disputed: frozenset[Pair]
    disputed_since: bool


def make_release(db: Database, partnership_id: UUID, *, now: datetime) -> None:
    """Make the next release if it is due; if it comes to be due later, ask for this job then."""
    with db.snapshot("release: read lists") as tx:
        basis = _basis(tx, partnership_id)
        due_at = _due_at(basis, now=now)
        if due_at is None:
            return
        generation = basis.standing.live.number
        lists = [load_list(tx, partnership_id, generation, side) for side in Side] if due_at <= now else []
    if not lists:
        with db.transaction("release: wait until it is due") as tx:
            lock_partnership(tx, partnership_id)
            enqueue(tx, JobType.RELEASE, partnership_id, due_at=due_at)
        return
    matrix = _disclosed(*lists, basis=basis)
    with db.transaction("release: write") as tx:
        lock_partnership(tx, partnership_id)
        if _basis(tx, partnership_id) != basis:
            enqueue(tx, JobType.RELEASE, partnership_id, due_at=now)
            return
        number = 1 if basis.last is None else basis.last.number + 1
        _write(tx, basis.standing, matrix, number=number, now=now)


def releases_of(tx: Transaction, party: Party, *, before: int | None, limit: int) -> ReleasePage:
    """List releases, newest first, those below number ``before``."""
    party.must_be_readable()
    query = select(releases.c.number, releases.c.made_at).where(releases.c.partnership_id == party.partnership_id)
    if before is not None:
        query = query.where(releases.c.number < before)
    found = tx.execute(query.order_by(releases.c.number.desc()).limit(limit + 1))
    items = tuple(ReleaseItem(row.number, row.made_at) for row in found)
    return ReleasePage(items[:limit], items[limit - 1].number if len(items) > limit else None)


def report_of(tx: Transaction, party: Party, number: int | None, *, now: datetime) -> Report:
    """Show a release, by default the latest, as the terms then and now both allow.

    Raises:
        NotFound: there is no such release, or none yet.
    """
    party.must_be_readable()
    release = _release(tx, party.partnership_id, number)
    effective = standing_of(tx, party.partnership_id).effective_for(party.side)
    made_under = Conditions(rule_of_row(release), Tier(release.counts_from), Tier(release.reveals_from))
    made = _stored_matrix(tx, party.partnership_id, release.number)
    matrix = view(
        made if party.side is Side.LEFT else made.transposed,
        made_under=made_under,
        levels_now=effective.levels,
        now=Conditions(effective.disclosure, effective.counts_from, effective.reveals_from),
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
    return Report(party.partnership_id, release.number, release.made_at, ours, matrix, made_under)


def exact_counts(
    left: ListRecords, right: ListRecords, effective: Terms, *, disputed: Collection[Pair] = ()
) -> dict[Cell, int]:
    """Count the overlaps of each shared cell, each band apart; listed cells count only what may be listed.

    Disputed pairs of rows, left and right, make no match.
    """
    levels, (found, _) = effective.levels, split_off(pairs(left, right), disputed)
    counted = overlaps(settle(found, levels=levels, band=Band.COUNTS), at_least=effective.counts_from)
    standing_matches = settle(found, levels=levels, band=Band.ACCOUNTS)
    listed = overlaps(standing_matches, at_least=effective.reveals_from, revealing=True)
    return counts(counted, Band.COUNTS.cells(levels)) | counts(listed, Band.ACCOUNTS.cells(levels))


def _basis(tx: Transaction, partnership_id: UUID) -> _Basis:
    last = _last(tx, partnership_id)
    since = last is not None and disputes_since(tx, partnership_id, last.made_at)
    return _Basis(standing_of(tx, partnership_id), last, pairs_in_dispute(tx, partnership_id), since)


def _due_at(basis: _Basis, *, now: datetime) -> datetime | None:
    """Tell when the next release is due, or that nothing calls for one."""
    standing, last = basis.standing, basis.last
    if standing.is_paused or not standing.both_applied:
        return None
    if last is None:
        ready = all(side.ready for side in standing.sides.values())
        # A release of nine hidden cells would only spend the first one.
        return now if ready and any(standing.effective.cells_from(Level.COUNTS)) else None
    changed = basis.disputed_since or last.submissions != tuple(standing.applied[side].number for side in Side)
    return last.made_at + standing.effective.disclosure.interval if changed and not _awaits_word(standing) else None


def _awaits_word(standing: Standing) -> bool:
    """Tell whether a list that came after a withdrawn one has not been said to be right; an empty one needs no word."""
    return any(not standing.sides[side].ready and applied.accounts for side, applied in standing.applied.items())


def _disclosed(left: ListRecords, right: ListRecords, *, basis: _Basis) -> OverlapMatrix:
    effective = basis.standing.effective
    return disclose(
        exact_counts(left, right, effective, disputed=basis.disputed),
        levels=effective.levels,
        left_sizes=left.population_sizes,
        right_sizes=right.population_sizes,
        rule=effective.disclosure,
    )


def _write(tx: Transaction, standing: Standing, matrix: OverlapMatrix, *, number: int, now: datetime) -> None:
    place = {"partnership_id": standing.partnership_id, "number": number}
    conditions = {
        "generation": standing.live.number,
        "made_at": now,
        "counts_from": int(standing.effective.counts_from),
        "reveals_from": int(standing.effective.reveals_from),
        **columns_of_rule(standing.effective.disclosure),
    }
    tx.execute(insert(releases).values(place | conditions | _list_columns(standing)))
    cells = [place | _cell_columns(cell, count) for cell, count in matrix.items()]
    tx.execute(insert(release_cells), cells)
    detail = {"release": number}
    trail_id = standing.partnership_id
    audit.record(tx, audit.Action.RELEASED, trail_id=trail_id, caller=None, now=now, detail=detail)


def _list_columns(standing: Standing) -> dict[str, object]:
    columns: dict[str, object] = {}
    for side, applied in standing.applied.items():
        said = {
            "terms_number": standing.sides[side].terms_number,
            "submission": applied.number,
            "digest": applied.digest,
            "applied_at": applied.applied_at,
            "accounts": applied.accounts,
            **{population.word: size for population, size in applied.populations.items()},
        }
        columns |= {f"{side.value}_{name}": value for name, value in said.items()}
    return columns


def _cell_columns(cell: Cell, count: CellCount) -> dict[str, object]:
    return {
        "left_population": int(cell.ours),
        "right_population": int(cell.theirs),
        "level": int(count.level),
        "state": count.state.word,
        "count": count.number,
    }


def _last(tx: Transaction, partnership_id: UUID) -> _Last | None:
    columns = (releases.c.number, releases.c.made_at, releases.c.left_submission, releases.c.right_submission)
    query = select(*columns).where(releases.c.partnership_id == partnership_id)
    row = tx.execute(query.order_by(releases.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _Last(row.number, row.made_at, (row.left_submission, row.right_submission))


def _release(tx: Transaction, partnership_id: UUID, number: int | None) -> Row[Any]:
    query = select(releases).where(releases.c.partnership_id == partnership_id)
    if number is not None:
        query = query.where(releases.c.number == number)
    row = tx.execute(query.order_by(releases.c.number.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotFound("There is no such release: the first is made when both lists are applied and said to be ready.")
    return row


def _stored_matrix(tx: Transaction, partnership_id: UUID, number: int) -> OverlapMatrix:
    query = select(release_cells).where(
        release_cells.c.partnership_id == partnership_id, release_cells.c.number == number
    )
    return OverlapMatrix(
        {
            Cell(Population(row.left_population), Population(row.right_population)): CellCount(
                Level(row.level), CellState[row.state.upper()], row._mapping[release_cells.c.count]
            )
            for row in tx.execute(query)
        }
    )


def _reported_list(release: Row[Any], side: Side) -> AppliedList:
    said = release._mapping
    return AppliedList(
        number=said[f"{side.value}_submission"],
        digest=said[f"{side.value}_digest"],
        applied_at=said[f"{side.value}_applied_at"],
        populations={population: said[f"{side.value}_{population.word}"] for population in Population},
    )
