"""Partnerships: invite, accept, confirm, look, say ready, vouch, pause, resume, end."""

from __future__ import annotations

from fastapi import Depends

from escrow import access, errors, partnerships, wire
from escrow.allowance import band_end
from escrow.api.cursors import Cursors
from escrow.api.dependencies import (
    AnyKey,
    AskedCursor,
    AskedLimit,
    PairKey,
    PartnershipId,
    Service,
    Serving,
    SubmitKey,
    TermsKey,
    json_only,
    page_size,
)
from escrow.api.idempotency import Router
from escrow.api.problems import TAKES_A_BODY, problems
from escrow.partnerships import Canary, NextGeneration, Pairing, Partnership, TheirList
from escrow.store.database import Transaction

__all__ = ["pairing_told", "router", "told"]

router = Router(tags=["partnerships"], dependencies=[Depends(json_only)])

_PAIRING: tuple[type[errors.EscrowError], ...] = (
    errors.ScopeMissing,
    errors.PairingInvalid,
    errors.NotFound,
    *TAKES_A_BODY,
)


@router.post(
    "/v1/partnerships", summary="Invite", status_code=201, responses=problems(*_PAIRING, errors.PartnershipExists)
)
def invite(key: PairKey, service: Serving, request: wire.NewPartnership) -> wire.Partnership:
    """Open an invitation; the caller becomes its inviter."""
    now = service.now()
    with service.database.transaction("invite") as tx:
        caller = key.admit(tx)
        party = partnerships.invite(
            tx,
            caller,
            partnership_id=request.partnership_id,
            lookup=request.lookup,
            inviter_public=request.inviter_public,
            suite=request.suite,
            profile=request.profile,
            acceptor_organization_id=request.acceptor_organization_id,
            now=now,
        )
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))


@router.get("/v1/partnerships", summary="All partnerships of the caller", responses=problems())
def list_partnerships(
    key: AnyKey, service: Serving, cursor: AskedCursor = None, limit: AskedLimit = None
) -> wire.PartnershipPage:
    """Page through the caller's partnerships, in the order of their ids."""
    with service.database.snapshot("list partnerships") as tx:
        caller = key.admit(tx)
        cursors = Cursors.of("partnerships", caller)
        found, last = partnerships.page(
            tx,
            caller,
            after=cursors.read_id(cursor),
            limit=page_size(service, limit),
            service_key=service.sealing_key,
            now=service.now(),
        )
        return wire.PartnershipPage(items=tuple(map(told, found)), next=cursors.write_id(last))


@router.get("/v1/partnerships/{partnership_id}", summary="One partnership", responses=problems(errors.NotFound))
def show_partnership(partnership_id: PartnershipId, key: AnyKey, service: Serving) -> wire.Partnership:
    """Show a partnership from the caller's seat; of the partner's list its age and its rough size."""
    with service.database.snapshot("show partnership") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=service.now()))


@router.post("/v1/invitations/lookup", summary="Find the invitation of a pairing code", responses=problems(*_PAIRING))
def look_up_invitation(key: PairKey, service: Serving, request: wire.InvitationLookup) -> wire.Invitation:
    """Show the open invitation that this lookup leads to, if it is for the caller."""
    with service.database.snapshot("look up an invitation") as tx:
        caller = key.admit(tx)
        found = partnerships.look_up(tx, caller, request.lookup, now=service.now())
        return wire.Invitation(
            partnership_id=found.partnership_id,
            inviter=wire.Organization(organization_id=found.inviter_organization_id, name=found.inviter_name),
            inviter_public=found.inviter_public,
            suite=found.suite,
            profile=found.profile,
            generation=found.generation,
            expires_at=found.expires_at,
        )


@router.post(
    "/v1/partnerships/{partnership_id}/accept",
    summary="Accept an invitation",
    responses=problems(*_PAIRING, errors.InvitationTaken),
)
def accept(partnership_id: PartnershipId, key: PairKey, service: Serving, request: wire.Acceptance) -> wire.Partnership:
    """Take the right seat; the same acceptance again gets the same answer."""
    now = service.now()
    with service.database.transaction("accept") as tx:
        caller = key.admit(tx)
        party = partnerships.accept(
            tx,
            caller,
            partnership_id,
            lookup=request.lookup,
            acceptor_public=request.acceptor_public,
            tag=request.tag,
            now=now,
        )
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))


@router.get(
    "/v1/partnerships/{partnership_id}/pairing",
    summary="Both halves of the pairing",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PairingIncomplete, errors.PartnershipEnded),
)
def show_pairing(partnership_id: PartnershipId, key: PairKey, service: Serving) -> wire.Pairing:
    """Give the public keys and tags for the caller's client to verify."""
    with service.database.snapshot("show pairing") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        return pairing_told(partnerships.pairing(tx, party, now=service.now()))


def pairing_told(said: Pairing) -> wire.Pairing:
    """Write what the two clients said to each other."""
    return wire.Pairing(
        inviter_organization_id=said.inviter_organization_id,
        acceptor_organization_id=said.acceptor_organization_id,
        inviter_public=said.inviter_public,
        acceptor_public=said.acceptor_public,
        acceptor_tag=said.acceptor_tag,
        inviter_tag=said.inviter_tag,
    )


@router.post(
    "/v1/partnerships/{partnership_id}/confirm",
    summary="Confirm the pairing",
    responses=problems(*_PAIRING, errors.PairingIncomplete, errors.PartnershipEnded, errors.ConfirmationTaken),
)
def confirm(
    partnership_id: PartnershipId, key: PairKey, service: Serving, request: wire.Confirmation
) -> wire.Partnership:
    """Activate the partnership; only the inviter does, after verifying the acceptor's tag."""
    now = service.now()
    with service.database.transaction("confirm") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        confirmed = partnerships.confirm(
            tx, party, tag=request.tag, service_key=service.sealing_key, random=service.random, now=now
        )
        return told(partnerships.show(tx, confirmed, service_key=service.sealing_key, now=now))


@router.post(
    "/v1/partnerships/{partnership_id}/ready",
    summary="Say that one's counts are right",
    responses=problems(
        errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.ListMissing, *TAKES_A_BODY
    ),
)
def say_ready(
    partnership_id: PartnershipId, key: SubmitKey, service: Serving, _request: wire.Nothing
) -> wire.Partnership:
    """Say so for the list as applied; releases begin once both parties have."""
    now = service.now()
    with service.database.transaction("say ready") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.say_ready(tx, party, now=now)
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))


@router.post(
    "/v1/partnerships/{partnership_id}/canary",
    summary="Vouch for one's normalisation",
    responses=problems(
        errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, errors.GenerationMismatch, *TAKES_A_BODY
    ),
)
def tell_canary(
    partnership_id: PartnershipId, key: SubmitKey, service: Serving, request: wire.Canary
) -> wire.Partnership:
    """Pass on to the partner what its client compares: whether both make the same match keys of the same names."""
    now = service.now()
    with service.database.transaction("tell a canary") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.tell_canary(tx, party, partnerships.Canary(request.generation, request.canary))
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))


@router.post(
    "/v1/partnerships/{partnership_id}/pause",
    summary="Pause a partnership",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, *TAKES_A_BODY),
)
def pause(partnership_id: PartnershipId, key: TermsKey, service: Serving, _request: wire.Nothing) -> wire.Partnership:
    """From now on nothing is matched, released or read by either party; submissions are still applied."""
    now = service.now()
    with service.database.transaction("pause") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.pause(tx, party, now=now)
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))


@router.post(
    "/v1/partnerships/{partnership_id}/resume",
    summary="Resume a partnership",
    responses=problems(errors.ScopeMissing, errors.NotFound, errors.PartnershipNotActive, *TAKES_A_BODY),
)
def resume(partnership_id: PartnershipId, key: TermsKey, service: Serving, _request: wire.Nothing) -> wire.Partnership:
    """Take the caller's pause back; the partner's stays until the partner resumes."""
    now = service.now()
    with service.database.transaction("resume") as tx:
        party = access.party_of(tx, key.admit(tx), partnership_id)
        partnerships.resume(tx, party, now=now)
        return told(partnerships.show(tx, party, service_key=service.sealing_key, now=now))


@router.post(
    "/v1/partnerships/{partnership_id}/end",
    summary="End a partnership",
    responses=problems(errors.ScopeMissing, errors.NotFound, *TAKES_A_BODY),
)
def end(partnership_id: PartnershipId, key: PairKey, service: Serving, _request: wire.Nothing) -> wire.Partnership:
    """End it, or void its invitation: its keys are erased before this answers."""
    with service.database.transaction("end") as tx:
        caller = key.admit(tx)
        partnerships.end(tx, access.party_of(tx, caller, partnership_id), now=service.now())
        return _shown_anew(tx, caller, partnership_id, service)


def _shown_anew(
    tx: Transaction, caller: access.Caller, partnership_id: PartnershipId, service: Service
) -> wire.Partnership:
    party = access.party_of(tx, caller, partnership_id)
    return told(partnerships.show(tx, party, service_key=service.sealing_key, now=service.now()))


def _next_told(following: NextGeneration) -> wire.NextGeneration:
    return wire.NextGeneration(
        number=following.number,
        profile=following.profile,
        suite=following.suite,
        state="building" if following.is_building else "proposed",
        fresh_pairing=following.fresh_pairing,
        consents=wire.Consents(ours=following.consented_by_us, theirs=following.consented_by_them),
        applied_number=following.applied_number,
        applied_digest=following.applied_digest,
        applied_at=following.applied_at,
        their_applied_at=following.their_applied_at,
    )


def told(shown: Partnership) -> wire.Partnership:
    """Write a partnership as its party sees it."""
    partner, generation, ours = shown.partner, shown.generation, shown.our_list
    return wire.Partnership(
        partnership_id=shown.partnership_id,
        state=shown.state.value,
        side=shown.side,
        partner=None
        if partner is None
        else wire.Organization(organization_id=partner.organization_id, name=partner.name),
        created_at=shown.created_at,
        expires_at=shown.expires_at,
        generation=None
        if generation is None
        else wire.Generation(
            number=generation.number,
            profile=generation.profile,
            suite=generation.suite,
            state=generation.state.value,
        ),
        next_generation=None if shown.next_generation is None else _next_told(shown.next_generation),
        latest_generation=shown.latest_generation,
        terms_number=shown.terms_number,
        paused=wire.Paused(ours=shown.paused_by_us, theirs=shown.paused_by_them),
        list=wire.OwnList(
            last_number=ours.last_number,
            applied_number=ours.applied_number,
            applied_digest=ours.applied_digest,
            accounts=ours.accounts,
            populations=wire.PopulationSizes.of(ours.populations),
            applied_at=ours.applied_at,
            ready=ours.ready,
        ),
        their_list=_their_list_told(shown.their_list),
        canaries=wire.Canaries(ours=_canary_told(shown.our_canary), theirs=_canary_told(shown.their_canary)),
        latest_release=shown.latest_release,
        next_release_from=shown.next_release_from,
    )


def _canary_told(canary: Canary | None) -> wire.Canary | None:
    return None if canary is None else wire.Canary(generation=canary.generation, canary=canary.canary)


def _their_list_told(theirs: TheirList) -> wire.TheirList:
    head, size = theirs.head, theirs.size
    return wire.TheirList(
        applied_at=theirs.applied_at,
        ready=theirs.ready,
        head=None if head is None else wire.TheirHead(generation=head.generation, release=head.release, head=head.head),
        size=None if size is None else wire.SizeBand(at_least=size, below=band_end(size)),
        alarms=tuple(wire.ListAlarm(reason=each.reason.value, raised_at=each.raised_at) for each in theirs.alarms),
    )
