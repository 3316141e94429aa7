"""A fresh pairing within a partnership: a new code, and the next generation under keys that follow from none before.

It is how a leaked key is left behind, and how a machine that was lost is replaced. Whoever has no keys here takes the
service's word for which generation is live and who the partner is, and for nothing that the code or a tag vouches for.
The steps that follow are in ``fresh_steps``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from escrow import wire
from escrow.client.fresh_steps import advance, with_keys
from escrow.client.generations import follow
from escrow.client.key_agreements import answered, code_of, new_invitation
from escrow.client.keyring import KeyringFile, Random
from escrow.client.sdk import Escrow
from escrow.client.seats import FreshPairing, Seat, Standing
from escrow.errors import EscrowError, GenerationInvalid, InviterMismatch, PartnershipNotReady, ProfileUnknown
from escrow.psi import pairing as protocol
from escrow.psi.keys import GenerationKeys
from escrow.psi.matchkeys import Suite

__all__ = ["PrintedCode", "accept", "seat_without_keys", "start"]


@dataclass(frozen=True, slots=True)
class PrintedCode:
    """A seat whose fresh pairing waits for the partner, and the code to carry to them; the code is kept nowhere."""

    seat: Seat
    shown: wire.Partnership
    code: str = field(repr=False)


def start(
    service: Escrow,
    file: KeyringFile,
    seat: Seat,
    *,
    profile_id: str,
    profiles: Collection[str],
    agree: Callable[[int, str], None],
    random: Random,
    now: datetime,
) -> PrintedCode:
    """Propose a generation under fresh keys and give its code; ``agree`` asks our user, and raises if she does not.

    The seat may be one without keys that the keyring does not have yet.

    Raises:
        ProfileUnknown: this version does not have the profile.
        PartnershipNotReady: a generation is being built, which is to be cancelled first.
        ServiceRefused: it is too soon, or the partner has started a fresh pairing too.
    """
    if profile_id not in profiles:
        raise ProfileUnknown(f"this version of escrow does not have the profile {profile_id}; update it first")
    shown = service.partnership(seat.partnership_id)
    seat = _on_the_live(file, seat, shown, now)
    number = _next_number(shown)
    agree(number, profile_id)
    invited = new_invitation(profile_id, random=random, now=now)
    fresh = FreshPairing(number, Standing.INVITED, profile_id, invited=invited)
    is_new = _put(file, seat, fresh)
    half = wire.FreshPairing(lookup=protocol.lookup(invited.psk), inviter_public=invited.public)
    try:
        shown = service.start_generation(seat.partnership_id, number, profile_id, fresh=half)
    except EscrowError:
        _take_back(file, seat.partnership_id, is_new=is_new)
        raise
    code = code_of(invited, partnership_id=seat.partnership_id, inviter_id=file.keyring.organization_id)
    return PrintedCode(file.keyring.seat(seat.partnership_id), shown, code)


def accept(
    service: Escrow,
    file: KeyringFile,
    invitation: wire.Invitation,
    code: protocol.PairingCode,
    *,
    label: str,
    random: Random,
    now: datetime,
) -> Seat:
    """Answer the partner's fresh pairing, whose starter was checked against the code; the private key ends here.

    Raises:
        InviterMismatch: the code is of another organization than the partner, or of our own.
        GenerationInvalid: the number is not the next one.
        PartnershipNotReady: it was cancelled in the meantime.
    """
    shown = service.partnership(invitation.partnership_id)
    seat = _own_seat(file, invitation.partnership_id) or seat_without_keys(shown, label=label)
    if seat.partner != invitation.inviter.organization_id:
        raise InviterMismatch("this pairing code is not of the partner in this partnership; ask them for another")
    seat = _on_the_live(file, seat, shown, now)
    if invitation.generation != _next_number(shown):
        raise GenerationInvalid("the fresh pairing is for another generation than the next one; ask for a new code")
    _put(file, seat, _accepting(file, seat, invitation, code, random))
    seat = advance(service, file, file.keyring.seat(seat.partnership_id), now=now)
    if seat.fresh is None and seat.building is None:
        raise PartnershipNotReady("the fresh pairing was cancelled or has lapsed; ask your partner for another code")
    return seat


def seat_without_keys(shown: wire.Partnership, *, label: str = "") -> Seat:
    """Make the seat of a machine that has lost all keys of a partnership, as the service shows it.

    Raises:
        PartnershipNotReady: the partnership is not active.
    """
    live, partner = shown.generation, shown.partner
    if shown.state != "active" or live is None or partner is None:
        raise PartnershipNotReady(
            f"the partnership is {shown.state} at the service; only an active one is paired afresh"
        )
    return Seat(
        partnership_id=shown.partnership_id,
        label=label,
        side=shown.side,
        standing=Standing.PAIRED,
        partner_id=partner.organization_id,
        partner_name=partner.name,
        keys=_absent_keys(shown.partnership_id, live),
    )


def _absent_keys(partnership_id: UUID, live: wire.Generation) -> GenerationKeys:
    if live.suite != Suite.HMAC:
        raise GenerationInvalid("the partnership uses a suite that this version does not have: update escrow")
    return GenerationKeys(partnership_id, live.number, Suite.HMAC, live.profile, b"", b"", b"")


def _on_the_live(file: KeyringFile, seat: Seat, shown: wire.Partnership, now: datetime) -> Seat:
    """Bring the seat to the generation that is live; keys that are older than that are of no use any more."""
    following = shown.next_generation
    if following is not None and following.state == "building":
        raise PartnershipNotReady(
            f"generation {following.number} is being built; `escrow generation cancel` gives it up, then try again"
        )
    held, live = _own_seat(file, seat.partnership_id), shown.generation
    if held is None or live is None:
        return seat
    if live.number > held.newest_keys.g:
        fallen_behind = _absent_keys(seat.partnership_id, live)
        return file.move(held, lambda each: replace(each, keys=fallen_behind, building=None, consent=None))
    return follow(file, held, shown, now=now)


def _own_seat(file: KeyringFile, partnership_id: UUID) -> Seat | None:
    return next((seat for seat in file.keyring.seats if seat.partnership_id == partnership_id), None)


def _next_number(shown: wire.Partnership) -> int:
    return (shown.latest_generation or 0) + 1


def _put(file: KeyringFile, seat: Seat, fresh: FreshPairing) -> bool:
    """Write the fresh pairing down before the service hears of it; tell whether the seat is new."""
    if _own_seat(file, seat.partnership_id) is None:
        file.update(lambda keyring: keyring.with_new_seat(seat.with_fresh(fresh)))
        return True
    file.move(seat, lambda held: held.with_fresh(fresh))
    return False


def _take_back(file: KeyringFile, partnership_id: UUID, *, is_new: bool) -> None:
    if is_new:
        file.update(lambda keyring: keyring.without_seat(partnership_id))
    else:
        file.move(file.keyring.seat(partnership_id), Seat.without_fresh)


def _accepting(
    file: KeyringFile, seat: Seat, invitation: wire.Invitation, code: protocol.PairingCode, random: Random
) -> FreshPairing:
    agreed, exchange = answered(invitation, code, acceptor_id=file.keyring.organization_id, random=random)
    fresh = FreshPairing(invitation.generation, Standing.ACCEPTING, invitation.profile)
    return with_keys(fresh, seat, agreed, exchange)
