"""Matching: which accounts of the two lists meet in cells open at accounts or above, stored row by row.

A partnership that shares counts only stores no matches. The result is computed outside of the write transaction and
written as a difference, if the partnership still stands where it stood. Doing it twice changes nothing.

A generation that both lists have filled is matched first and goes live in the transaction that writes its matches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from escrow import audit, changes
from escrow.access import lock_partnership
from escrow.changes import Change
from escrow.partnerships import switch
from escrow.psi.matching import Band, Matches, Overlaps, connecting_tokens, overlaps, pairs, settle, split_off
from escrow.psi.pepper import stored_index
from escrow.standing import Standing, building_standing, standing_of
from escrow.store.blocks import load_list
from escrow.store.bulk import delete_rows, put_rows
from escrow.store.database import Database, Transaction
from escrow.store.disputed import Found, Pair, note_found, pairs_in_dispute
from escrow.store.jobs import enqueue
from escrow.store.sealing import SealingKey
from escrow.store.secrets import open_pepper
from escrow.store.states import ChangeKind, EventType, GenerationState, JobType
from escrow.store.tables import envelopes, matches
from escrow.terms import Cell, Level, Population, Side
from escrow.webhooks import events

__all__ = ["match_lists"]


class _Match(NamedTuple):
    """What is stored of a match beside its two rows, in the order of the columns."""

    tier: int
    overlap: bytes
    left_population: int
    right_population: int
    token: bytes

    def of(self, pair: Pair) -> changes.Pairing:
        """Give it with its two rows, as lists of overlaps are made of it."""
        return changes.Pairing(*pair, self.tier, self.overlap, self.left_population, self.right_population)

    @property
    def cell(self) -> Cell:
        """Its own cell, seen from the left."""
        return Cell(Population(self.left_population), Population(self.right_population))

    @property
    def connection(self) -> tuple[int, int, bytes]:
        """What an envelope depends on."""
        return self.left_population, self.right_population, self.token


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The stored matches and those that ought to be, for one standing and the disputes then."""

    standing: Standing
    disputed: frozenset[Pair]
    before: Mapping[Pair, _Match]
    now: Mapping[Pair, _Match] = field(default_factory=dict)
    taken_out: Mapping[Pair, Found] = field(default_factory=dict)

    @property
    def fresh(self) -> dict[Pair, _Match]:
        """Matches to write."""
        return {pair: match for pair, match in self.now.items() if self.before.get(pair) != match}

    def changes_for(self, side: Side, *, most: int) -> list[Change] | None:
        """Tell what this side reads otherwise than before; None where more than ``most`` rows alone came and went."""
        seat = 0 if side is Side.LEFT else 1
        rows_before, rows_now = ({pair[seat] for pair in stored} for stored in (self.before, self.now))
        if len(rows_before ^ rows_now) > most:
            return None
        rows = {pair[seat] for pair in self.fresh} | {pair[seat] for pair in self.before.keys() - self.now.keys()}
        before, now = (
            changes.seen_by(side, (match.of(pair) for pair, match in stored.items() if pair[seat] in rows))
            for stored in (self.before, self.now)
        )
        return changes.differences(before, now)

    def details_lost(self, side: Side, sealed: Collection[bytes]) -> dict[bytes, changes.Listed]:
        """Name the rows of this side that lose details, of what the partner ``sealed``, as they are listed now.

        Its list may say the same of them as before: another match of the row stays. Where that is in no cell at
        details, a row is named as it was in the one where it lost them: nobody is told of details elsewhere.
        """
        if not sealed:
            return {}
        own, theirs = (0, 1) if side is Side.LEFT else (1, 0)
        lost = {pair for pair in self.before.keys() - self.now.keys() if pair[theirs] in sealed}
        moved = {pair for pair in self.before.keys() & self.fresh.keys() if pair[theirs] in sealed}
        lost |= {pair for pair in moved if _connects_anew(self.now[pair], self.before[pair])}
        levels = self.standing.effective.levels
        told = ((pair, self.before[pair]) for pair in lost)
        was = changes.seen_by(side, (match.of(pair) for pair, match in told if levels[match.cell] is Level.DETAILS))
        now = changes.seen_by(side, (match.of(pair) for pair, match in self.now.items() if pair[own] in was))
        seen = self.standing.effective if side is Side.LEFT else self.standing.effective.transposed
        listed = {row: each for row, each in now.items() if seen.levels[each.cell] is Level.DETAILS}
        return was | listed

    def unwrapped(self, side: Side) -> set[bytes]:
        """Rows whose envelope may lack a wrap for one of its matches, or has no match any more."""
        seat = 0 if side is Side.LEFT else 1
        kept = {pair[seat] for pair in self.now}
        lost = {pair[seat] for pair in self.before} - kept
        return lost | {pair[seat] for pair, match in self.fresh.items() if _connects_anew(match, self.before.get(pair))}


def match_lists(
    db: Database,
    partnership_id: UUID,
    *,
    service_key: SealingKey,
    most_changes: int = changes.MOST_CHANGES,
    now: datetime,
) -> None:
    """Bring the stored matches to what the applied lists and the terms of both sides say; in a pause, leave them be.

    What each side then reads otherwise goes into its change feed; more than ``most_changes`` at once begin it anew.
    """
    with db.snapshot("match: read lists") as tx:
        standing = _due(tx, partnership_id)
        if standing.is_paused:
            return
        before = _Outcome(standing, pairs_in_dispute(tx, partnership_id), _stored(tx, partnership_id))
        outcome = _found(tx, before, service_key)
    found = {side: outcome.changes_for(side, most=most_changes) for side in Side}
    with db.transaction("match: write matches") as tx:
        _commit(tx, outcome, found, most_changes, now)


def _due(tx: Transaction, partnership_id: UUID) -> Standing:
    """Tell what is to be compared: the lists of a generation that is complete and waits to be live, or the live ones.

    Lists of two generations are never compared: a standing is of one.
    """
    building = building_standing(tx, partnership_id)
    return building if building is not None and building.both_applied else standing_of(tx, partnership_id)


def _found(tx: Transaction, before: _Outcome, service_key: SealingKey) -> _Outcome:
    """Compare the lists, and add what ought to be."""
    standing = before.standing
    if not standing.both_applied or standing.generation is None:
        return before
    effective = standing.effective
    if not any(effective.cells_from(Level.ACCOUNTS)):
        return before
    generation = standing.generation.number
    left, right = (load_list(tx, standing.partnership_id, generation, side) for side in Side)
    undisputed, disputed = split_off(pairs(left, right), before.disputed)
    standing_matches = settle(undisputed, levels=effective.levels, band=Band.ACCOUNTS)
    found = overlaps(standing_matches, at_least=effective.reveals_from, revealing=True)
    pepper = open_pepper(tx, standing.partnership_id, generation, service_key=service_key)
    return replace(before, now=dict(_told(found, pepper)), taken_out=dict(_taken_out(disputed)))


def _taken_out(disputed: Matches) -> Iterable[tuple[Pair, Found]]:
    """Tell what disputed pairs would be, of those that could name an account (rule 10)."""
    named = disputed.where(disputed.unique)
    columns = (named.tiers, named.left_populations, named.right_populations)
    rows = zip(_packed_rows(named.left_rows), _packed_rows(named.right_rows), strict=True)
    return zip(rows, zip(*(column.tolist() for column in columns), strict=True), strict=True)


def _told(found: Overlaps, pepper: bytes) -> Iterable[tuple[Pair, _Match]]:
    told = found.matches
    columns = (
        told.tiers.tolist(),
        _overlap_names(found, pepper),
        told.left_populations.tolist(),
        told.right_populations.tolist(),
        _cut(connecting_tokens(told)["token"].tobytes(), 16),
    )
    rows = zip(_packed_rows(told.left_rows), _packed_rows(told.right_rows), strict=True)
    return zip(rows, map(_Match, *columns), strict=True)


def _overlap_names(found: Overlaps, pepper: bytes) -> Iterable[bytes]:
    """Name each overlap opaquely after its lowest left row, which is the partner's secret where the reader is right."""
    _, first = np.unique(found.group, return_index=True)
    rows = found.matches.left_rows[first].astype(">u8")
    blocks = np.zeros((rows.size, 2), ">u8")
    blocks[:, 1] = rows
    names = [block[:8] for block in _cut(stored_index(pepper, blocks.tobytes()), 16)]
    return [names[group] for group in found.group.tolist()]


def _commit(
    tx: Transaction, outcome: _Outcome, found: Mapping[Side, Sequence[Change] | None], most_changes: int, now: datetime
) -> None:
    partnership_id = outcome.standing.partnership_id
    lock_partnership(tx, partnership_id)
    if (_due(tx, partnership_id), pairs_in_dispute(tx, partnership_id)) != (outcome.standing, outcome.disputed):
        enqueue(tx, JobType.MATCH, partnership_id, due_at=now)
        return
    generation = outcome.standing.generation
    is_new = generation is not None and generation.state is GenerationState.BUILDING
    if is_new:
        switch(tx, partnership_id, now=now)
    sealed = _sealed(tx, partnership_id)
    _write(tx, outcome, sealed)
    if outcome.standing.both_applied:
        audit.record(tx, audit.Action.MATCHED, trail_id=partnership_id, caller=None, now=now)
        enqueue(tx, JobType.RELEASE, partnership_id, due_at=now)
    # Feeds are shared with other partnerships: they are locked last, and for as short as can be.
    if is_new:
        told: events.Data = {"generation": outcome.standing.live.number}
        events.tell_both(tx, EventType.GENERATION_LIVE, partnership_id=partnership_id, data=told, now=now)
    lost = {side: outcome.details_lost(side, sealed[side.other]) for side in Side}
    told_of = {side: _with_details(listed, lost[side]) for side, listed in found.items()}
    changes.record_matched(tx, outcome.standing, told_of, most=most_changes, at=now)


def _sealed(tx: Transaction, partnership_id: UUID) -> Mapping[Side, set[bytes]]:
    """Name the rows of either side that have an envelope."""
    rows: dict[Side, set[bytes]] = {side: set() for side in Side}
    of_both = select(envelopes.c.side, envelopes.c.row).where(envelopes.c.partnership_id == partnership_id)
    for side, row in tx.execute(of_both):
        rows[Side(side)].add(row)
    return rows


def _with_details(listed: Sequence[Change] | None, lost: changes.Rows) -> Sequence[Change] | None:
    """Add that details are to be fetched anew for rows of which nothing else is told; in the order of rows, as all."""
    if listed is None or not lost:
        return listed
    told = {change.row for change in listed}
    anew = [Change(ChangeKind.DETAILS, row, now=was) for row, was in lost.items() if row not in told]
    return sorted([*listed, *anew], key=lambda change: change.row or b"")


def _write(tx: Transaction, outcome: _Outcome, sealed: Mapping[Side, set[bytes]]) -> None:
    partnership_id = outcome.standing.partnership_id
    note_found(tx, partnership_id, outcome.taken_out)
    delete_rows(tx, matches, partnership_id, outcome.before.keys() - outcome.now.keys())
    put_rows(tx, matches, partnership_id, [(*pair, *match) for pair, match in outcome.fresh.items()])
    for side in Side:
        dropped = outcome.unwrapped(side) & sealed[side]
        delete_rows(tx, envelopes, partnership_id, [(side.value, row) for row in dropped])


def _stored(tx: Transaction, partnership_id: UUID) -> Mapping[Pair, _Match]:
    columns = (
        matches.c.tier,
        matches.c.overlap,
        matches.c.left_population,
        matches.c.right_population,
        matches.c.token,
    )
    query = select(matches.c.left_row, matches.c.right_row, *columns).where(matches.c.partnership_id == partnership_id)
    return {(row[0], row[1]): _Match(*row[2:]) for row in tx.execute(query)}


def _connects_anew(match: _Match, before: _Match | None) -> bool:
    return before is None or before.connection != match.connection


def _packed_rows(rows: npt.NDArray[np.uint64]) -> list[bytes]:
    return _cut(rows.astype(">u8").tobytes(), 8)


def _cut(packed: bytes, size: int) -> list[bytes]:
    return [packed[start : start + size] for start in range(0, len(packed), size)]
