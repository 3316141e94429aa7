"""Terms: each party's own, with their history, and what the two allow together.

Either side tightens alone and at once: what the new terms forbid is deleted in the transaction that sets them, before
anything is matched again. Loosening takes both sides, because the effective terms are their meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, false, insert, not_, or_, select, update

from escrow import audit
from escrow.access import Party
from escrow.errors import PartnershipEnded
from escrow.store import jobs
from escrow.store.database import Transaction
from escrow.store.states import JobType, PartnershipState
from escrow.store.tables import envelopes, matches, parties, terms
from escrow.terms import CELLS, Level, Side, Terms, Tier, meet, uniform_levels

__all__ = [
    "NOTHING_SHARED",
    "TermsDocument",
    "effective_terms",
    "forget_forbidden",
    "set_terms",
    "start_terms",
    "terms_document",
]

#: What a party that has said nothing allows.
NOTHING_SHARED = Terms(levels=uniform_levels(Level.HIDDEN))


@dataclass(frozen=True, slots=True)
class TermsDocument:
    """Both parties' terms and their meet, all cells seen from the reader's side."""

    number: int
    ours: Terms
    theirs: Terms | None
    effective: Terms | None


def terms_document(tx: Transaction, party: Party) -> TermsDocument:
    """Show the terms as they are now; the partner's are absent until somebody accepts."""
    stated = _stated(tx, party.partnership_id)
    number, ours = stated[party.side]
    if party.side.other not in stated:
        return TermsDocument(number, ours, None, None)
    theirs = stated[party.side.other][1].transposed
    return TermsDocument(number, ours, theirs, meet(ours, theirs))


def effective_terms(tx: Transaction, partnership_id: UUID, *, seen_from: Side) -> Terms:
    """Give the meet of both parties' terms; while one seat is empty, nothing is shared."""
    stated = _stated(tx, partnership_id)
    if len(stated) < 2:
        return NOTHING_SHARED
    return meet(stated[seen_from][1], stated[seen_from.other][1].transposed)


def set_terms(tx: Transaction, party: Party, new: Terms, *, now: datetime) -> TermsDocument:
    """State the party's terms; what they forbid is gone when this commits. Terms that change nothing keep their number.

    Raises:
        PartnershipEnded: the partnership or its invitation is over.
    """
    if party.state_at(now) is PartnershipState.ENDED:
        raise PartnershipEnded("This partnership has ended, or its invitation has expired.")
    number, before = _stated(tx, party.partnership_id)[party.side]
    if new == before:
        return terms_document(tx, party)
    _write(tx, party.partnership_id, party.side, number + 1, new, now=now)
    seat = and_(parties.c.partnership_id == party.partnership_id, parties.c.side == party.side.value)
    tx.execute(update(parties).where(seat).values(terms_number=number + 1))
    if set(before.fields) - set(new.fields):
        tx.execute(delete(envelopes).where(_envelopes_of(party.partnership_id, party.side)))
    forget_forbidden(tx, party.partnership_id)
    if party.state is PartnershipState.ACTIVE:
        jobs.enqueue(tx, JobType.MATCH, party.partnership_id, due_at=now)
    audit.record(
        tx,
        audit.Action.TERMS_SET,
        trail_id=party.partnership_id,
        caller=party.caller,
        now=now,
        detail={"number": number + 1},
    )
    return terms_document(tx, party)


def forget_forbidden(tx: Transaction, partnership_id: UUID) -> None:
    """Delete the matches that may not be told, and the envelopes of rows that keep no match at details."""
    effective = effective_terms(tx, partnership_id, seen_from=Side.LEFT)
    told = and_(_in_cells_from(Level.ACCOUNTS, effective), matches.c.tier <= effective.reveals_from)
    tx.execute(delete(matches).where(matches.c.partnership_id == partnership_id, not_(told)))
    for side, row in ((Side.LEFT, matches.c.left_row), (Side.RIGHT, matches.c.right_row)):
        at_details = (
            select(matches.c.tier)
            .where(
                matches.c.partnership_id == partnership_id,
                row == envelopes.c.row,
                _in_cells_from(Level.DETAILS, effective),
            )
            .exists()
        )
        tx.execute(delete(envelopes).where(_envelopes_of(partnership_id, side), not_(at_details)))


def start_terms(tx: Transaction, partnership_id: UUID, side: Side, *, now: datetime) -> None:
    """Write the first terms of a new party: nothing is shared until it says so."""
    _write(tx, partnership_id, side, 1, NOTHING_SHARED, now=now)


def _in_cells_from(level: Level, effective: Terms) -> ColumnElement[bool]:
    return or_(
        false(),
        *(
            and_(matches.c.left_population == cell.ours, matches.c.right_population == cell.theirs)
            for cell in effective.cells_from(level)
        ),
    )


def _envelopes_of(partnership_id: UUID, side: Side) -> ColumnElement[bool]:
    return and_(envelopes.c.partnership_id == partnership_id, envelopes.c.side == side.value)


def _stated(tx: Transaction, partnership_id: UUID) -> dict[Side, tuple[int, Terms]]:
    current = and_(
        terms.c.partnership_id == parties.c.partnership_id,
        terms.c.side == parties.c.side,
        terms.c.number == parties.c.terms_number,
    )
    query = select(terms).join_from(parties, terms, current).where(parties.c.partnership_id == partnership_id)
    return {
        Side(row.side): (
            row.number,
            Terms(
                levels={cell: Level(int(digit)) for cell, digit in zip(CELLS, row.levels, strict=True)},
                fields=tuple(row.fields.split(",")) if row.fields else (),
                counts_from=Tier(row.counts_from),
                reveals_from=Tier(row.reveals_from),
                largest_list=row.largest_list,
            ),
        )
        for row in tx.execute(query)
    }


def _write(tx: Transaction, partnership_id: UUID, side: Side, number: int, stated: Terms, *, now: datetime) -> None:
    tx.execute(
        insert(terms).values(
            partnership_id=partnership_id,
            side=side.value,
            number=number,
            levels="".join(str(int(stated.levels[cell])) for cell in CELLS),
            fields=",".join(stated.fields),
            counts_from=stated.counts_from,
            reveals_from=stated.reveals_from,
            largest_list=stated.largest_list,
            made_at=now,
        )
    )
