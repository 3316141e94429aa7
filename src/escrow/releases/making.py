"""Making: what the next release shows, and all that is done in the one transaction that makes it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from uuid import UUID

from escrow import noise_ledger
from escrow.access import lock_partnership
from escrow.psi.matching import Band, counts, overlaps, pairs, settle, split_off
from escrow.psi.primary_domains import shared_primary_domains
from escrow.psi.records import ListRecords
from escrow.releases.basis import Basis, basis_of, due_at
from escrow.releases.signing import draw_salts, sign_release
from escrow.releases.writing import write_release
from escrow.reports.disclosure import Conditions, ShownBefore, disclose, over_time
from escrow.reports.matrix import OverlapMatrix
from escrow.reports.noise import draw_noise
from escrow.store.blocks import load_list
from escrow.store.database import Database, Transaction
from escrow.store.digests import open_submission_digest
from escrow.store.disputed import Pair
from escrow.store.jobs import enqueue
from escrow.store.release_keys import ReleaseKey, publish
from escrow.store.sealing import SealingKey
from escrow.store.states import EventType, JobType
from escrow.terms import Cell, Side, Terms
from escrow.webhooks import events

__all__ = ["exact_counts", "make_release"]


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
        basis = basis_of(tx, partnership_id, now=now)
        due = due_at(basis, now=now)
        if due is None:
            return
        generation = basis.standing.live.number
        lists = [load_list(tx, partnership_id, generation, side) for side in Side] if due <= now else []
    if not lists:
        with db.transaction("release: wait until it is due") as tx:
            lock_partnership(tx, partnership_id)
            enqueue(tx, JobType.RELEASE, partnership_id, due_at=due)
        return
    noise = draw_noise(noise_ledger.cells_with_noise(basis.standing), randbelow=randbelow)
    shown = _shown(*lists, basis=basis, noise=noise)
    with db.transaction("release: write") as tx:
        lock_partnership(tx, partnership_id)
        if noise:
            noise_ledger.lock(tx, basis.standing)
        if basis_of(tx, partnership_id, now=now) != basis:
            enqueue(tx, JobType.RELEASE, partnership_id, due_at=now)
            return
        _release(tx, basis, shown, service_key=service_key, key=key, random=random, now=now)
        if noise:
            noise_ledger.spend(tx, basis.standing, now=now)


def _release(
    tx: Transaction,
    basis: Basis,
    shown: Mapping[Cell, ShownBefore],
    *,
    service_key: SealingKey,
    key: ReleaseKey,
    random: Callable[[int], bytes],
    now: datetime,
) -> None:
    """Sign what is shown, write it down, and tell both sides that it is there."""
    standing, partnership_id = basis.standing, basis.standing.partnership_id
    number, previous = (1, None) if basis.last is None else (basis.last.number + 1, basis.last.statement)
    digests = {
        side: open_submission_digest(
            tx, partnership_id, side, applied.number, applied.sealed_digest, service_key=service_key
        )
        for side, applied in standing.applied.items()
    }
    matrix, salts = OverlapMatrix({cell: each.count for cell, each in shown.items()}), draw_salts(random)
    signed = sign_release(standing, digests, matrix, salts, number=number, previous=previous, key=key, now=now)
    publish(tx, key, now=now)
    write_release(tx, standing, shown, salts, signed, number=number, now=now)
    told: events.Data = {"number": number}
    events.tell_both(tx, EventType.RELEASE_MADE, partnership_id=partnership_id, data=told, now=now)


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


def _shown(
    left: ListRecords, right: ListRecords, *, basis: Basis, noise: Mapping[Cell, int]
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
