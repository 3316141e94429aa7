"""Generations: the next key, by the consent of both parties."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Depends

from escrow import access, errors, partnerships, wire
from escrow.api.dependencies import PairKey, PartnershipId, Serving, json_only
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.api.routes.partnerships import pairing_told, told

__all__ = ["router"]

router = Router(tags=["partnerships"], dependencies=[Depends(json_only)])

_FRESH: tuple[type[errors.EscrowError], ...] = (
    errors.ScopeMissing,
    errors.NotFound,
    errors.PartnershipNotActive,
    errors.PairingInvalid,
)


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
        errors.PairingInvalid,
        errors.PartnershipExists,
        *TAKES_A_BODY,
    ),
)
def start_generation(
    partnership_id: PartnershipId, key: PairKey, service: Serving, request: wire.NewGeneration
) -> wire.Partnership:
    """Say that the caller's user wants the next key; it is built once both parties have said the same.

    With a fresh pairing, the partner accepts instead, by the code that the caller's client prints.
    """
    now, fresh = service.now(), request.fresh_pairing
    with service.database.transaction("start a generation") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.start_generation(
            tx,
            party,
            number=request.number,
            profile=request.profile,
            fresh=None if fresh is None else partnerships.FreshHalf(fresh.lookup, fresh.inviter_public),
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


@router.post(
    "/v1/partnerships/{partnership_id}/generations/accept",
    summary="Accept a fresh pairing",
    responses=problems(*_FRESH, errors.InvitationTaken, *TAKES_A_BODY),
)
def accept_fresh_pairing(
    partnership_id: PartnershipId, key: PairKey, service: Serving, request: wire.Acceptance
) -> wire.Partnership:
    """Answer the fresh pairing that the partner started; the same answer again gets the same answer."""
    now = service.now()
    with service.database.transaction("accept a fresh pairing") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.accept_fresh_pairing(
            tx, party, lookup=request.lookup, acceptor_public=request.acceptor_public, tag=request.tag, now=now
        )
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))


@router.get(
    "/v1/partnerships/{partnership_id}/generations/pairing",
    summary="Both halves of a fresh pairing",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.PairingIncomplete),
)
def show_fresh_pairing(partnership_id: PartnershipId, key: PairKey, service: Serving) -> wire.Pairing:
    """Give the public keys and tags for the caller's client to verify; its inviter is who started it."""
    with service.database.snapshot("show a fresh pairing") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        return pairing_told(partnerships.fresh_pairing(tx, party, now=service.now()))


@router.post(
    "/v1/partnerships/{partnership_id}/generations/confirm",
    summary="Confirm a fresh pairing",
    responses=problems(*_FRESH, errors.PairingIncomplete, errors.ConfirmationTaken, *TAKES_A_BODY),
)
def confirm_fresh_pairing(
    partnership_id: PartnershipId, key: PairKey, service: Serving, request: wire.Confirmation
) -> wire.Partnership:
    """Begin to build the generation; only who started the pairing does, after verifying the acceptor's tag."""
    now = service.now()
    with service.database.transaction("confirm a fresh pairing") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.confirm_fresh_pairing(
            tx, party, tag=request.tag, service_key=service.sealing_key, random=service.random, now=now
        )
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))
