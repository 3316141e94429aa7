"""Details: envelopes asked for, taken in and handed on, for rows that overlap in cells open at details and no others.

The service sees sizes and numbers of wraps, never a detail. Of the wraps only those for matched tokens are kept, with
the stored index in place of the token, and one of them is handed on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, insert, or_, select

from escrow import audit, changes
from escrow.access import Party
from escrow.changes import Pairing
from escrow.errors import DetailsNotWanted, SubmissionChanged, TermsChanged
from escrow.overlaps import open_matches, seen_from
from escrow.psi.envelope_format import served, split_uploaded, uploaded
from escrow.psi.match_ids import pair_match_id
from escrow.psi.pepper import stored_index
from escrow.standing import SideStanding, Standing, standing_of
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey, context
from escrow.store.secrets import open_pepper, partnership_key
from escrow.store.tables import envelopes, matches
from escrow.terms import Cell, Level, Population, Side, Terms

__all__ = [
    "DetailsBatch",
    "DetailsPage",
    "SealedDetails",
    "ServedDetails",
    "WantedPage",
    "details_page",
    "store_details",
    "wanted_details",
]

_ROW_BYTES = 8


@dataclass(frozen=True, slots=True)
class WantedPage:
    """Rows to seal details of, and what their envelopes must be bound to; ``next`` is the row to go on after."""

    rows: tuple[bytes, ...]
    terms_number: int
    submission: int
    next: bytes | None


@dataclass(frozen=True, slots=True)
class SealedDetails:
    """One envelope as its owner uploads it, not yet looked at."""

    row: bytes
    population: Population
    unverified_envelope: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DetailsBatch:
    """Envelopes that were sealed under one number of terms and one applied submission."""

    terms_number: int
    submission: int
    items: tuple[SealedDetails, ...]


@dataclass(frozen=True, slots=True)
class ServedDetails:
    """The partner's envelope for one of the reader's rows, with the one wrap that opens it.

    ``match_id`` is the reader's name for the match of the two rows, to dispute it by.
    """

    row: bytes
    match_id: bytes
    owner_row: bytes
    population: Population
    submission: int
    terms_number: int
    envelope: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DetailsPage:
    """Some of the partner's envelopes; ``next`` is the pair of rows, 16 bytes, to go on after."""

    items: tuple[ServedDetails, ...]
    next: bytes | None


@dataclass(slots=True)
class _Matched:
    """What is known of a row that overlaps: its population, the tokens that connect it, and how far its cells are open.

    An envelope has a wrap for every match of its row, so that it still opens when another of its cells opens.
    """

    population: int
    tokens: set[bytes] = field(default_factory=set)
    level: Level = Level.HIDDEN


def wanted_details(tx: Transaction, party: Party, *, after: bytes | None, limit: int, now: datetime) -> WantedPage:
    """Name the party's rows that overlap in a cell open at details and have no envelope under its current terms."""
    party.must_be_readable()
    standing = standing_of(tx, party.partnership_id)
    ours = standing.sides[party.side]
    row = seen_from(party.side).row
    told = open_matches(party.partnership_id, party.side, standing.effective_for(party.side), level=Level.DETAILS)
    sealed = exists().where(
        _envelopes_of(party.partnership_id, party.side),
        envelopes.c.row == row,
        envelopes.c.terms_number == ours.terms_number,
        envelopes.c.generation == standing.live.number,
    )
    query = select(row).distinct().where(told, row > (after or b""), ~sealed).order_by(row).limit(limit + 1)
    rows = tuple(tx.execute(query).scalars())
    _record(tx, party, audit.Action.DETAILS_WANTED_READ, len(rows[:limit]), now)
    return WantedPage(
        rows=rows[:limit],
        terms_number=ours.terms_number,
        submission=0 if ours.applied is None else ours.applied.number,
        next=rows[limit - 1] if len(rows) > limit else None,
    )


def store_details(tx: Transaction, party: Party, batch: DetailsBatch, *, service_key: SealingKey, now: datetime) -> int:
    """Take in a batch of envelopes, all or none, each in the place of an earlier one of its row.

    Raises:
        TermsChanged, SubmissionChanged: they are bound to what is not current any more.
        DetailsNotWanted: a row does not overlap in a cell open at details, or not with this population or these tokens.
        EnvelopeInvalid: the bytes are not an envelope.
    """
    party.must_be_readable()
    standing = standing_of(tx, party.partnership_id)
    _must_be_current(standing.sides[party.side], batch)
    matched = _matched(tx, party, standing.effective_for(party.side), {item.row for item in batch.items})
    pepper = open_pepper(tx, party.partnership_id, standing.live.number, service_key=service_key)
    key = partnership_key(tx, party.partnership_id, service_key=service_key)
    shared = {"generation": standing.live.number, "submission": batch.submission, "terms_number": batch.terms_number}
    for item in batch.items:
        envelope = _with_kept_wraps(item, matched.get(item.row), pepper)
        sealed = key.seal(envelope, context=_envelope_context(party.partnership_id, party.side, item.row))
        _put(tx, party, item, sealed=sealed, stored_at=now, **shared)
    _record(tx, party, audit.Action.DETAILS_STORED, len(batch.items), now)
    reached = _served_with(tx, party, standing, {item.row for item in batch.items})
    changes.record_details(tx, standing, party.side.other, reached, at=now)
    return len(batch.items)


def details_page(
    tx: Transaction,
    party: Party,
    *,
    after: bytes | None,
    limit: int,
    changed_after: int | None = None,
    service_key: SealingKey,
    now: datetime,
) -> DetailsPage:
    """Hand on the partner's envelopes for the party's own rows, in cells that are open at details now.

    With ``changed_after``, those for rows of which the change feed says something after this number; for all rows where
    the feed was begun anew since.
    """
    party.must_be_readable()
    standing = standing_of(tx, party.partnership_id)
    told = open_matches(party.partnership_id, party.side, standing.effective_for(party.side), level=Level.DETAILS)
    told = and_(told, envelopes.c.generation == standing.live.number)
    renewed = None if changed_after is None else changes.rows_changed_after(tx, party, changed_after)
    if renewed is not None:
        told = and_(told, seen_from(party.side).row.in_(renewed))
    rows = tx.execute(_with_their_envelopes(party, told, after).limit(limit + 1)).all()
    key = partnership_key(tx, party.partnership_id, service_key=service_key)
    pepper = open_pepper(tx, party.partnership_id, standing.live.number, service_key=service_key)
    items = tuple(_served(party, row, key, pepper) for row in rows[:limit])
    _record(tx, party, audit.Action.DETAILS_READ, len(items), now)
    return DetailsPage(items, items[-1].row + items[-1].owner_row if len(rows) > limit else None)


def _served_with(tx: Transaction, owner: Party, standing: Standing, rows: set[bytes]) -> changes.Rows:
    """Give the partner's rows that are served the details of these of the owner's, in the cells where they are."""
    reader = owner.side.other
    told = open_matches(owner.partnership_id, reader, standing.effective_for(reader), level=Level.DETAILS)
    query = select(*(matches.c[name] for name in Pairing._fields)).where(told, seen_from(owner.side).row.in_(rows))
    return changes.seen_by(reader, (Pairing._make(row) for row in tx.execute(query)))


def _must_be_current(ours: SideStanding, batch: DetailsBatch) -> None:
    if batch.terms_number != ours.terms_number:
        raise TermsChanged(f"Seal again under the current terms, number {ours.terms_number}.")
    if ours.applied is None or batch.submission != ours.applied.number:
        raise SubmissionChanged("Seal again under the submission that is applied now.")


def _matched(tx: Transaction, party: Party, effective: Terms, rows: set[bytes]) -> dict[bytes, _Matched]:
    seat = seen_from(party.side)
    told = open_matches(party.partnership_id, party.side, effective, level=Level.ACCOUNTS)
    columns = (seat.row, seat.population, seat.their_population, matches.c.token)
    matched: dict[bytes, _Matched] = {}
    for row, population, their_population, token in tx.execute(select(*columns).where(told, seat.row.in_(rows))):
        known = matched.setdefault(row, _Matched(population))
        known.tokens.add(token)
        known.level = max(known.level, effective.levels[Cell(Population(population), Population(their_population))])
    return matched


def _with_kept_wraps(item: SealedDetails, matched: _Matched | None, pepper: bytes) -> bytes:
    """Give the envelope with the wraps of matched tokens alone, each beside its stored index."""
    if matched is None or matched.level < Level.DETAILS or item.population != matched.population:
        raise DetailsNotWanted("A row of this batch is not wanted, or not as it is: ask again which are.")
    envelope = split_uploaded(item.unverified_envelope)
    indexes = (stored_index(pepper, token) for token, _ in envelope.wraps)
    wraps = {index: wrap for index, (_, wrap) in zip(indexes, envelope.wraps, strict=True) if index in matched.tokens}
    if wraps.keys() != matched.tokens:
        raise DetailsNotWanted("An envelope of this batch does not open by what its row overlaps with: ask again.")
    return uploaded(envelope.body, sorted(wraps.items()))


def _put(tx: Transaction, party: Party, item: SealedDetails, **columns: object) -> None:
    tx.execute(delete(envelopes).where(_envelopes_of(party.partnership_id, party.side), envelopes.c.row == item.row))
    tx.execute(
        insert(envelopes).values(
            partnership_id=party.partnership_id,
            side=party.side.value,
            row=item.row,
            population=int(item.population),
            **columns,
        )
    )


def _with_their_envelopes(party: Party, told: ColumnElement[bool], after: bytes | None) -> Select[Any]:
    seat = seen_from(party.side)
    theirs = and_(
        _envelopes_of(party.partnership_id, party.side.other),
        envelopes.c.row == seat.their_row,
        envelopes.c.population == seat.their_population,
    )
    query = select(seat.row.label("own_row"), matches.c.token, envelopes).join_from(matches, envelopes, theirs)
    if after is not None:
        own_row, their_row = after[:_ROW_BYTES], after[_ROW_BYTES:]
        query = query.where(or_(seat.row > own_row, and_(seat.row == own_row, seat.their_row > their_row)))
    return query.where(told).order_by(seat.row, seat.their_row)


def _served(party: Party, row: Row[Any], key: SealingKey, pepper: bytes) -> ServedDetails:
    place = _envelope_context(party.partnership_id, party.side.other, row.row)
    stored = split_uploaded(key.open(row.sealed, context=place))
    return ServedDetails(
        row=row.own_row,
        match_id=pair_match_id(pepper, reader=party.side, row=row.own_row, their_row=row.row),
        owner_row=row.row,
        population=Population(row.population),
        submission=row.submission,
        terms_number=row.terms_number,
        envelope=served(stored.body, dict(stored.wraps)[row.token]),
    )


def _envelopes_of(partnership_id: UUID, side: Side) -> ColumnElement[bool]:
    return and_(envelopes.c.partnership_id == partnership_id, envelopes.c.side == side.value)


def _envelope_context(partnership_id: UUID, side: Side, row: bytes) -> bytes:
    return context(envelopes.name, partnership_id, side.value, row)


def _record(tx: Transaction, party: Party, action: audit.Action, rows: int, now: datetime) -> None:
    trail_id, side = party.partnership_id, party.side
    audit.record(tx, action, trail_id=trail_id, side=side, caller=party.caller, now=now, detail={"rows": rows})
