"""The flow of a pairing on this machine: what is sent, what is verified, and when which secret is erased.

Every step is written to the keyring before the service hears of it, so that a crash or a lost answer is made good by
the next command. A tag that does not verify closes the seat and ends the partnership: fail closed, and invite again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from escrow import wire
from escrow.client import fresh_pairing, fresh_steps
from escrow.client.accepting import accepting_seat, checked_invitation, send_acceptance, take_confirmation
from escrow.client.canary import must_normalise_alike
from escrow.client.inviting import send_confirmation, take_acceptance
from escrow.client.keyring import NOT_OURS, Keyring, KeyringFile, Random
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat, Standing
from escrow.errors import (
    EscrowError,
    InvitationLapsed,
    PartnershipNotReady,
    PartnershipUnknown,
    ProtocolError,
    ServiceRefused,
    VerificationFailed,
)
from escrow.psi.pairing import PairingCode

__all__ = ["accept", "advance", "confirm", "end", "end_without_keys", "without_keys_here"]

Step = Callable[[Escrow, KeyringFile, Seat, datetime], Seat]

_STEPS: dict[Standing, Step] = {
    Standing.INVITED: take_acceptance,
    Standing.CONFIRMING: send_confirmation,
    Standing.ACCEPTING: send_acceptance,
    Standing.ACCEPTED: take_confirmation,
}


def accept(
    service: Escrow,
    file: KeyringFile,
    *,
    code: PairingCode,
    label: str,
    profiles: frozenset[str],
    random: Random,
    now: datetime,
) -> Seat:
    """Check the invitation against the code, make the keys and send the acceptance.

    The code may be of a first pairing, or of a fresh one within a partnership.
    """
    invitation = checked_invitation(service, code=code, profiles=profiles)
    if invitation.generation:
        return fresh_pairing.accept(service, file, invitation, code, label=label, random=random, now=now)
    seat = accepting_seat(file, invitation, code, label=label, random=random)
    file.update(lambda keyring: keyring.with_new_seat(seat))
    return advance(service, file, seat, now=now)


def advance(service: Escrow, file: KeyringFile, seat: Seat, *, now: datetime) -> Seat:
    """Do every step of the pairing that can be done without a person; ``now`` decides whether an invitation has lapsed.

    Raises:
        ConfirmationFailed, VerificationFailed: something was swapped on the way; the partnership is void.
        InvitationLapsed: nobody accepted in time.
        NormalisationDiffers: the pairing is complete, and the partner's client makes other match keys than this one.
    """
    while (step := _STEPS.get(seat.standing)) is not None:
        moved = _or_void(step, service, file, seat, now)
        if moved.standing is seat.standing:
            return moved
        seat = moved
        if seat.standing is Standing.PAIRED:
            _compare_canaries(service, file, seat)
    return fresh_steps.advance(service, file, seat, now=now)


def confirm(service: Escrow, file: KeyringFile, seat: Seat, *, now: datetime) -> Seat:
    """Go on with an acceptor that the invitation did not name, once a person has compared the check."""
    if seat.standing is Standing.UNCONFIRMED:
        seat = file.move(seat, lambda held: replace(held, standing=Standing.CONFIRMING))
    return advance(service, file, seat, now=now)


def end(service: Escrow, file: KeyringFile, seat: Seat) -> Seat:
    """End the partnership at the service and erase its keys here."""
    try:
        service.end(seat.partnership_id)
    except ServiceRefused as refusal:
        if refusal.status != 404 and refusal.code != "partnership-ended":
            raise
    return file.move(seat, Seat.closed)


def without_keys_here(service: Escrow, keyring: Keyring) -> tuple[wire.Partnership, ...]:
    """Give the partnerships of ours that are open at the service and have no seat in this keyring."""
    here = {seat.partnership_id for seat in keyring.seats}
    return tuple(
        shown for shown in service.partnerships() if shown.state != "ended" and shown.partnership_id not in here
    )


def end_without_keys(service: Escrow, partnership_id: UUID) -> wire.Partnership:
    """End a partnership whose keys this machine does not have, as after the loss of another one.

    Raises:
        PartnershipUnknown: the service has none of ours by this id.
    """
    try:
        return service.end(partnership_id)
    except ServiceRefused as refusal:
        if refusal.status != 404:
            raise
        raise PartnershipUnknown(NOT_OURS) from None


def _compare_canaries(service: Escrow, file: KeyringFile, seat: Seat) -> None:
    try:
        must_normalise_alike(service, file, seat, seat.live_keys)
    except ServiceRefused as refusal:
        # A key that may pair and not submit: whoever submits compares then.
        if refusal.code != "scope-missing":
            raise


def _or_void(step: Step, service: Escrow, file: KeyringFile, seat: Seat, now: datetime) -> Seat:
    try:
        return step(service, file, seat, now)
    except (ProtocolError, VerificationFailed, InvitationLapsed):
        _close(service, file, seat)
        raise
    except ServiceRefused as refusal:
        if refusal.status != 409:
            raise
        _close(service, file, seat)
        raise PartnershipNotReady(f"the service gave the pairing up ({refusal.code}); invite again") from None


def _close(service: Escrow, file: KeyringFile, seat: Seat) -> None:
    file.move(seat, Seat.closed)
    with contextlib.suppress(EscrowError):  # the seat is closed here whether or not the service hears of it
        service.end(seat.partnership_id)
