"""Disputes: take a wrong match out for both sides, see what is disputed, take it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from escrow import access, disputes, errors, wire
from escrow.api.cursors import Cursors
from escrow.api.dependencies import (
    AskedCursor,
    AskedLimit,
    PartnershipId,
    ReadKey,
    Serving,
    TermsKey,
    json_only,
    page_size,
)
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.disputes import Dispute, NamedMatch
from escrow.store.states import DisputeReason
from escrow.wire.values import MOST_NUMBER

__all__ = ["router"]

router = Router(tags=["disputes"])

DisputeNumber = Annotated[int, Path(ge=1, le=MOST_NUMBER, description="The caller's own number of the dispute.")]

_READING = (errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.PartnershipPaused)


@router.post(
    "/v1/partnerships/{partnership_id}/disputes",
    summary="Dispute a match",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses=problems(*_READING, errors.DisputesTooMany, *TAKES_A_BODY),
)
def dispute_match(
    partnership_id: PartnershipId, key: TermsKey, service: Serving, request: wire.NewDispute
) -> wire.Dispute:
    """Take a match out of overlaps and details for both sides at once, and out of counts with the next release."""
    with service.database.transaction("dispute a match") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        made = disputes.dispute(
            tx,
            party,
            NamedMatch(request.row, request.match_id),
            DisputeReason(request.reason),
            most_open=service.settings.open_disputes,
            service_key=service.sealing_key,
            now=service.now(),
        )
        return _told(made)


@router.get(
    "/v1/partnerships/{partnership_id}/disputes",
    summary="The caller's disputes",
    responses=problems(*_READING),
)
def list_disputes(
    partnership_id: PartnershipId,
    key: ReadKey,
    service: Serving,
    cursor: AskedCursor = None,
    limit: AskedLimit = None,
) -> wire.DisputePage:
    """Page through the disputes that the caller made, newest first, withdrawn ones too.

    They are the caller's own acts, and stay listed when terms close the cell of the match.
    """
    with service.database.transaction("list disputes") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        cursors, size = Cursors.within("disputes", party), page_size(service, limit)
        before = cursors.read_number(cursor)
        page = disputes.disputes_of(tx, party, before=before, limit=size, now=service.now())
        return wire.DisputePage(items=tuple(map(_told, page.items)), next=cursors.write_number(page.next))


@router.get(
    "/v1/partnerships/{partnership_id}/disputed-rows",
    summary="The caller's rows that the partner disputes",
    responses=problems(*_READING),
)
def list_disputed_rows(
    partnership_id: PartnershipId,
    key: ReadKey,
    service: Serving,
    cursor: AskedCursor = None,
    limit: AskedLimit = None,
) -> wire.DisputedRowPage:
    """Page through the caller's own rows on which a dispute of the partner's stands, in cells that are open to it."""
    with service.database.transaction("list disputed rows") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        cursors, size = Cursors.within("disputed-rows", party), page_size(service, limit)
        after = cursors.read(cursor, length=8)
        page = disputes.disputed_rows(tx, party, after=after, limit=size, now=service.now())
        items = tuple(wire.DisputedRow(row=row) for row in page.items)
        return wire.DisputedRowPage(items=items, next=cursors.write(page.next))


@router.post(
    "/v1/partnerships/{partnership_id}/disputes/{number}/withdraw",
    summary="Withdraw a dispute",
    dependencies=[Depends(json_only)],
    responses=problems(*_READING, *TAKES_A_BODY),
)
def withdraw_dispute(
    partnership_id: PartnershipId, number: DisputeNumber, key: TermsKey, service: Serving, _request: wire.Nothing
) -> wire.Dispute:
    """Take back a dispute of the caller's own: what it took out and still matches is back after the next matching."""
    with service.database.transaction("withdraw a dispute") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        return _told(disputes.withdraw(tx, party, number, now=service.now()))


def _told(made: Dispute) -> wire.Dispute:
    return wire.Dispute(
        number=made.number,
        row=made.row,
        match_id=made.match_id,
        reason=made.reason.value,
        made_at=made.made_at,
        withdrawn_at=made.withdrawn_at,
    )
