"""What is looked at for each partnership: how it stands, its keys and profile, and how old both lists are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from escrow import wire
from escrow.client.doctor.checks import Area, Check, fail, ok, skip, warn
from escrow.client.keyring import Keyring
from escrow.client.pairing import without_keys_here
from escrow.client.sdk import Escrow
from escrow.client.seats import Seat, Standing
from escrow.counts import counted
from escrow.errors import EscrowError
from escrow.psi.profile_ids import PROFILE_IDS

__all__ = ["look_at_seat", "look_at_shown", "look_elsewhere"]

_OLD = timedelta(days=45)
_AREA = Area.PARTNERSHIP


def look_at_seat(service: Escrow, seat: Seat, name: str, folder: Path, *, now: datetime) -> Iterator[Check]:
    """Look at one partnership, in its folder here and at the service; nothing of its pairing is moved on."""
    if seat.standing is Standing.CLOSED:
        yield ok("state", _AREA, "ended on this machine", partnership=name)
        return
    try:
        shown = service.partnership(seat.partnership_id)
    except EscrowError as error:
        yield fail("state", _AREA, error.message, "run `escrow status`", partnership=name)
        return
    yield from look_at_shown(seat, shown, name, now=now)
    if shown.list.accounts and seat.standing is Standing.PAIRED and not (folder / "list.sqlite").is_file():
        advice = "`escrow keyring import` a copy from the machine that sent it; without any, `escrow submit --snapshot`"
        yield warn("list here", _AREA, "this machine lacks what it sent of our list", advice, partnership=name)


def look_elsewhere(service: Escrow, keyring: Keyring) -> Iterator[Check]:
    """Warn of each partnership that is open at the service and has no keys in this keyring."""
    try:
        found = without_keys_here(service, keyring)
    except EscrowError:
        return  # the check of the API key has told it
    for shown in found:
        name = shown.partner.name if shown.partner else "invitation"
        reason = f"{shown.state} at the service; this keyring has no keys of it"
        advice = (
            "`escrow keyring import` a copy; without any, `escrow generation start --fresh-pairing --partnership "
            f"{shown.partnership_id}`, or end it and invite"
        )
        yield warn("keys", _AREA, reason, advice, partnership=name)


def look_at_shown(seat: Seat, shown: wire.Partnership, name: str, *, now: datetime) -> Iterator[Check]:
    """Look at what the service says of a partnership beside what this machine keeps of it."""
    yield _standing(seat, shown, name)
    if shown.state != "active" or seat.standing is not Standing.PAIRED:
        return
    yield _keys(seat, shown, name)
    yield _list("our list", shown.list.applied_at, "run `escrow submit` with a fresh export", name, now=now)
    yield _list("their list", shown.their_list.applied_at, "ask your partner to submit theirs", name, now=now)


def _standing(seat: Seat, shown: wire.Partnership, name: str) -> Check:
    told = f"{seat.standing.value} here, {shown.state} at the service"
    if shown.state == "ended":
        return warn("state", _AREA, told, "run `escrow status`, and invite again if you go on", partnership=name)
    if seat.invited is not None:
        told = f"invited: waits until {seat.invited.expires_at:%Y-%m-%d} for their `escrow accept CODE`"
        return warn("state", _AREA, told, "if the code is lost, `escrow end` it and invite again", partnership=name)
    if seat.standing is not Standing.PAIRED or shown.state != "active":
        return warn("state", _AREA, told, "run `escrow status`: it says whose turn it is", partnership=name)
    if shown.paused.ours:
        return warn("state", _AREA, "paused by us", "`escrow resume` takes the pause back", partnership=name)
    if shown.paused.theirs:
        return warn("state", _AREA, "paused by them", "nothing is read until they resume", partnership=name)
    return ok("state", _AREA, told, partnership=name)


def _keys(seat: Seat, shown: wire.Partnership, name: str) -> Check:
    """Compare generation and profile, which both partners' lists share: with another, no token meets."""
    keys, live = seat.keys, shown.generation
    if keys is None or live is None:
        return skip("keys", _AREA, "there are none yet", partnership=name)
    told = f"generation {keys.g}, profile {keys.profile_id}"
    if keys.profile_id not in PROFILE_IDS:
        return fail("keys", _AREA, f"{told}, which this version lacks", "update escrow", partnership=name)
    following = seat.building
    if following is not None and (following.g, following.profile_id) == (live.number, live.profile):
        return ok("keys", _AREA, f"generation {live.number} is live; the next command takes it up", partnership=name)
    if not keys.match_key and keys.g == live.number:
        return warn("keys", _AREA, "none of the live generation", "run `escrow status`", partnership=name)
    if (keys.g, keys.profile_id) != (live.number, live.profile):
        theirs = f"the partnership is at generation {live.number}, profile {live.profile}"
        advice = "import the keyring from the machine that moved up, or update escrow"
        return fail("keys", _AREA, f"{told}; {theirs}", advice, partnership=name)
    return ok("keys", _AREA, f"{told}, the same as the partner's", partnership=name)


def _list(what: str, applied_at: datetime | None, advice: str, name: str, *, now: datetime) -> Check:
    if applied_at is None:
        return warn(what, _AREA, "none yet", advice, partnership=name)
    age = now - applied_at
    told = f"applied {applied_at:%Y-%m-%d}, {_ago(age)}"
    return warn(what, _AREA, told, advice, partnership=name) if age > _OLD else ok(what, _AREA, told, partnership=name)


def _ago(age: timedelta) -> str:
    return f"{counted(age.days, 'day')} ago" if age.days > 0 else "today"
