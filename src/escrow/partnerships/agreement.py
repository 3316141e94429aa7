"""Terms: each party's own, with their history, and what the two allow together.

Either side tightens alone and at once: what the new terms forbid is deleted in the transaction that sets them, before
anything is matched again. Loosening takes both sides, because the effective terms are their meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, insert, not_, update

from escrow import audit, changes
from escrow.access import Party
from escrow.errors import DisclosureTooWeak, PartnershipEnded, TermsChanged
from escrow.standing import SideStanding, columns_of_terms, standing_of
from escrow.store import jobs
from escrow.store.database import Transaction
from escrow.store.groups import forget_matches, in_cells_from
from escrow.store.states import EventType, JobType, PartnershipState
from escrow.store.tables import envelopes, matches, parties, terms
from escrow.terms import DisclosureRule, Level, Side, Terms, uniform_levels
from escrow.webhooks import events

__all__ = [
    "NOTHING_SHARED",
    "TermsDocument",
    "allow",
    "check_base",
    "check_offered",
    "restate",
    "set_terms",
    "start_terms",
    "tell_terms",
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
    standing = standing_of(tx, party.partnership_id)
    ours, theirs = standing.sides[party.side], standing.sides.get(party.side.other)
    if theirs is None:
        return TermsDocument(ours.terms_number, ours.terms, None, None)
    effective = standing.effective_for(party.side)
    return TermsDocument(ours.terms_number, ours.terms, theirs.terms.transposed, effective)


def set_terms(
    tx: Transaction,
    party: Party,
    new: Terms,
    *,
    offered: Iterable[DisclosureRule],
    now: datetime,
    base: int | None = None,
) -> TermsDocument:
    """State the party's terms; what they forbid is gone when this commits. Terms that change nothing keep their number.

    ``offered`` are the disclosure rules that the service has presets for, ``base`` is the number of the party's own
    terms that the new ones were made from.

    Raises:
        DisclosureTooWeak: counts would be shown more freely than every preset does.
        PartnershipEnded: the partnership or its invitation is over.
        TermsChanged: they were made from other terms than those of now.
    """
    if party.state_at(now) is PartnershipState.ENDED:
        raise PartnershipEnded("This partnership has ended, or its invitation has expired.")
    check_offered(new, offered)
    before = standing_of(tx, party.partnership_id).sides[party.side]
    check_base(before, new, base)
    number = restate(tx, party.partnership_id, party.side, before, new, now=now)
    if number == before.terms_number:
        return terms_document(tx, party)
    audit.record(
        tx,
        audit.Action.TERMS_SET,
        trail_id=party.partnership_id,
        caller=party.caller,
        now=now,
        detail={"number": number},
    )
    allow(tx, party, now=now)
    tell_terms(tx, party, {party.side: number}, now=now)
    return terms_document(tx, party)


def check_offered(stated: Terms, offered: Iterable[DisclosureRule]) -> None:
    """Raise DisclosureTooWeak unless the rule of these terms is as strict as one that the service has a preset for."""
    if not any(stated.disclosure.is_at_least(rule) for rule in offered):
        raise DisclosureTooWeak("No preset of this service shows counts that freely: GET /v1/service lists them.")


def check_base(before: SideStanding, new: Terms, base: int | None) -> None:
    """Raise TermsChanged if the new terms were made from other ones than these: they would undo what came between.

    The very terms of now undo nothing, whatever they were made from; so the same statement may be sent again.
    """
    if base not in (None, before.terms_number) and new != before.terms:
        raise TermsChanged(
            f"Your terms were changed meanwhile and have the number {before.terms_number}: make yours from those."
        )


def restate(
    tx: Transaction, partnership_id: UUID, side: Side, before: SideStanding, new: Terms, *, now: datetime
) -> int:
    """Write one side's terms and give their number, which stays where nothing changes; ``allow`` comes after it."""
    if new == before.terms:
        return before.terms_number
    number = before.terms_number + 1
    _write(tx, partnership_id, side, number, new, now=now)
    seat = and_(parties.c.partnership_id == partnership_id, parties.c.side == side.value)
    tx.execute(update(parties).where(seat).values(terms_number=number))
    if set(before.terms.fields) - set(new.fields):
        tx.execute(delete(envelopes).where(_envelopes_of(partnership_id, side)))
        changes.forget_details(tx, standing_of(tx, partnership_id), side.other, at=now)
    return number


def allow(tx: Transaction, party: Party, *, now: datetime) -> None:
    """Delete what the terms of now forbid, and have the lists matched anew under them."""
    _forget_forbidden(tx, party.partnership_id, now=now)
    if party.state is PartnershipState.ACTIVE:
        jobs.enqueue(tx, JobType.MATCH, party.partnership_id, due_at=now)


def tell_terms(tx: Transaction, party: Party, numbers: Mapping[Side, int], *, now: datetime) -> None:
    """Tell both parties whose terms have these numbers now."""
    for side, number in numbers.items():
        told: events.Data = {"number": number}
        partnership_id = party.partnership_id
        events.tell_both(tx, EventType.TERMS_CHANGED, partnership_id=partnership_id, by=side, data=told, now=now)


def start_terms(tx: Transaction, partnership_id: UUID, side: Side, *, now: datetime) -> None:
    """Write the first terms of a new party: nothing is shared until it says so."""
    _write(tx, partnership_id, side, 1, NOTHING_SHARED, now=now)


def _forget_forbidden(tx: Transaction, partnership_id: UUID, *, now: datetime) -> None:
    """Delete the matches that may not be told, their changes, and the envelopes of rows without a match at details."""
    standing = standing_of(tx, partnership_id)
    if len(standing.sides) < len(Side):
        return
    effective = standing.effective
    told = and_(in_cells_from(Level.ACCOUNTS, effective), matches.c.tier <= effective.reveals_from)
    forget_matches(tx, partnership_id, not_(told), effective=effective)
    changes.tighten(tx, standing, at=now)


def _envelopes_of(partnership_id: UUID, side: Side) -> ColumnElement[bool]:
    return and_(envelopes.c.partnership_id == partnership_id, envelopes.c.side == side.value)


def _write(tx: Transaction, partnership_id: UUID, side: Side, number: int, stated: Terms, *, now: datetime) -> None:
    tx.execute(
        insert(terms).values(
            partnership_id=partnership_id,
            side=side.value,
            number=number,
            **columns_of_terms(stated),
            made_at=now,
        )
    )
