"""The steps of a fresh pairing on this machine: what is sent, what is verified, and when which secret is erased.

::

    starter   INVITED ──accepted, tag good──► CONFIRMING ──tag sent──► the generation is built
    other     ACCEPTING ──tag sent──► ACCEPTED ──starter's tag good──► the generation is built
    either    any of these ──a tag fails, it lapses, or either cancels──► nothing; the live generation goes on

As in the first pairing every step is in the keyring before the service hears of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from escrow import wire
from escrow.client.key_agreements import taken
from escrow.client.keyring import KeyringFile
from escrow.client.sdk import Escrow
from escrow.client.seats import Exchange, FreshPairing, Seat, Standing
from escrow.errors import ConfirmationFailed, EscrowError, ProtocolError, ServiceRefused, VerificationFailed
from escrow.psi import pairing as protocol
from escrow.psi.keys import generation_keys
from escrow.psi.matchkeys import Suite

__all__ = ["advance", "with_keys"]


def advance(service: Escrow, file: KeyringFile, seat: Seat, *, now: datetime) -> Seat:
    """Do every step of a fresh pairing that can be done now; one that is over leaves nothing behind.

    An API key that may not pair leaves it to one that may.

    Raises:
        ConfirmationFailed, VerificationFailed: something was swapped on the way; the fresh pairing is void.
    """
    while (fresh := seat.fresh) is not None:
        moved = _or_void(service, file, seat, fresh, now)
        if moved.fresh is not None and moved.fresh.standing is fresh.standing:
            return moved
        seat = moved
    return seat


def with_keys(fresh: FreshPairing, seat: Seat, agreed: protocol.Pairing, exchange: Exchange) -> FreshPairing:
    """Draw the keys out of the pairing, and erase all that led to them."""
    keys = generation_keys(
        agreed.root, partnership_id=seat.partnership_id, g=fresh.g, suite=Suite.HMAC, profile_id=fresh.profile_id
    )
    return replace(fresh, invited=None, exchange=exchange, keys=keys, check=agreed.check)


def _or_void(service: Escrow, file: KeyringFile, seat: Seat, fresh: FreshPairing, now: datetime) -> Seat:
    try:
        return _STEPS[fresh.standing](service, file, seat, now)
    except ConfirmationFailed:
        _void(service, file, seat, fresh)
        raise ConfirmationFailed(
            "the partner's confirmation is wrong: a key was swapped on the way, or the code was another. The fresh "
            "pairing is void and its keys are erased; the live generation goes on. Tell your partner and, by another "
            "way than before, send them the code of a new one"
        ) from None
    except (ProtocolError, VerificationFailed):
        _void(service, file, seat, fresh)
        raise
    except ServiceRefused as refusal:
        if refusal.code == "scope-missing":
            return seat
        if refusal.status not in {404, 409, 422}:
            raise
        return file.move(seat, Seat.without_fresh)


def _void(service: Escrow, file: KeyringFile, seat: Seat, fresh: FreshPairing) -> None:
    file.move(seat, Seat.without_fresh)
    with contextlib.suppress(EscrowError):  # it is void here whether or not the service hears of it
        service.cancel_generation(seat.partnership_id, fresh.g)


def _take_acceptance(service: Escrow, file: KeyringFile, seat: Seat, now: datetime) -> Seat:
    fresh = seat.open_fresh
    invited = fresh.open_invitation
    if now > invited.expires_at:
        _void(service, file, seat, fresh)
        return file.keyring.seat(seat.partnership_id)
    following = _shown(service, seat, fresh)
    if following is None:
        return file.move(seat, Seat.without_fresh)
    if not following.consents.theirs:
        return seat
    unverified = service.fresh_pairing(seat.partnership_id)
    _must_be_between_us(unverified, inviter=file.keyring.organization_id, acceptor=seat.partner)
    if unverified.inviter_public != invited.public:
        raise VerificationFailed("the service shows another fresh pairing than the one started here; it is void")
    agreed, exchange = taken(
        invited,
        unverified,
        partnership_id=seat.partnership_id,
        g=fresh.g,
        inviter_id=file.keyring.organization_id,
        acceptor_id=seat.partner,
    )
    paired = replace(with_keys(fresh, seat, agreed, exchange), standing=Standing.CONFIRMING)
    return file.move(seat, lambda held: held.with_fresh(paired))


def _send_confirmation(service: Escrow, file: KeyringFile, seat: Seat, _: datetime) -> Seat:
    service.confirm_fresh_pairing(seat.partnership_id, seat.open_fresh.open_exchange.own_tag)
    return file.move(seat, Seat.freshly_paired)


def _send_acceptance(service: Escrow, file: KeyringFile, seat: Seat, _: datetime) -> Seat:
    fresh = seat.open_fresh
    exchange = fresh.open_exchange
    acceptance = wire.Acceptance(
        lookup=exchange.lookup or b"", acceptor_public=exchange.acceptor_public, tag=exchange.own_tag
    )
    service.accept_fresh_pairing(seat.partnership_id, acceptance)
    sent = replace(fresh, standing=Standing.ACCEPTED, exchange=replace(exchange, lookup=None))
    return file.move(seat, lambda held: held.with_fresh(sent))


def _take_confirmation(service: Escrow, file: KeyringFile, seat: Seat, _: datetime) -> Seat:
    fresh = seat.open_fresh
    if _shown(service, seat, fresh) is None:
        return file.move(seat, Seat.without_fresh)
    unverified = service.fresh_pairing(seat.partnership_id)
    _must_be_between_us(unverified, inviter=seat.partner, acceptor=file.keyring.organization_id)
    exchange = fresh.open_exchange
    if (unverified.inviter_public, unverified.acceptor_public) != (exchange.inviter_public, exchange.acceptor_public):
        raise VerificationFailed("the service shows another fresh pairing than the one accepted here; it is void")
    if unverified.inviter_tag is None:
        return seat
    protocol.verify_tag(exchange.expected_tag, unverified.inviter_tag)
    return file.move(seat, Seat.freshly_paired)


_STEPS: dict[Standing, Callable[[Escrow, KeyringFile, Seat, datetime], Seat]] = {
    Standing.INVITED: _take_acceptance,
    Standing.CONFIRMING: _send_confirmation,
    Standing.ACCEPTING: _send_acceptance,
    Standing.ACCEPTED: _take_confirmation,
}


def _shown(service: Escrow, seat: Seat, fresh: FreshPairing) -> wire.NextGeneration | None:
    """What the service shows of our fresh pairing; None once it is over."""
    following = service.partnership(seat.partnership_id).next_generation
    is_ours = following is not None and (following.number, following.fresh_pairing) == (fresh.g, True)
    return following if is_ours else None


def _must_be_between_us(unverified: wire.Pairing, *, inviter: UUID, acceptor: UUID) -> None:
    if (unverified.inviter_organization_id, unverified.acceptor_organization_id) != (inviter, acceptor):
        raise VerificationFailed("the service shows a fresh pairing of others than you and your partner; it is void")
