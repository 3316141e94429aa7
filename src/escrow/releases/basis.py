"""The basis of a release: what stands, what was released before, and whether and when the next one is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select

from escrow import noise_ledger
from escrow.reports.disclosure import ShownBefore
from escrow.reports.matrix import CellCount, CellState
from escrow.reports.noise import Spent, affordable_from
from escrow.standing import Standing, conditions_of_row, standing_of
from escrow.store.columns import rule_columns
from escrow.store.database import Transaction
from escrow.store.disputed import Pair, disputes_since, pairs_in_dispute
from escrow.store.tables import release_cells, releases
from escrow.terms import Cell, Level, Population, Side

__all__ = ["Basis", "Last", "basis_of", "due_at"]


@dataclass(frozen=True, slots=True)
class Last:
    """The release before: its number, when it was made, and the submissions it was made from, left and right.

    ``statement`` is None where it was made before releases were signed: then the next one begins the chain. ``changes``
    are how many each had had by then.
    """

    number: int
    made_at: datetime
    submissions: tuple[int, int]
    statement: bytes | None
    generation: int
    changes: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Basis:
    """All that decides whether a release is due and what is in it, beside the lists themselves."""

    standing: Standing
    last: Last | None
    disputed: frozenset[Pair]
    disputed_since: bool
    shown_before: Mapping[Cell, ShownBefore]
    noise_spent: tuple[Spent, ...]


def basis_of(tx: Transaction, partnership_id: UUID, *, now: datetime) -> Basis:
    """Read what the next release would be made of; two that are equal lead to the same release."""
    last = _last(tx, partnership_id)
    since = last is not None and disputes_since(tx, partnership_id, last.made_at)
    standing, disputed = standing_of(tx, partnership_id), pairs_in_dispute(tx, partnership_id)
    shown_before = _shown_before(tx, partnership_id)
    spent = noise_ledger.recently_spent(tx, standing, now=now) if noise_ledger.cells_with_noise(standing) else ()
    return Basis(standing, last, disputed, since, shown_before, spent)


def due_at(basis: Basis, *, now: datetime) -> datetime | None:
    """Tell when the next release is due, or that nothing calls for one."""
    standing, last = basis.standing, basis.last
    if standing.is_paused or not standing.both_applied:
        return None
    if last is None:
        ready = all(side.ready for side in standing.sides.values())
        # A release of nine hidden cells would only spend the first one.
        return _once_affordable(now, basis) if ready and any(standing.effective.cells_from(Level.COUNTS)) else None
    if _awaits_word(standing) or not (basis.disputed_since or _has_changed_enough(standing, last)):
        return None
    return _once_affordable(last.made_at + standing.effective.disclosure.interval, basis)


def _once_affordable(due_at: datetime, basis: Basis) -> datetime:
    """Put a release with noise off until what it tells can be paid for; a pair may have spent it in another one."""
    return affordable_from(basis.noise_spent, now=due_at) if noise_ledger.cells_with_noise(basis.standing) else due_at


def _has_changed_enough(standing: Standing, last: Last) -> bool:
    """Tell whether one of the lists has changed as much as the terms ask for; what takes a list away is always enough.

    Each is counted by itself. If both were added up, who changes one account after another until a release comes would
    know to the account how many its partner has changed.
    """
    if last.submissions == tuple(standing.applied[side].number for side in Side):
        return False
    rule = standing.effective.disclosure
    is_another = last.generation != standing.live.number
    was_emptied = any(not applied.accounts for applied in standing.applied.values())
    since = (standing.sides[side].changes.accounts - before for side, before in zip(Side, last.changes, strict=True))
    return rule.noise or is_another or was_emptied or max(since) >= rule.least_changes


def _awaits_word(standing: Standing) -> bool:
    """Tell whether a list that came after a withdrawn one has not been said to be right; an empty one needs no word."""
    return any(not standing.sides[side].ready and applied.accounts for side, applied in standing.applied.items())


_RELEASE_OF_CELL = and_(
    releases.c.partnership_id == release_cells.c.partnership_id, releases.c.number == release_cells.c.number
)
_CONDITIONS = (releases.c.counts_from, releases.c.reveals_from, *(releases.c[column.name] for column in rule_columns()))


def _shown_before(tx: Transaction, partnership_id: UUID) -> Mapping[Cell, ShownBefore]:
    """Read what each cell showed when it was last at counts, in a release that it may repeat."""
    of_partnership = release_cells.c.partnership_id == partnership_id
    # A number with noise was drawn for its own release alone, and a state that it had tells nothing of the count.
    repeatable = and_(of_partnership, release_cells.c.left_changes.is_not(None), ~releases.c.noise)
    place = (release_cells.c.left_population, release_cells.c.right_population)
    latest = select(*place, func.max(release_cells.c.number).label("number")).join(releases, _RELEASE_OF_CELL)
    last = latest.where(repeatable).group_by(*place).subquery()
    same = and_(*(last.c[column.name] == column for column in (*place, release_cells.c.number)))
    rows = tx.execute(
        select(release_cells, *_CONDITIONS).join(last, same).join(releases, _RELEASE_OF_CELL).where(repeatable)
    )
    return {
        Cell(Population(row.left_population), Population(row.right_population)): ShownBefore(
            CellCount(Level(row.level), CellState[row.state.upper()], row._mapping[release_cells.c.count]),
            row.left_changes,
            row.right_changes,
            conditions_of_row(row),
        )
        for row in rows
    }


def _last(tx: Transaction, partnership_id: UUID) -> Last | None:
    query = select(releases).where(releases.c.partnership_id == partnership_id)
    row = tx.execute(query.order_by(releases.c.number.desc()).limit(1)).one_or_none()
    return (
        None
        if row is None
        else Last(
            number=row.number,
            made_at=row.made_at,
            submissions=(row.left_submission, row.right_submission),
            statement=row.statement,
            generation=row.generation,
            changes=(row.left_changes, row.right_changes),
        )
    )
