"""Details: which rows to seal, the sealed envelopes, and the partner's."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from escrow import access, details, errors, wire
from escrow.api.cursors import Cursors
from escrow.api.dependencies import (
    AskedCursor,
    AskedLimit,
    PartnershipId,
    ReadKey,
    Serving,
    SubmitKey,
    json_only,
    page_size,
)
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.details import DetailsBatch, SealedDetails, ServedDetails
from escrow.wire.values import MOST_NUMBER

__all__ = ["router"]

router = Router(tags=["details"], dependencies=[Depends(json_only)])

ChangedAfter = Annotated[
    int | None,
    Query(
        ge=0,
        le=MOST_NUMBER,
        description="Only for rows of which the changes after this number say something; for all if they begin anew.",
    ),
]


@router.get(
    "/v1/partnerships/{partnership_id}/details/wanted",
    summary="The caller's rows to seal details of",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.PartnershipPaused),
)
def list_wanted_details(
    partnership_id: PartnershipId,
    key: ReadKey,
    service: Serving,
    cursor: AskedCursor = None,
    limit: AskedLimit = None,
) -> wire.WantedPage:
    """Page through the rows that overlap in cells open at details and have no envelope under the current terms."""
    with service.database.transaction("list wanted details") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        cursors = Cursors.within("details/wanted", party)
        page = details.wanted_details(
            tx, party, after=cursors.read(cursor, length=8), limit=page_size(service, limit), now=service.now()
        )
        return wire.WantedPage(
            items=tuple(wire.WantedDetails(row=row) for row in page.rows),
            terms_number=page.terms_number,
            submission=page.submission,
            next=cursors.write(page.next),
        )


@router.post(
    "/v1/partnerships/{partnership_id}/details",
    summary="Upload sealed details",
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.PartnershipNotActive,
        errors.PartnershipPaused,
        errors.TermsChanged,
        errors.SubmissionChanged,
        errors.DetailsNotWanted,
        errors.EnvelopeInvalid,
        *TAKES_A_BODY,
    ),
)
def store_details(
    partnership_id: PartnershipId, key: SubmitKey, service: Serving, request: wire.DetailsUpload
) -> wire.DetailsStored:
    """Take in a batch of envelopes, all or none."""
    with service.database.transaction("store details") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        stored = details.store_details(tx, party, _batch(request), service_key=service.sealing_key, now=service.now())
        return wire.DetailsStored(stored=stored)


@router.get(
    "/v1/partnerships/{partnership_id}/details",
    summary="The partner's sealed details",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.PartnershipPaused),
)
def list_details(
    partnership_id: PartnershipId,
    key: ReadKey,
    service: Serving,
    changed_after: ChangedAfter = None,
    cursor: AskedCursor = None,
    limit: AskedLimit = None,
) -> wire.DetailsPage:
    """Page through the partner's envelopes for the caller's rows, each with the one wrap that opens it.

    Whoever follows the changes asks with the number up to which it knows the details: a row that they name since and
    that is not in the answer has none any more.
    """
    with service.database.transaction("list details") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        cursors = Cursors.within("details", party)
        page = details.details_page(
            tx,
            party,
            after=cursors.read(cursor, length=16),
            limit=page_size(service, limit),
            changed_after=changed_after,
            service_key=service.sealing_key,
            now=service.now(),
        )
        return wire.DetailsPage(items=tuple(map(_told, page.items)), next=cursors.write(page.next))


def _batch(request: wire.DetailsUpload) -> DetailsBatch:
    return DetailsBatch(
        terms_number=request.terms_number,
        submission=request.submission,
        items=tuple(SealedDetails(item.row, item.population, item.envelope) for item in request.items),
    )


def _told(served: ServedDetails) -> wire.ServedDetails:
    return wire.ServedDetails(
        row=served.row,
        match_id=served.match_id,
        owner_row=served.owner_row,
        population=served.population,
        submission=served.submission,
        terms_number=served.terms_number,
        envelope=served.envelope,
    )
