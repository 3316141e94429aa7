"""Step-ups: one party asks for looser terms, the other answers with its own, and both change in one transaction.

So a cell opens for both at the same instant, and neither shows anything before the other does. A request holds the
terms that its asker would then have; it lapses once the asker's terms are others than when it asked, or in time.

::

    open ──answer──▶ answered
      └────close───▶ closed        by the asker, who takes it back, or by the other, who declines
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, insert, select, update

from escrow import audit
from escrow.access import Party
from escrow.errors import NotFound, TermsRequestLapsed
from escrow.partnerships.agreement import (
    TermsDocument,
    allow,
    check_base,
    check_offered,
    restate,
    tell_terms,
    terms_document,
)
from escrow.standing import columns_of_terms, standing_of, terms_of_row
from escrow.store.database import Transaction
from escrow.store.states import EventType, TermsRequestState
from escrow.store.tables import terms_requests
from escrow.terms import DisclosureRule, Side, Terms
from escrow.webhooks import events

__all__ = ["TermsRequest", "answer_terms", "close_request", "open_requests", "request_terms"]


@dataclass(frozen=True, slots=True)
class TermsRequest:
    """An open request: ``terms`` are those that its asker would have, cells seen from the reader's side."""

    number: int
    is_ours: bool
    terms: Terms
    made_at: datetime
    expires_at: datetime


def request_terms(
    tx: Transaction,
    party: Party,
    asked: Terms,
    *,
    offered: Iterable[DisclosureRule],
    lasts: timedelta,
    now: datetime,
    base: int | None = None,
) -> TermsRequest:
    """Ask the partner to answer these terms of ours; an earlier request of ours is closed by it.

    ``base`` is the number of our terms that these were made from.

    Raises:
        DisclosureTooWeak: counts would be shown more freely than every preset does.
        PartnershipNotActive: there is nobody to answer.
        TermsChanged: they were made from other terms of ours than those of now.
    """
    party.must_be_active()
    check_offered(asked, offered)
    standing = standing_of(tx, party.partnership_id)
    check_base(standing.sides[party.side], asked, base)
    _close(tx, and_(_open_ones(party), terms_requests.c.side == party.side.value), now)
    number = 1 + tx.execute(select(func.coalesce(func.max(terms_requests.c.number), 0)).where(_of(party))).scalar_one()
    tx.execute(
        insert(terms_requests).values(
            partnership_id=party.partnership_id,
            number=number,
            side=party.side.value,
            state=TermsRequestState.OPEN.value,
            base=standing.sides[party.side].terms_number,
            made_at=now,
            expires_at=now + lasts,
            **columns_of_terms(asked),
        )
    )
    _record(tx, audit.Action.TERMS_REQUESTED, party, {"request": number}, now)
    _tell(tx, EventType.TERMS_REQUESTED, party, number, now)
    return TermsRequest(number, is_ours=True, terms=asked, made_at=now, expires_at=now + lasts)


def open_requests(tx: Transaction, party: Party, *, now: datetime) -> tuple[TermsRequest, ...]:
    """Give the requests that can still be answered: at most one of each side."""
    standing = standing_of(tx, party.partnership_id)
    bases = {side: each.terms_number for side, each in standing.sides.items()}
    rows = tx.execute(select(terms_requests).where(_open_ones(party)).order_by(terms_requests.c.number))
    return tuple(_request(row, party) for row in rows if _stands(row, bases, now))


def answer_terms(
    tx: Transaction,
    party: Party,
    number: int,
    ours: Terms,
    *,
    offered: Iterable[DisclosureRule],
    now: datetime,
    base: int | None = None,
) -> TermsDocument:
    """Take these terms as ours and the requested ones as the partner's, both in this transaction.

    ``base`` is the number of our terms that these were made from.

    Raises:
        NotFound: there is no such request of the partner's.
        TermsRequestLapsed: it was answered or closed, its time is over, or the partner's terms have changed since.
        DisclosureTooWeak: counts would be shown more freely than every preset does.
        TermsChanged: they were made from other terms of ours than those of now.
    """
    party.must_be_active()
    check_offered(ours, offered)
    row = _row(tx, party, number)
    standing = standing_of(tx, party.partnership_id)
    if row is None or Side(row.side) is party.side:
        raise NotFound("There is no such request of your partner's.")
    if not _stands(row, {side: each.terms_number for side, each in standing.sides.items()}, now):
        raise TermsRequestLapsed("This request can no longer be answered: ask your partner for a new one.")
    check_base(standing.sides[party.side], ours, base)
    asked = terms_of_row(row)
    # The preset that it was made with may be offered no more.
    check_offered(asked, offered)
    numbers = {
        side: restate(tx, party.partnership_id, side, standing.sides[side], stated, now=now)
        for side, stated in ((party.side, ours), (party.side.other, asked))
    }
    _move(tx, and_(_of(party), terms_requests.c.number == number), TermsRequestState.ANSWERED, now)
    told: dict[str, str | int] = {f"{side.value}_terms": each for side, each in numbers.items()}
    _record(tx, audit.Action.TERMS_ANSWERED, party, {"request": number, **told}, now)
    allow(tx, party, now=now)
    _tell(tx, EventType.TERMS_ANSWERED, party, number, now)
    changed = {side: each for side, each in numbers.items() if each != standing.sides[side].terms_number}
    tell_terms(tx, party, changed, now=now)
    return terms_document(tx, party)


def close_request(tx: Transaction, party: Party, number: int, *, now: datetime) -> None:
    """Take our own request back, or decline the partner's; closed again, nothing changes.

    Raises:
        NotFound: there is no such request.
    """
    if _row(tx, party, number) is None:
        raise NotFound("There is no such request.")
    if _close(tx, and_(_open_ones(party), terms_requests.c.number == number), now):
        _record(tx, audit.Action.TERMS_REQUEST_CLOSED, party, {"request": number}, now)
        _tell(tx, EventType.TERMS_REQUEST_CLOSED, party, number, now)


def _request(row: Row[Any], party: Party) -> TermsRequest:
    is_ours = Side(row.side) is party.side
    asked = terms_of_row(row)
    return TermsRequest(row.number, is_ours, asked if is_ours else asked.transposed, row.made_at, row.expires_at)


def _stands(row: Row[Any], bases: Mapping[Side, int], now: datetime) -> bool:
    is_open = row.state == TermsRequestState.OPEN.value
    return is_open and now < row.expires_at and bool(row.base == bases[Side(row.side)])


def _row(tx: Transaction, party: Party, number: int) -> Row[Any] | None:
    query = select(terms_requests).where(_of(party), terms_requests.c.number == number)
    return tx.execute(query).one_or_none()


def _of(party: Party) -> ColumnElement[bool]:
    return terms_requests.c.partnership_id == party.partnership_id


def _open_ones(party: Party) -> ColumnElement[bool]:
    return and_(_of(party), terms_requests.c.state == TermsRequestState.OPEN.value)


def _close(tx: Transaction, which: ColumnElement[bool], now: datetime) -> int:
    return _move(tx, which, TermsRequestState.CLOSED, now)


def _move(tx: Transaction, which: ColumnElement[bool], state: TermsRequestState, now: datetime) -> int:
    return tx.execute(update(terms_requests).where(which).values(state=state.value, settled_at=now)).rowcount


def _tell(tx: Transaction, kind: EventType, party: Party, number: int, now: datetime) -> None:
    told: events.Data = {"request": number}
    events.tell_both(tx, kind, partnership_id=party.partnership_id, by=party.side, data=told, now=now)


def _record(
    tx: Transaction, action: audit.Action, party: Party, detail: Mapping[str, str | int], now: datetime
) -> None:
    audit.record(tx, action, trail_id=party.partnership_id, caller=party.caller, now=now, detail=dict(detail))
