"""Allowances: what the caller's lists may still ask about, and what it grants to its partner."""

from __future__ import annotations

from fastapi import Depends

from escrow import access, errors, partnerships, wire
from escrow.api.dependencies import AnyKey, PartnershipId, Serving, TermsKey, json_only
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.api.routes.partnerships import told
from escrow.spending import Allowance

__all__ = ["router"]

router = Router(tags=["allowances"], dependencies=[Depends(json_only)])


@router.get(
    "/v1/partnerships/{partnership_id}/allowance",
    summary="What one's lists may still ask about",
    responses=problems(errors.NotFound, errors.PartnershipNotActive),
)
def show_allowance(partnership_id: PartnershipId, key: AnyKey, service: Serving) -> wire.Allowance:
    """Show the caller's own allowance; the partner's is the partner's to see."""
    with service.database.snapshot("show allowance") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        limits, now = service.settings.list_limits, service.now()
        return _told(partnerships.show_allowance(tx, party, limits=limits, now=now))


@router.post(
    "/v1/partnerships/{partnership_id}/allowance/grants",
    summary="Let the partner ask about more",
    responses=problems(
        errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.ListMissing, *TAKES_A_BODY
    ),
)
def grant_allowance(
    partnership_id: PartnershipId, key: TermsKey, service: Serving, request: wire.Grant
) -> wire.Partnership:
    """Raise what the partner may spend until its period ends; each grant adds to those before."""
    rule, now = service.settings.list_limits.rule, service.now()
    with service.database.transaction("grant allowance") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.grant_allowance(tx, party, request.accounts, rule=rule, now=now)
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))


def _told(allowance: Allowance) -> wire.Allowance:
    return wire.Allowance(
        is_opening=allowance.is_opening,
        limit=allowance.limit,
        carried=allowance.carried,
        granted=allowance.granted,
        renewed=allowance.renewed,
        spent=allowance.spent,
        left=allowance.left,
        total=allowance.total,
        fifths_of_an_account=allowance.fifths_of_an_account,
        renews_at=allowance.renews_at,
    )
