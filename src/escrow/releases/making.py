"""Making: when a release is due, what it shows, and how it is written down."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select

from escrow import audit
from escrow.access import lock_partnership
from escrow.psi.matching import Band, counts, overlaps, pairs, settle, split_off
from escrow.psi.records import ListRecords
from escrow.releases.signing import Salts, Signed, draw_salts, sign_release
from escrow.reports.disclosure import disclose
from escrow.reports.matrix import CellCount, OverlapMatrix
from escrow.standing import AppliedList, Standing, columns_of_rule, standing_of
from escrow.store.blocks import load_list
from escrow.store.database import Database, Transaction
from escrow.store.digests import open_submission_digest
from escrow.store.disputed import Pair, disputes_since, pairs_in_dispute
from escrow.store.jobs import enqueue
from escrow.store.release_keys import ReleaseKey, publish
from escrow.store.sealing import SealingKey
from escrow.store.states import JobType
from escrow.store.tables import release_cells, releases
from escrow.terms import Cell, Level, Side, Terms

__all__ = ["exact_counts", "make_release"]


@dataclass(frozen=True, slots=True)
class _Last:
    """The release before: its number, when it was made, and the submissions it was made from, left and right.

    ``statement`` is None where it was made before releases were signed: then the next one begins the chain.
    """

    number: int
    made_at: datetime
    submissions: tuple[int, int]
    statement: bytes | None


@dataclass(frozen=True, slots=True)
class _Basis:
    """All that decides whether a release is due and what is in it, beside the lists themselves."""

    standing: Standing
    last: _Last | None
    disputed: frozenset[Pair]
    disputed_since: bool


def make_release(
    db: Database,
    partnership_id: UUID,
    *,
    service_key: SealingKey,
    key: ReleaseKey,
    now: datetime,
    random: Callable[[int], bytes] = os.urandom,
) -> None:
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
        number, previous = (1, None) if basis.last is None else (basis.last.number + 1, basis.last.statement)
        salts = draw_salts(random)
        digests = {
            side: _digest(tx, partnership_id, side, each, service_key) for side, each in basis.standing.applied.items()
        }
        signed = sign_release(
            basis.standing, digests, matrix, salts, number=number, previous=previous, key=key, now=now
        )
        publish(tx, key, now=now)
        _write(tx, basis.standing, matrix, salts, signed, number=number, now=now)


def _digest(tx: Transaction, partnership_id: UUID, side: Side, applied: AppliedList, service_key: SealingKey) -> bytes:
    stored = applied.sealed_digest
    return open_submission_digest(tx, partnership_id, side, applied.number, stored, service_key=service_key)


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


def _write(
    tx: Transaction,
    standing: Standing,
    matrix: OverlapMatrix,
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
    cells = [place | _cell_columns(cell, count) | {"salt": salts.cells[cell]} for cell, count in matrix.items()]
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
        )
    )
