"""Terms: what each party allows, and what both together do."""

from __future__ import annotations

from fastapi import Depends

from escrow import access, errors, partnerships, wire
from escrow.api.dependencies import AnyKey, PartnershipId, Serving, TermsKey, json_only
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.partnerships import TermsDocument

__all__ = ["router"]

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
        errors.ScopeMissing, errors.NotFound, errors.PartnershipEnded, errors.DisclosureTooWeak, *TAKES_A_BODY
    ),
)
def set_terms(
    partnership_id: PartnershipId, key: TermsKey, service: Serving, request: wire.Terms
) -> wire.TermsDocument:
    """State the caller's terms; what they forbid is gone before this answers."""
    with service.database.transaction("set terms") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        offered = service.disclosure_presets.values()
        return _told(partnerships.set_terms(tx, party, request.value(), offered=offered, now=service.now()))


def _told(document: TermsDocument) -> wire.TermsDocument:
    return wire.TermsDocument(
        number=document.number,
        ours=wire.Terms.of(document.ours),
        theirs=None if document.theirs is None else wire.Terms.of(document.theirs),
        effective=None if document.effective is None else wire.Terms.of(document.effective),
    )
