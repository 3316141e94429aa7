"""Moving up: our user says so, the partner's user does too, and only then this machine makes the next key.

::

    nothing ──`generation start`──▶ consented ──both have said so──▶ building ──the service shows it live──▶ nothing
                                       └────────either cancels──────────┴──▶ nothing, and what was built is passed over

The service's word moves nothing by itself: without our user's consent to exactly this number and profile no key is
made, and a live generation that is lower than ours, or one that we hold no key of, is refused. Every step is in the
keyring before the next one, so that a crash between any two is made good by the next command.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from escrow import wire
from escrow.client.keyring import NOT_OURS, KeyringFile
from escrow.client.sdk import Escrow
from escrow.client.seats import Consent, Seat, Standing
from escrow.errors import GenerationInvalid, PartnershipNotReady, PartnershipUnknown, ProfileUnknown, ServiceRefused
from escrow.psi.keys import GenerationKeys

__all__ = ["OLD_KEY_LASTS", "Started", "cancel", "cancel_without_keys", "follow", "start"]

#: For how long the live key is kept once our own list is complete in the generation after it.
OLD_KEY_LASTS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Started:
    """Our seat after a consent or a cancellation, and what the service shows."""

    seat: Seat
    shown: wire.Partnership


def start(
    service: Escrow,
    file: KeyringFile,
    seat: Seat,
    *,
    profile_id: str | None,
    profiles: Collection[str],
    latest: str,
    agree: Callable[[int, str], None],
    now: datetime,
) -> Started:
    """Propose the next generation or consent to the partner's; ``agree`` asks our user, and raises if she does not.

    Without a profile it is the one that the partner proposed, else ``latest``.

    Raises:
        ProfileUnknown: this version does not have the profile.
        ServiceRefused: the partner named another profile, or it is too soon.
        GenerationInvalid: the service shows a number that falls or jumps.
    """
    shown = service.partnership(seat.partnership_id)
    seat = _past_the_cancelled(file, follow(file, seat, shown, now=now), shown)
    keys = seat.newest_keys
    if seat.building is not None:
        return Started(seat, shown)
    _must_be_a_rotation(seat, shown)
    wanted = Consent(keys.next_number, profile_id or _proposed_profile(shown, keys) or latest)
    if wanted.profile_id not in profiles:
        raise ProfileUnknown(f"this version of escrow does not have the profile {wanted.profile_id}; update it first")
    agree(wanted.g, wanted.profile_id)
    seat = file.move(seat, lambda held: replace(held, consent=wanted))
    try:
        shown = service.start_generation(seat.partnership_id, wanted.g, wanted.profile_id)
    except ServiceRefused:
        file.move(seat, lambda held: replace(held, consent=None))
        raise
    # Another command may have run before the service knew of it, and forgotten it.
    seat = file.move(seat, lambda held: replace(held, consent=wanted))
    return Started(follow(file, seat, shown, now=now), shown)


def cancel(
    service: Escrow, file: KeyringFile, seat: Seat, *, agree: Callable[[int], None], now: datetime
) -> Started | None:
    """Take a proposal back, decline the partner's or give up what is being built; None if there is nothing of it.

    ``agree`` asks our user, and raises if she does not. Keys that were made are erased, and their number passed over.

    Raises:
        ServiceRefused: it went live in the meantime.
    """
    shown = service.partnership(seat.partnership_id)
    seat = follow(file, seat, shown, now=now)
    if shown.next_generation is None:
        return None
    agree(shown.next_generation.number)
    shown = service.cancel_generation(seat.partnership_id, shown.next_generation.number)
    seat = file.move(seat, Seat.without_fresh)
    return Started(follow(file, seat, shown, now=now), shown)


def cancel_without_keys(service: Escrow, partnership_id: UUID, *, agree: Callable[[int], None]) -> bool:
    """Cancel what is proposed or built where this machine has no keys; tell whether there was anything.

    Raises:
        PartnershipUnknown: the service has no such partnership of ours.
    """
    following = shown_without_keys(service, partnership_id).next_generation
    if following is None:
        return False
    agree(following.number)
    service.cancel_generation(partnership_id, following.number)
    return True


def shown_without_keys(service: Escrow, partnership_id: UUID) -> wire.Partnership:
    """Look at a partnership that this keyring has no seat of.

    Raises:
        PartnershipUnknown: the service has none of ours by this id.
    """
    try:
        return service.partnership(partnership_id)
    except ServiceRefused as refusal:
        if refusal.status != 404:
            raise
        raise PartnershipUnknown(NOT_OURS) from None


def follow(file: KeyringFile, seat: Seat, shown: wire.Partnership, *, now: datetime) -> Seat:
    """Bring our seat to where the partnership stands, as far as our user has consented to it.

    Raises:
        GenerationInvalid: the service shows a generation that falls, jumps or is not the one consented to.
    """
    if seat.standing is not Standing.PAIRED or shown.state != "active" or shown.generation is None:
        return seat
    if seat.building is not None and _is(shown.generation, seat.building):
        seat = file.move(seat, Seat.switched)
    if not _is(shown.generation, seat.live_keys):
        raise GenerationInvalid(
            f"the service is at generation {shown.generation.number} and this keyring at {seat.live_keys.g}, profile "
            f"{seat.live_keys.profile_id}; import the keyring from the machine that moved up, or update escrow"
        )
    return _follow_building(file, seat, shown, now)


def _follow_building(file: KeyringFile, seat: Seat, shown: wire.Partnership, now: datetime) -> Seat:
    following = shown.next_generation
    is_building = following is not None and following.state == "building"
    if following is None or not is_building:
        return _without_building(file, seat, shown)
    if seat.building is None:
        if seat.consent is None or following.fresh_pairing:
            # No key that this machine can make: another one started it.
            return seat
        _must_be_consented(seat.consent, following)
        seat = file.move(seat, Seat.moved_up)
    if not _is(following, seat.newest_keys):
        raise GenerationInvalid("the service shows another next generation than the one both sides started")
    if following.applied_at is not None and seat.complete_since is None:
        seat = file.move(seat, lambda held: replace(held, complete_since=now))
    if seat.complete_since is not None and seat.has_live_key and now >= seat.complete_since + OLD_KEY_LASTS:
        seat = file.move(seat, Seat.without_live_key)
    return seat


def _without_building(file: KeyringFile, seat: Seat, shown: wire.Partnership) -> Seat:
    """Go on where nothing is being built: what was is cancelled, and a consent holds as long as it is proposed."""
    latest = shown.latest_generation or 0
    if seat.building is not None:
        if latest < seat.building.g:
            raise GenerationInvalid(
                f"the service does not show generation {seat.building.g} any more, which both sides started; "
                "ask the operator whether a backup was restored"
            )
        return file.move(seat, lambda held: held.passed(latest))
    if seat.consent is not None and shown.next_generation is None:
        return file.move(seat, lambda held: replace(held, consent=None))
    return seat


def _past_the_cancelled(file: KeyringFile, seat: Seat, shown: wire.Partnership) -> Seat:
    """Pass over numbers that were built and cancelled while this machine did not look."""
    latest, following = shown.latest_generation or 0, shown.next_generation
    is_building = following is not None and following.state == "building"
    if is_building or latest < seat.live_keys.next_number:
        return seat
    return file.move(seat, lambda held: held.passed(latest))


def _must_be_a_rotation(seat: Seat, shown: wire.Partnership) -> None:
    following = shown.next_generation
    if seat.fresh is not None:
        raise PartnershipNotReady("a fresh pairing is under way; `escrow generation cancel` gives it up")
    if following is not None and following.fresh_pairing:
        raise PartnershipNotReady(
            "your partner has started a fresh pairing: run `escrow accept CODE` with the code that they send you, or "
            "`escrow generation cancel`"
        )
    if not seat.live_keys.next_root:
        raise PartnershipNotReady("this machine has no key to rotate; add --fresh-pairing to make new ones")


def _proposed_profile(shown: wire.Partnership, keys: GenerationKeys) -> str | None:
    following = shown.next_generation
    if following is None:
        return None
    if following.number != keys.next_number:
        raise GenerationInvalid(f"generation {keys.g} is followed by {keys.next_number} and by no other")
    return following.profile


def _must_be_consented(consent: Consent, following: wire.NextGeneration) -> None:
    if (following.number, following.profile) != (consent.g, consent.profile_id):
        raise GenerationInvalid(
            f"the service builds generation {following.number} with profile {following.profile}, and you consented to "
            f"{consent.g} with {consent.profile_id}; agree with your partner, then run `escrow generation start` again"
        )


def _is(shown: wire.Generation | wire.NextGeneration, keys: GenerationKeys) -> bool:
    return (shown.number, shown.profile, shown.suite) == (keys.g, keys.profile_id, keys.suite.value)
