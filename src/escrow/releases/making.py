"""Making: when a release is due, what it shows, and how it is written down."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, insert, select

from escrow import audit, noise_ledger
from escrow.access import lock_partnership
from escrow.psi.matching import Band, counts, overlaps, pairs, settle, split_off
from escrow.psi.primary_domains import shared_primary_domains
from escrow.psi.records import ListRecords
from escrow.releases.signing import Salts, Signed, draw_salts, sign_release
from escrow.reports.disclosure import Conditions, ShownBefore, disclose, over_time
from escrow.reports.matrix import CellCount, CellState, OverlapMatrix
from escrow.reports.noise import Spent, affordable_from, draw_noise
from escrow.standing import AppliedList, Standing, columns_of_rule, conditions_of_row, standing_of
from escrow.store.blocks import load_list
from escrow.store.columns import rule_columns
from escrow.store.database import Database, Transaction
from escrow.store.digests import open_submission_digest
from escrow.store.disputed import Pair, disputes_since, pairs_in_dispute
from escrow.store.jobs import enqueue
from escrow.store.release_keys import ReleaseKey, publish
from escrow.store.sealing import SealingKey
from escrow.store.states import EventType, JobType
from escrow.store.tables import release_cells, releases
from escrow.terms import Cell, Level, Population, Side, Terms
from escrow.webhooks import events

__all__ = ["exact_counts", "make_release"]


@dataclass(frozen=True, slots=True)
class _Last:
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
class _Basis:
    """All that decides whether a release is due and what is in it, beside the lists themselves."""

    standing: Standing
    last: _Last | None
    disputed: frozenset[Pair]
    disputed_since: bool
    shown_before: Mapping[Cell, ShownBefore]
    noise_spent: tuple[Spent, ...]


def make_release(
    db: Database,
    partnership_id: UUID,
    *,
    service_key: SealingKey,
    key: ReleaseKey,
    now: datetime,
    random: Callable[[int], bytes] = os.urandom,
    randbelow: Callable[[int], int] = secrets.randbelow,
) -> None:
    """Make the next release if it is due; if it comes to be due later, ask for this job then."""
    with db.snapshot("release: read lists") as tx:
        basis = _basis(tx, partnership_id, now=now)
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
    noise = draw_noise(noise_ledger.cells_with_noise(basis.standing), randbelow=randbelow)
    shown = _shown(*lists, basis=basis, noise=noise)
    matrix = OverlapMatrix({cell: each.count for cell, each in shown.items()})
    with db.transaction("release: write") as tx:
        lock_partnership(tx, partnership_id)
        if noise:
            noise_ledger.lock(tx, basis.standing)
        if _basis(tx, partnership_id, now=now) != basis:
            enqueue(tx, JobType.RELEASE, partnership_id, due_at=now)
            return
        number, previous = (1, None) if basis.last is None else (basis.last.number + 1, basis.last.statement)
        salts = draw_salts(random)
        digests = {
            side: _digest(tx, partnership_id, side, each, service_key) for side, each in basis.standing.applied.items()
        }
        signed = sign_release(
            basis.standing, digests, matrix, salts, number=number, previous=previous, key=key, now=now
        )
        publish(tx, key, now=now)
        if noise:
            noise_ledger.spend(tx, basis.standing, now=now)
        _write(tx, basis.standing, shown, salts, signed, number=number, now=now)
        told: events.Data = {"number": number}
        events.tell_both(tx, EventType.RELEASE_MADE, partnership_id=partnership_id, data=told, now=now)


def _digest(tx: Transaction, partnership_id: UUID, side: Side, applied: AppliedList, service_key: SealingKey) -> bytes:
    stored = applied.sealed_digest
    return open_submission_digest(tx, partnership_id, side, applied.number, stored, service_key=service_key)


def exact_counts(
    left: ListRecords, right: ListRecords, effective: Terms, *, disputed: Collection[Pair] = ()
) -> dict[Cell, int]:
    """Count the overlaps of each shared cell, each band apart; listed cells count only what may be listed.

    Where noise is to be added, the cells at counts count shared primary domains, whatever the weakest tier is.
    Disputed pairs of rows, left and right, make no match.
    """
    levels, (found, _) = effective.levels, split_off(pairs(left, right), disputed)
    standing_matches = settle(found, levels=levels, band=Band.ACCOUNTS)
    listed = counts(
        overlaps(standing_matches, at_least=effective.reveals_from, revealing=True), Band.ACCOUNTS.cells(levels)
    )
    if effective.disclosure.noise:
        return listed | shared_primary_domains(left, right, levels, disputed=disputed)
    counted = overlaps(settle(found, levels=levels, band=Band.COUNTS), at_least=effective.counts_from)
    return listed | counts(counted, Band.COUNTS.cells(levels))


def _basis(tx: Transaction, partnership_id: UUID, *, now: datetime) -> _Basis:
    last = _last(tx, partnership_id)
    since = last is not None and disputes_since(tx, partnership_id, last.made_at)
    standing, disputed = standing_of(tx, partnership_id), pairs_in_dispute(tx, partnership_id)
    shown_before = _shown_before(tx, partnership_id)
    spent = noise_ledger.recently_spent(tx, standing, now=now) if noise_ledger.cells_with_noise(standing) else ()
    return _Basis(standing, last, disputed, since, shown_before, spent)


def _due_at(basis: _Basis, *, now: datetime) -> datetime | None:
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


def _once_affordable(due_at: datetime, basis: _Basis) -> datetime:
    """Put a release with noise off until what it tells can be paid for; a pair may have spent it in another one."""
    return affordable_from(basis.noise_spent, now=due_at) if noise_ledger.cells_with_noise(basis.standing) else due_at


def _has_changed_enough(standing: Standing, last: _Last) -> bool:
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


def _shown(
    left: ListRecords, right: ListRecords, *, basis: _Basis, noise: Mapping[Cell, int]
) -> Mapping[Cell, ShownBefore]:
    """Decide what each cell shows; a population that is empty has nothing to repeat, and is no ground to repeat it."""
    effective, sides = basis.standing.effective, basis.standing.sides
    left_sizes, right_sizes = left.population_sizes, right.population_sizes
    computed = disclose(
        exact_counts(left, right, effective, disputed=basis.disputed),
        levels=effective.levels,
        left_sizes=left_sizes,
        right_sizes=right_sizes,
        rule=effective.disclosure,
        noise=noise,
    )
    ours, theirs = (sides[side].changes.populations for side in Side)
    there = {cell: each for cell, each in basis.shown_before.items() if left_sizes[cell.ours]}
    return over_time(
        computed,
        before={cell: each for cell, each in there.items() if right_sizes[cell.theirs]},
        changes={cell: (ours[cell.ours], theirs[cell.theirs]) for cell in computed},
        now=Conditions.of(effective),
    )


def _write(
    tx: Transaction,
    standing: Standing,
    shown: Mapping[Cell, ShownBefore],
    salts: Salts,
    signed: Signed,
    *,
    number: int,
    now: datetime,
) -> None:
    place = {"partnership_id": standing.partnership_id, "number": number}
    conditions = {
        "generation": standing.live.number,
        "made_at": now,
        "counts_from": int(standing.effective.counts_from),
        "reveals_from": int(standing.effective.reveals_from),
        **columns_of_rule(standing.effective.disclosure),
        "statement": signed.statement,
        "signature": signed.signature,
        "key_id": signed.key_id,
        **{f"{side.value}_salt": salt for side, salt in salts.lists.items()},
    }
    tx.execute(insert(releases).values(place | conditions | _list_columns(standing)))
    empty = {side: _empty(applied) for side, applied in standing.applied.items()}
    cells = []
    for cell, each in shown.items():
        is_there = cell.ours not in empty[Side.LEFT] and cell.theirs not in empty[Side.RIGHT]
        cells.append(place | _cell_columns(cell, each, is_there=is_there) | {"salt": salts.cells[cell]})
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
            "digest": applied.sealed_digest,
            "applied_at": applied.applied_at,
            "accounts": applied.accounts,
            "changes": standing.sides[side].changes.accounts,
            **{population.word: size for population, size in applied.populations.items()},
        }
        columns |= {f"{side.value}_{name}": value for name, value in said.items()}
    return columns


def _empty(applied: AppliedList) -> frozenset[Population]:
    return frozenset(population for population, size in applied.populations.items() if not size)


def _cell_columns(cell: Cell, shown: ShownBefore, *, is_there: bool) -> dict[str, object]:
    count = shown.count
    may_repeat = is_there and count.level is Level.COUNTS
    return {
        "left_population": int(cell.ours),
        "right_population": int(cell.theirs),
        "level": int(count.level),
        "state": count.state.word,
        "count": count.number,
        "left_changes": shown.left if may_repeat else None,
        "right_changes": shown.right if may_repeat else None,
    }


_RELEASE_OF_CELL = and_(
    releases.c.partnership_id == release_cells.c.partnership_id, releases.c.number == release_cells.c.number
)
_CONDITIONS = (releases.c.counts_from, releases.c.reveals_from, *(releases.c[column.name] for column in rule_columns()))


def _shown_before(tx: Transaction, partnership_id: UUID) -> Mapping[Cell, ShownBefore]:
    """Read what each cell showed when it was last at counts, in a release that it may repeat."""
    repeatable = (release_cells.c.partnership_id == partnership_id) & release_cells.c.left_changes.is_not(None)
    place = (release_cells.c.left_population, release_cells.c.right_population)
    latest = select(*place, func.max(release_cells.c.number).label("number")).where(repeatable).group_by(*place)
    last = latest.subquery()
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


def _last(tx: Transaction, partnership_id: UUID) -> _Last | None:
    query = select(releases).where(releases.c.partnership_id == partnership_id)
    row = tx.execute(query.order_by(releases.c.number.desc()).limit(1)).one_or_none()
    return (
        None
        if row is None
        else _Last(
            number=row.number,
            made_at=row.made_at,
            submissions=(row.left_submission, row.right_submission),
            statement=row.statement,
            generation=row.generation,
            changes=(row.left_changes, row.right_changes),
        )
    )
