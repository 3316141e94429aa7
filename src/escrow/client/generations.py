"""Moving up: our user says so, the partner's user does too, and only then this machine makes the next key.

::

    nothing ──`generation start`──▶ consented ──both have said so──▶ building ──the service shows it live──▶ nothing

The service's word moves nothing by itself: without our user's consent to exactly this number and profile no key is
made, and a live generation that is lower than ours, or one that we hold no key of, is refused. Every step is in the
keyring before the next one, so that a crash between any two is made good by the next command.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from escrow import wire
from escrow.client.keyring import KeyringFile
from escrow.client.sdk import Escrow
from escrow.client.seats import Consent, Seat, Standing
from escrow.errors import GenerationInvalid, ProfileUnknown, ServiceRefused
from escrow.psi.keys import GenerationKeys

__all__ = ["OLD_KEY_LASTS", "Started", "follow", "start"]

#: For how long the live key is kept once our own list is complete in the generation after it.
OLD_KEY_LASTS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Started:
    """Our seat after a consent, and what the service shows."""

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
    seat = follow(file, seat, shown, now=now)
    keys = seat.newest_keys
    if seat.building is not None:
        return Started(seat, shown)
    wanted = Consent(keys.g + 1, profile_id or _proposed_profile(shown, keys) or latest)
    if wanted.profile_id not in profiles:
        raise ProfileUnknown(f"this version of escrow does not have the profile {wanted.profile_id}; update it first")
    agree(wanted.g, wanted.profile_id)
    seat = file.move(seat, lambda held: replace(held, consent=wanted))
    try:
        shown = service.start_generation(seat.partnership_id, wanted.g, wanted.profile_id)
    except ServiceRefused:
        file.move(seat, lambda held: replace(held, consent=None))
        raise
    return Started(follow(file, seat, shown, now=now), shown)


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
    return _follow_building(file, seat, shown.next_generation, now)


def _follow_building(file: KeyringFile, seat: Seat, following: wire.NextGeneration | None, now: datetime) -> Seat:
    is_building = following is not None and following.state == "building"
    if following is None or not is_building:
        if seat.building is not None:
            raise GenerationInvalid(
                f"the service does not show generation {seat.building.g} any more, which both sides started; "
                "ask the operator whether a backup was restored"
            )
        return seat
    if seat.building is None:
        if seat.consent is None:
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


def _proposed_profile(shown: wire.Partnership, keys: GenerationKeys) -> str | None:
    following = shown.next_generation
    if following is None:
        return None
    if following.number != keys.g + 1:
        raise GenerationInvalid(f"generation {keys.g} is followed by {keys.g + 1} and by no other")
    return following.profile


def _must_be_consented(consent: Consent, following: wire.NextGeneration) -> None:
    if (following.number, following.profile) != (consent.g, consent.profile_id):
        raise GenerationInvalid(
            f"the service builds generation {following.number} with profile {following.profile}, and you consented to "
            f"{consent.g} with {consent.profile_id}; agree with your partner, then run `escrow generation start` again"
        )


def _is(shown: wire.Generation | wire.NextGeneration, keys: GenerationKeys) -> bool:
    return (shown.number, shown.profile, shown.suite) == (keys.g, keys.profile_id, keys.suite.value)
