"""The inviter's half of a pairing: the code is made here, one acceptance is taken, and its tag answered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from escrow import wire
from escrow.client.key_agreements import code_of, new_invitation, taken
from escrow.client.keyring import KeyringFile, Random
from escrow.client.sdk import Escrow
from escrow.client.seats import Invited, Seat, Standing
from escrow.errors import EscrowError, InvitationLapsed, ServiceRefused, VerificationFailed
from escrow.psi import pairing as protocol
from escrow.psi.matchkeys import Suite
from escrow.terms import Side

__all__ = ["PrintedInvitation", "invite", "send_confirmation", "take_acceptance"]


@dataclass(frozen=True, slots=True)
class PrintedInvitation:
    """A seat that waits for the partner, and the code to carry to them; the code is kept nowhere."""

    seat: Seat
    code: str = field(repr=False)


def invite(
    service: Escrow,
    file: KeyringFile,
    *,
    label: str,
    acceptor: UUID | None,
    profile_id: str,
    random: Random,
    now: datetime,
) -> PrintedInvitation:
    """Register an invitation and give its pairing code; a named acceptor needs no confirmation later."""
    invited = new_invitation(profile_id, random=random, now=now)
    seat = Seat(
        partnership_id=UUID(bytes=random(16), version=4),
        label=label,
        side=Side.LEFT,
        standing=Standing.INVITED,
        partner_id=acceptor,
        invited=invited,
    )
    file.update(lambda keyring: keyring.with_new_seat(seat))
    try:
        _register(service, seat, invited)
    except EscrowError:
        # Nobody has seen the code, so an invitation that did reach the service can only lapse.
        file.update(lambda keyring: keyring.without_seat(seat.partnership_id))
        raise
    code = code_of(invited, partnership_id=seat.partnership_id, inviter_id=file.keyring.organization_id)
    return PrintedInvitation(seat, code)


def _register(service: Escrow, seat: Seat, invited: Invited) -> None:
    try:
        service.invite(
            wire.NewPartnership(
                partnership_id=seat.partnership_id,
                inviter_public=invited.public,
                lookup=protocol.lookup(invited.psk),
                suite=Suite.HMAC.value,
                profile=invited.profile_id,
                acceptor_organization_id=seat.partner_id,
            )
        )
    except ServiceRefused as refusal:
        if seat.partner_id is not None and refusal.code == "not-found":
            raise _nobody_to_invite(refusal) from None
        raise


def _nobody_to_invite(refusal: ServiceRefused) -> ServiceRefused:
    told = "the service has no organization with the organization id that was named; ask your partner for theirs"
    return ServiceRefused(refusal.code, told, status=refusal.status)


def take_acceptance(service: Escrow, file: KeyringFile, seat: Seat, now: datetime) -> Seat:
    """Verify the acceptor's tag once someone has accepted, make the keys and erase what they were made from.

    Raises:
        ConfirmationFailed, VerificationFailed: a key was swapped, or another organization accepted.
        InvitationLapsed: it is too late.
    """
    invited = seat.open_invitation
    if now > invited.expires_at:
        raise InvitationLapsed("nobody accepted the invitation in time, and it has lapsed; invite again")
    shown = service.partnership(seat.partnership_id)
    if shown.state == "invited":
        return seat
    if shown.state == "ended":
        return file.move(seat, Seat.closed)
    paired = service.pairing(seat.partnership_id)
    _check_acceptance(file, seat, invited, shown, paired)
    agreed, exchange = taken(
        invited,
        paired,
        partnership_id=seat.partnership_id,
        g=0,
        inviter_id=file.keyring.organization_id,
        acceptor_id=paired.acceptor_organization_id,
    )
    was_named = seat.partner_id is not None
    return file.move(
        seat,
        lambda held: replace(
            held.with_keys(agreed, exchange, profile_id=invited.profile_id),
            standing=Standing.CONFIRMING if was_named else Standing.UNCONFIRMED,
            partner_id=paired.acceptor_organization_id,
            partner_name=shown.partner.name if shown.partner else "",
        ),
    )


def _check_acceptance(
    file: KeyringFile, seat: Seat, invited: Invited, shown: wire.Partnership, unverified: wire.Pairing
) -> None:
    if (
        unverified.inviter_organization_id != file.keyring.organization_id
        or unverified.inviter_public != invited.public
    ):
        raise VerificationFailed(
            "the service shows another invitation than the one made here; it is void: invite again"
        )
    if seat.partner_id is not None and unverified.acceptor_organization_id != seat.partner_id:
        raise VerificationFailed("another organization accepted than the invitation names; it is void: invite again")
    if shown.partner is None or shown.partner.organization_id != unverified.acceptor_organization_id:
        raise VerificationFailed("the service names two different acceptors; the invitation is void: invite again")


def send_confirmation(service: Escrow, file: KeyringFile, seat: Seat, _: datetime) -> Seat:
    """Send our tag; a second time the service gives the same answer."""
    service.confirm(seat.partnership_id, seat.open_exchange.own_tag)
    return file.move(seat, Seat.paired)
