"""`escrow generation start` and `cancel`: the next key, and maybe the next profile, by the word of both users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.pairing_up import YesOption, ask, id_without_keys, lost_terms, seat_object
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import printable, without_controls

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
    fresh_pairing: Annotated[
        bool,
        typer.Option(
            "--fresh-pairing", help="New keys by a new pairing code: if one may have leaked, or a machine was lost."
        ),
    ] = False,
    yes: YesOption = False,
) -> Said:
    """Rotate the key of a partnership: propose the next generation, or consent to the partner's proposal.

    With --fresh-pairing it prints a code, which the partner accepts with `escrow accept CODE`.
    """
    from escrow.client.generations import start as start_generation
    from escrow.psi.profile_ids import LATEST_PROFILE, PROFILE_IDS

    if fresh_pairing:
        return _paired_afresh(session, profile, yes=yes)

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
    machine = {**seat_object(started.seat), **_object(started.seat, started.shown)}
    return Said(machine, lambda console: _show_started(console, started.seat, started.shown))


def _show_started(console: Console, seat: Seat, shown: Partnership) -> None:
    for line in generation_lines(seat, shown):
        console.print(line.strip())
    if shown.next_generation is not None and shown.next_generation.state == "building":
        console.print("`escrow submit` fills it beside the live one from now on; nothing else is to be done.")


def _paired_afresh(session: Session, profile: str | None, *, yes: bool) -> Said:
    from escrow.client.fresh_pairing import seat_without_keys, start
    from escrow.client.generations import shown_without_keys
    from escrow.psi.profile_ids import LATEST_PROFILE, PROFILE_IDS

    lost = id_without_keys(session)
    seat = session.seat if lost is None else seat_without_keys(shown_without_keys(session.service, lost))
    partner = f"{without_controls(seat.partner_name)} ({seat.partner_id})"

    def agree(number: int, profile_id: str) -> None:
        if not yes:
            ask(f"Start generation {number} with {partner}, by a fresh pairing and with profile {profile_id}?")

    printed = start(
        session.service,
        session.file,
        seat,
        profile_id=profile or LATEST_PROFILE,
        profiles=PROFILE_IDS,
        agree=agree,
        random=session.random,
        now=session.now,
    )

    def show(console: Console) -> None:
        console.print(f"Send this pairing code to {printable(partner)} by mail, chat or phone, within 7 days:\n")
        console.print(f"  [bold]{printed.code}[/]\n")
        console.print("They run `escrow accept CODE`. It is shown once, and is a secret until they did.")
        told = "Then `escrow submit` on both sides fills the new generation; the live one goes on until then."
        console.print(told + lost_terms(printed.seat))

    return Said({**seat_object(printed.seat), **_object(printed.seat, printed.shown), "code": printed.code}, show)


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
    if following.state == "proposed" and following.fresh_pairing:
        yield f"{named}: {_pairing_waits_for(seat, following)}"
    elif following.state == "proposed" and following.consents.ours:
        yield f"{named}: proposed by us; your partner consents with `escrow generation start`"
    elif following.state == "proposed":
        yield f"{named}: proposed by your partner; `escrow generation start` consents, `cancel` declines"
    elif seat.building is None:
        yield f"{named}: started elsewhere; import the keyring of the machine that did, or `escrow generation cancel`"
    else:
        yield f"{named}: being filled{_missing(following)}"
        yield f"  old key      {_old_key(seat)}"


def _pairing_waits_for(seat: Seat, following: NextGeneration) -> str:
    if not following.consents.ours:
        return "your partner has started a fresh pairing; `escrow accept CODE` takes the code that they send"
    if seat.fresh is None:
        return "a fresh pairing was begun on another machine of yours; go on there, or `escrow generation cancel`"
    if not following.consents.theirs:
        return "fresh pairing; your partner takes the code that you were shown with `escrow accept CODE`"
    return "fresh pairing; it is complete once a command of the side that started it has run"


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
