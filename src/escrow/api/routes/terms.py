"""Terms: what each party allows, and what both together do."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Path, Query

from escrow import access, errors, partnerships, wire
from escrow.api.dependencies import AnyKey, PartnershipId, Serving, TermsKey, json_only
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.partnerships import TermsDocument, TermsRequest
from escrow.wire.values import MOST_NUMBER

__all__ = ["router"]

#: Requests are counted in 32 bits.
RequestNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
AskedBase = Annotated[
    int | None,
    Query(
        alias="base",
        ge=0,
        le=MOST_NUMBER,
        description="The number of the caller's own terms that these were made from; refused if they have another now.",
    ),
]

router = Router(tags=["terms"], dependencies=[Depends(json_only)])


@router.get("/v1/partnerships/{partnership_id}/terms", summary="The terms", responses=problems(errors.NotFound))
def show_terms(partnership_id: PartnershipId, key: AnyKey, service: Serving) -> wire.TermsDocument:
    """Show both parties' terms and their meet, cells seen from the caller."""
    with service.database.snapshot("show terms") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        return _told(partnerships.terms_document(tx, party))


@router.put(
    "/v1/partnerships/{partnership_id}/terms",
    summary="State one's terms",
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.PartnershipEnded,
        errors.TermsChanged,
        errors.DisclosureTooWeak,
        *TAKES_A_BODY,
    ),
)
def set_terms(
    partnership_id: PartnershipId, key: TermsKey, service: Serving, request: wire.Terms, base: AskedBase = None
) -> wire.TermsDocument:
    """State the caller's terms; what they forbid is gone before this answers."""
    with service.database.transaction("set terms") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        offered = service.disclosure_presets.values()
        stated, now = request.value(), service.now()
        return _told(partnerships.set_terms(tx, party, stated, offered=offered, now=now, base=base))


@router.get(
    "/v1/partnerships/{partnership_id}/terms-requests",
    summary="Open requests for other terms",
    responses=problems(errors.NotFound),
)
def show_requests(partnership_id: PartnershipId, key: AnyKey, service: Serving) -> wire.TermsRequests:
    """Show the requests that can be answered, at most one of each side."""
    with service.database.snapshot("show terms requests") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        found = partnerships.open_requests(tx, party, now=service.now())
        return wire.TermsRequests(items=tuple(map(_request, found)))


@router.post(
    "/v1/partnerships/{partnership_id}/terms-requests",
    summary="Ask for other terms",
    status_code=201,
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.PartnershipNotActive,
        errors.TermsChanged,
        errors.DisclosureTooWeak,
        *TAKES_A_BODY,
    ),
)
def request_terms(
    partnership_id: PartnershipId, key: TermsKey, service: Serving, request: wire.Terms, base: AskedBase = None
) -> wire.TermsRequest:
    """Ask the partner to answer these terms of the caller's, which hold from then on for both at once."""
    with service.database.transaction("request terms") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        offered = service.disclosure_presets.values()
        lasts = timedelta(seconds=service.settings.terms_request_seconds)
        asked, now = request.value(), service.now()
        made = partnerships.request_terms(tx, party, asked, offered=offered, lasts=lasts, now=now, base=base)
        return _request(made)


@router.post(
    "/v1/partnerships/{partnership_id}/terms-requests/{number}/answer",
    summary="Answer a request for other terms",
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.PartnershipNotActive,
        errors.TermsRequestLapsed,
        errors.TermsChanged,
        errors.DisclosureTooWeak,
        *TAKES_A_BODY,
    ),
)
def answer_terms(
    partnership_id: PartnershipId,
    number: RequestNumber,
    key: TermsKey,
    service: Serving,
    request: wire.Terms,
    base: AskedBase = None,
) -> wire.TermsDocument:
    """State the caller's terms, and the requested ones as the partner's, in one transaction."""
    with service.database.transaction("answer terms request") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        offered = service.disclosure_presets.values()
        ours, now = request.value(), service.now()
        return _told(partnerships.answer_terms(tx, party, number, ours, offered=offered, now=now, base=base))


@router.post(
    "/v1/partnerships/{partnership_id}/terms-requests/{number}/close",
    summary="Take back or decline a request for other terms",
    responses=problems(errors.ScopeMissing, errors.NotFound, *TAKES_A_BODY),
)
def close_request(
    partnership_id: PartnershipId,
    number: RequestNumber,
    key: TermsKey,
    service: Serving,
    request: wire.Nothing,  # noqa: ARG001  # nothing, and nothing else
) -> wire.TermsRequests:
    """Take the caller's own request back, or decline the partner's; what can still be answered is told."""
    with service.database.transaction("close terms request") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.close_request(tx, party, number, now=service.now())
        found = partnerships.open_requests(tx, party, now=service.now())
        return wire.TermsRequests(items=tuple(map(_request, found)))


def _request(found: TermsRequest) -> wire.TermsRequest:
    return wire.TermsRequest(
        number=found.number,
        asked_by="ours" if found.is_ours else "theirs",
        terms=wire.Terms.of(found.terms),
        made_at=found.made_at,
        expires_at=found.expires_at,
    )


def _told(document: TermsDocument) -> wire.TermsDocument:
    return wire.TermsDocument(
        number=document.number,
        ours=wire.Terms.of(document.ours),
        theirs=None if document.theirs is None else wire.Terms.of(document.theirs),
        effective=None if document.effective is None else wire.EffectiveTerms.of(document.effective),
    )
