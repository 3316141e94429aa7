"""Generations: the next key, by the consent of both parties."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Depends

from escrow import access, errors, partnerships, wire
from escrow.api.dependencies import PairKey, PartnershipId, Serving, json_only
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.api.routes.partnerships import told

__all__ = ["router"]

router = Router(tags=["partnerships"], dependencies=[Depends(json_only)])


@router.post(
    "/v1/partnerships/{partnership_id}/generations",
    summary="Start the next generation, or consent to it",
    responses=problems(
        errors.ScopeMissing,
        errors.NotFound,
        errors.PartnershipNotActive,
        errors.GenerationMismatch,
        errors.GenerationTooSoon,
        errors.ProfileMismatch,
        *TAKES_A_BODY,
    ),
)
def start_generation(
    partnership_id: PartnershipId, key: PairKey, service: Serving, request: wire.NewGeneration
) -> wire.Partnership:
    """Say that the caller's user wants the next key; it is built once both parties have said the same."""
    now = service.now()
    with service.database.transaction("start a generation") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.start_generation(
            tx,
            party,
            number=request.number,
            profile=request.profile,
            interval=timedelta(seconds=service.settings.generation_interval_seconds),
            service_key=service.sealing_key,
            random=service.random,
            now=now,
        )
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))


@router.post(
    "/v1/partnerships/{partnership_id}/generations/cancel",
    summary="Cancel the next generation",
    responses=problems(
        errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.GenerationMismatch, *TAKES_A_BODY
    ),
)
def cancel_generation(
    partnership_id: PartnershipId, key: PairKey, service: Serving, request: wire.CancelledGeneration
) -> wire.Partnership:
    """Take a proposal back, decline the partner's, or give up what is being built; the live generation goes on."""
    now = service.now()
    with service.database.transaction("cancel a generation") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.cancel_generation(tx, party, request.number, now=now)
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))
