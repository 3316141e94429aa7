"""Disputes: a match that is wrong drops out for both sides, until who disputed it withdraws.

A party disputes what it is told, by its own row and the match id beside it: all that a row overlaps with as the list
of overlaps has it, or the one match whose details it is served. Everything else is the same NotFound, so that disputes
are no oracle. Overlaps and details go in the transaction that disputes; counts follow with the next release. Pairs of
rows are what is remembered: a dispute outlives a generation, and another account that matches later is not disputed.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, false, func, insert, or_, select, update

from escrow import audit, changes
from escrow.access import Party, not_found
from escrow.counts import counted
from escrow.errors import DisputesTooMany
from escrow.overlaps import open_matches, seen_from
from escrow.psi.match_ids import pair_match_id, row_match_id
from escrow.standing import Standing, standing_of
from escrow.store.bulk import put_rows
from escrow.store.database import Transaction
from escrow.store.disputed import is_open, of_dispute
from escrow.store.groups import forget_matches
from escrow.store.jobs import enqueue
from escrow.store.sealing import SealingKey
from escrow.store.secrets import open_pepper
from escrow.store.states import DisputeReason, JobType
from escrow.store.tables import disputed_pairs, disputes, envelopes, matches
from escrow.terms import Level, Population, Side, Terms, Tier

__all__ = [
    "Dispute",
    "DisputePage",
    "DisputedRowPage",
    "NamedMatch",
    "dispute",
    "disputed_rows",
    "disputes_of",
    "withdraw",
]


@dataclass(frozen=True, slots=True)
class NamedMatch:
    """What a party says is wrong, as it was told of it."""

    row: bytes
    match_id: bytes


@dataclass(frozen=True, slots=True)
class Dispute:
    """One of the reader's own disputes."""

    number: int
    row: bytes
    match_id: bytes
    reason: DisputeReason
    made_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class DisputePage:
    """Some disputes, newest first; ``next`` is the number to go on below."""

    items: tuple[Dispute, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class DisputedRowPage:
    """Some of the reader's rows that the partner disputes, in row order; ``next`` is the row to go on after."""

    items: tuple[bytes, ...]
    next: bytes | None


def dispute(
    tx: Transaction,
    party: Party,
    named: NamedMatch,
    reason: DisputeReason,
    *,
    most_open: int,
    service_key: SealingKey,
    now: datetime,
) -> Dispute:
    """Take a match out for both sides; disputed again, it is the same dispute.

    Raises:
        NotFound: the party is not told of such a match now, and has no open dispute of it.
        DisputesTooMany: as many as one party may have are open.
    """
    party.must_be_readable()
    standing = standing_of(tx, party.partnership_id)
    told = _told(tx, party, named, standing, service_key)
    opened = _open_dispute(tx, party, named)
    if opened is None:
        if not told:
            raise not_found()
        opened = _start(tx, party, named, reason, most_open=most_open, now=now)
    if told:
        before = changes.listed_in(tx, party.partnership_id, {each.overlap for each in told})
        _take_out(tx, party, opened.number, told, standing)
        changes.record_disputed(tx, standing, before, at=now)
        enqueue(tx, JobType.MATCH, party.partnership_id, due_at=now)
    return opened


def withdraw(tx: Transaction, party: Party, number: int, *, now: datetime) -> Dispute:
    """Take back a dispute of the party's own: its matches are back after the next matching. Again, it stays as it is.

    Raises:
        NotFound: the party made no such dispute.
    """
    party.must_be_readable()
    own = and_(_made_by(party), disputes.c.number == number)
    row = tx.execute(select(disputes).where(own)).one_or_none()
    if row is None:
        raise not_found()
    if row.withdrawn_at is None:
        tx.execute(update(disputes).where(own).values(withdrawn_at=now))
        enqueue(tx, JobType.MATCH, party.partnership_id, due_at=now)
        _record(tx, party, audit.Action.DISPUTE_WITHDRAWN, {"number": number}, now)
    return _shown(tx.execute(select(disputes).where(own)).one())


def disputes_of(tx: Transaction, party: Party, *, before: int | None, limit: int, now: datetime) -> DisputePage:
    """List the party's own disputes, newest first, those below number ``before``; the reading is audited."""
    party.must_be_readable()
    query = select(disputes).where(_made_by(party)).order_by(disputes.c.number.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(disputes.c.number < before)
    items = tuple(map(_shown, tx.execute(query)))
    _record(tx, party, audit.Action.DISPUTES_READ, {"rows": len(items[:limit])}, now)
    return DisputePage(items[:limit], items[limit - 1].number if len(items) > limit else None)


def disputed_rows(tx: Transaction, party: Party, *, after: bytes | None, limit: int, now: datetime) -> DisputedRowPage:
    """Name the party's rows on which a dispute of the partner's stands, in cells that are open to it now, and no more.

    Neither when nor why: two rows with the same answer to either would be known to meet one row of the partner's.
    """
    party.must_be_readable()
    effective = standing_of(tx, party.partnership_id).effective
    row = disputed_pairs.c.left_row if party.side is Side.LEFT else disputed_pairs.c.right_row
    theirs = and_(disputes.c.side == party.side.other.value, is_open(party.partnership_id), _is_told(effective))
    query = select(row).distinct().join_from(disputed_pairs, disputes, of_dispute()).where(theirs, row > (after or b""))
    rows = tuple(tx.execute(query.order_by(row).limit(limit + 1)).scalars())
    _record(tx, party, audit.Action.DISPUTES_READ, {"rows": len(rows[:limit])}, now)
    return DisputedRowPage(rows[:limit], rows[limit - 1] if len(rows) > limit else None)


def _told(
    tx: Transaction, party: Party, named: NamedMatch, standing: Standing, service_key: SealingKey
) -> Sequence[Row[Any]]:
    """Give the stored matches that are meant, of those that the party may be told of now."""
    effective = standing.effective_for(party.side)
    row, seat = named.row, seen_from(party.side)
    of_row = open_matches(party.partnership_id, party.side, effective, level=Level.ACCOUNTS)
    listed = tx.execute(select(matches).where(of_row, seat.row == row)).all()
    if not listed:
        return []
    pepper = open_pepper(tx, party.partnership_id, standing.live.number, service_key=service_key)
    tier = Tier(min(found.tier for found in listed))
    theirs = Population(min(found._mapping[seat.their_population] for found in listed))
    if hmac.compare_digest(named.match_id, row_match_id(pepper, reader=party.side, row=row, tier=tier, theirs=theirs)):
        return listed
    is_served = _is_served(party, effective, generation=standing.live.number)
    served = tx.execute(select(matches).where(is_served, seat.row == row))
    return [
        found
        for found in served
        if hmac.compare_digest(
            named.match_id,
            pair_match_id(pepper, reader=party.side, row=row, their_row=found._mapping[seat.their_row]),
        )
    ]


def _is_served(party: Party, effective: Terms, *, generation: int) -> ColumnElement[bool]:
    """Say which matches the party is served details of."""
    seat = seen_from(party.side)
    has_details = exists().where(
        envelopes.c.partnership_id == party.partnership_id,
        envelopes.c.side == party.side.other.value,
        envelopes.c.row == seat.their_row,
        envelopes.c.population == seat.their_population,
        envelopes.c.generation == generation,
    )
    return and_(open_matches(party.partnership_id, party.side, effective, level=Level.DETAILS), has_details)


def _open_dispute(tx: Transaction, party: Party, named: NamedMatch) -> Dispute | None:
    same = and_(disputes.c.row == named.row, disputes.c.match_id == named.match_id, disputes.c.withdrawn_at.is_(None))
    row = tx.execute(select(disputes).where(_made_by(party), same)).one_or_none()
    return None if row is None else _shown(row)


def _start(
    tx: Transaction, party: Party, named: NamedMatch, reason: DisputeReason, *, most_open: int, now: datetime
) -> Dispute:
    stands = disputes.c.withdrawn_at.is_(None)
    numbers = select(func.coalesce(func.max(disputes.c.number), 0), func.count().filter(stands))
    last, opened = tx.execute(numbers.where(_made_by(party))).one()
    if opened >= most_open:
        told = counted(opened, "dispute")
        raise DisputesTooMany(f"This party has {told} open, as many as it may: withdraw one first.")
    made = Dispute(last + 1, named.row, named.match_id, reason, now, None)
    tx.execute(
        insert(disputes).values(
            partnership_id=party.partnership_id,
            side=party.side.value,
            number=made.number,
            row=made.row,
            match_id=made.match_id,
            reason=reason.value,
            made_at=now,
        )
    )
    detail = {"number": made.number, "reason": reason.value}
    _record(tx, party, audit.Action.DISPUTED, detail, now)
    return made


def _take_out(tx: Transaction, party: Party, number: int, told: Sequence[Row[Any]], standing: Standing) -> None:
    pairs = [
        (
            party.side.value,
            number,
            each.left_row,
            each.right_row,
            each.tier,
            each.left_population,
            each.right_population,
        )
        for each in told
    ]
    put_rows(tx, disputed_pairs, party.partnership_id, pairs)
    wrong = (and_(matches.c.left_row == each.left_row, matches.c.right_row == each.right_row) for each in told)
    forget_matches(tx, party.partnership_id, or_(false(), *wrong), effective=standing.effective)


def _is_told(effective: Terms) -> ColumnElement[bool]:
    """Say which disputed pairs would be told of, by terms seen from the left."""
    cells = (
        and_(disputed_pairs.c.left_population == int(cell.ours), disputed_pairs.c.right_population == int(cell.theirs))
        for cell in effective.cells_from(Level.ACCOUNTS)
    )
    return and_(disputed_pairs.c.tier <= int(effective.reveals_from), or_(false(), *cells))


def _made_by(party: Party) -> ColumnElement[bool]:
    return and_(disputes.c.partnership_id == party.partnership_id, disputes.c.side == party.side.value)


def _shown(row: Row[Any]) -> Dispute:
    return Dispute(row.number, row.row, row.match_id, DisputeReason(row.reason), row.made_at, row.withdrawn_at)


def _record(tx: Transaction, party: Party, action: audit.Action, detail: audit.Detail, now: datetime) -> None:
    trail_id, side = party.partnership_id, party.side
    audit.record(tx, action, trail_id=trail_id, side=side, caller=party.caller, now=now, detail=detail)
