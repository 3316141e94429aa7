"""`escrow generation start` and `cancel`: the next key, and maybe the next profile, by the word of both users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.pairing_up import YesOption, ask, id_without_keys, seat_object
from escrow.client.cli.session import Said, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from escrow.client.seats import Seat
    from escrow.wire import NextGeneration, Partnership

__all__ = ["app", "generation_lines"]

app = typer.Typer(no_args_is_help=True)


@command(app, "start")
def start(
    session: Session,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", help="Normalisation profile; by default what the partner proposed, else the newest we have."
        ),
    ] = None,
    yes: YesOption = False,
) -> Said:
    """Rotate the key of a partnership: propose the next generation, or consent to the partner's proposal."""
    from escrow.client.generations import start as start_generation
    from escrow.psi.profile_ids import LATEST_PROFILE, PROFILE_IDS

    def agree(number: int, profile_id: str) -> None:
        if not yes:
            ask(f"Start generation {number}, with a new key and profile {profile_id}? Your partner has to do the same.")

    started = start_generation(
        session.service,
        session.file,
        session.seat,
        profile_id=profile,
        profiles=PROFILE_IDS,
        latest=LATEST_PROFILE,
        agree=agree,
        now=session.now,
    )

    def show(console: Console) -> None:
        for line in generation_lines(started.seat, started.shown):
            console.print(line.strip())
        if started.shown.next_generation is not None and started.shown.next_generation.state == "building":
            console.print("`escrow submit` fills it beside the live one from now on; nothing else is to be done.")

    return Said({**seat_object(started.seat), **_object(started.seat, started.shown)}, show)


@command(app, "cancel")
def cancel(session: Session, yes: YesOption = False) -> Said:
    """Take back or decline what is proposed, or give up what is being built; the live generation goes on.

    By its whole id also in a partnership whose keys this machine does not have.
    """
    from escrow.client.filling import settled
    from escrow.client.generations import cancel as cancel_generation
    from escrow.client.state import AccountState

    lost = id_without_keys(session)
    if lost is not None:
        return _cancelled_without_keys(session, lost, yes=yes)
    seat = session.seat

    def agree(number: int) -> None:
        if not yes:
            waits = "" if seat.has_live_key else " The old key is erased already: lists wait for another generation."
            ask(f"Give up generation {number}, for both sides?{waits}")

    state = AccountState(session.home.partnership(seat.partnership_id))
    with state.held():
        cancelled = cancel_generation(session.service, session.file, seat, agree=agree, now=session.now)
        seat = settled(session.service, session.file, state, seat.partnership_id, now=session.now)
    return _said_cancelled({**seat_object(seat), "cancelled": cancelled is not None, "generation": seat.live_keys.g})


def _cancelled_without_keys(session: Session, partnership_id: UUID, *, yes: bool) -> Said:
    from escrow.client.generations import cancel_without_keys

    def agree(number: int) -> None:
        if not yes:
            ask(f"Give up generation {number} of the partnership {partnership_id}, for both sides?")

    cancelled = cancel_without_keys(session.service, partnership_id, agree=agree)
    return _said_cancelled({"partnership_id": str(partnership_id), "pairing": None, "cancelled": cancelled})


def _said_cancelled(machine: dict[str, object]) -> Said:
    told = "Cancelled; the live generation goes on." if machine["cancelled"] else "No generation is proposed or built."
    return Said(machine, lambda console: console.print(told))


def generation_lines(seat: Seat, shown: Partnership) -> Iterator[str]:
    """Tell a person of the generation after the live one: who is to do what, and when the old key goes."""
    following = shown.next_generation
    if following is None:
        return
    named = f"  generation   {following.number} (profile {following.profile})"
    if following.state == "proposed" and following.consents.ours:
        yield f"{named}: proposed by us; your partner consents with `escrow generation start`"
    elif following.state == "proposed":
        yield f"{named}: proposed by your partner; `escrow generation start` consents, `cancel` declines"
    elif seat.building is None:
        yield f"{named}: started elsewhere; import the keyring of the machine that did, and submit from there"
    else:
        yield f"{named}: being filled{_missing(following)}"
        yield f"  old key      {_old_key(seat)}"


def _missing(following: NextGeneration) -> str:
    missing = [
        told
        for told, applied_at in (
            ("our list (`escrow submit`)", following.applied_at),
            ("their list", following.their_applied_at),
        )
        if applied_at is None
    ]
    return f"; missing: {' and '.join(missing)}" if missing else ", both lists are complete; the switch follows"


def _old_key(seat: Seat) -> str:
    from escrow.client.generations import OLD_KEY_LASTS

    if not seat.has_live_key:
        return "erased; lists and details wait until their list is complete too"
    if seat.complete_since is None:
        return "erased at the switch"
    return f"erased at the switch, on {seat.complete_since + OLD_KEY_LASTS:%Y-%m-%d} at the latest"


def _object(seat: Seat, shown: Partnership) -> dict[str, object]:
    following = shown.next_generation
    return {
        "generation": seat.live_keys.g,
        "building": None if seat.building is None else seat.building.g,
        "next_generation": None if following is None else following.model_dump(mode="json"),
    }
