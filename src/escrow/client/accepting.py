"""The acceptor's half of a pairing: the inviter is checked against the code, and its tag against the one expected."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from escrow import wire
from escrow.client.key_agreements import answered
from escrow.client.keyring import KeyringFile, Random
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat, Standing
from escrow.errors import GenerationInvalid, PartnershipHeld, ServiceRefused
from escrow.psi import pairing as protocol
from escrow.psi.matchkeys import Suite
from escrow.terms import Side

__all__ = ["accepting_seat", "checked_invitation", "send_acceptance", "take_confirmation"]


def checked_invitation(service: Escrow, *, code: protocol.PairingCode, profiles: frozenset[str]) -> wire.Invitation:
    """Find the invitation of a code, which is for the first pairing or for a fresh one, and check it against the code.

    Raises:
        InviterMismatch: the service shows another invitation than the code was made for.
        GenerationInvalid: the invitation is for a suite or profile that this version does not know.
        ServiceRefused: no invitation waits for us under this code.
    """
    invitation = _invitation(service, protocol.lookup(code.psk))
    protocol.check_inviter(
        code,
        partnership_id=invitation.partnership_id,
        inviter_org_id=invitation.inviter.organization_id,
        inviter_public=invitation.inviter_public,
    )
    _check_known(invitation, profiles)
    return invitation


def accepting_seat(
    file: KeyringFile, invitation: wire.Invitation, code: protocol.PairingCode, *, label: str, random: Random
) -> Seat:
    """Make the keys of a first pairing; both the pairing secret and the private key end here.

    Raises:
        InviterMismatch: the invitation is one of our own.
        PartnershipHeld: the keyring has the partnership already.
    """
    if any(seat.partnership_id == invitation.partnership_id for seat in file.keyring.seats):
        raise PartnershipHeld("this invitation was accepted from here before; `escrow status` shows how it stands")
    agreed, exchange = answered(invitation, code, acceptor_id=file.keyring.organization_id, random=random)
    seat = Seat(
        partnership_id=invitation.partnership_id,
        label=label,
        side=Side.RIGHT,
        standing=Standing.ACCEPTING,
        partner_id=invitation.inviter.organization_id,
        partner_name=invitation.inviter.name,
    )
    return seat.with_keys(agreed, exchange, profile_id=invitation.profile)


def _invitation(service: Escrow, lookup: bytes) -> wire.Invitation:
    try:
        return service.look_up(lookup)
    except ServiceRefused as refusal:
        if refusal.status != 404:
            raise
        raise ServiceRefused(
            refusal.code,
            "no invitation waits for you under this code: it was accepted already, has lapsed or ended, or is meant "
            "for another organization; `escrow status` shows what you have accepted",
            status=refusal.status,
        ) from None


def _check_known(invitation: wire.Invitation, profiles: frozenset[str]) -> None:
    if invitation.suite != Suite.HMAC:
        raise GenerationInvalid("the invitation is for a suite that this version does not have: update escrow")
    if invitation.profile not in profiles:
        known = " and ".join(sorted(profiles))
        raise GenerationInvalid(
            f"the invitation is for profile {invitation.profile}, and this version has {known}: "
            "update escrow, or ask for an invitation made with --profile"
        )


def send_acceptance(service: Escrow, file: KeyringFile, seat: Seat, _: datetime) -> Seat:
    """Send our public key and tag; a second time the service gives the same answer."""
    exchange = seat.open_exchange
    acceptance = wire.Acceptance(
        lookup=exchange.lookup or b"", acceptor_public=exchange.acceptor_public, tag=exchange.own_tag
    )
    service.accept(seat.partnership_id, acceptance)
    return file.move(
        seat, lambda held: replace(held, standing=Standing.ACCEPTED, exchange=replace(exchange, lookup=None))
    )


def take_confirmation(service: Escrow, file: KeyringFile, seat: Seat, _: datetime) -> Seat:
    """Verify the inviter's tag once it is there.

    Raises:
        ConfirmationFailed: it is not the one the pairing code leads to.
    """
    exchange = seat.open_exchange
    if service.partnership(seat.partnership_id).state == "ended":
        return file.move(seat, Seat.closed)
    unverified = service.pairing(seat.partnership_id)
    if unverified.inviter_tag is None:
        return seat
    protocol.verify_tag(exchange.expected_tag, unverified.inviter_tag)
    return file.move(seat, Seat.paired)
