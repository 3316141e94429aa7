"""`escrow submission withdraw`: take back a list that was sent by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.pairing_up import YesOption, ask, id_without_keys, seat_object
from escrow.client.cli.session import Said, Session, name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from rich.console import Console

    from escrow.wire import Submission

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _submission() -> None: ...


@command(app, "withdraw")
def withdraw(
    session: Session,
    number: Annotated[
        int | None, typer.Argument(help="The submission's number; by default the latest.", show_default=False, min=1)
    ] = None,
    yes: YesOption = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait until the service's list is empty.")] = False,
) -> Said:
    """Withdraw the list that was sent last: it is out of matching at once, and what was found by it is deleted.

    By the partnership's whole id also where this machine does not have the keys, as after the loss of another one.
    """
    lost = _without_keys(session)
    if lost is not None:
        return _withdrawn_without_keys(session, lost, number, yes=yes, wait=not no_wait)
    from escrow.client.filling import settled
    from escrow.client.state import AccountState
    from escrow.client.submitting import Submitter

    seat = session.seat
    again = _charged_again(session, seat.partnership_id)
    if not yes:
        told = (
            f"Withdraw your list from {name_of(seat)}? Its overlaps and details go at once, until a list is sent again."
        )
        ask(f"{told} {again}".rstrip())
    state = AccountState(session.home.partnership(seat.partnership_id))
    with state.held():
        seat = settled(session.service, session.file, state, seat.partnership_id, now=session.now)
        withdrawn = Submitter(session.service, state, seat.paired_keys).withdraw(number, wait=not no_wait)
    return Said({**seat_object(seat), "submission": withdrawn.model_dump(mode="json")}, _shown(withdrawn, again))


def _without_keys(session: Session) -> UUID | None:
    """The partnership that is meant, if the keys of its live generation are not on this machine."""
    from escrow.client.seats import Standing

    lost = id_without_keys(session)
    if lost is not None:
        return lost
    seat = session.chosen
    return seat.partnership_id if seat.standing is Standing.PAIRED and not seat.has_live_key else None


def _withdrawn_without_keys(
    session: Session, partnership_id: UUID, number: int | None, *, yes: bool, wait: bool
) -> Said:
    from escrow.client.sent_lists import withdraw_without_keys

    again = _charged_again(session, partnership_id)
    if not yes:
        told = f"Withdraw your list from the partnership {partnership_id}, whose keys this machine does not have?"
        ask(f"{told} {again}".rstrip())
    withdrawn = withdraw_without_keys(session.service, partnership_id, number, wait=wait)
    machine = {"partnership_id": str(partnership_id), "submission": withdrawn.model_dump(mode="json")}
    return Said(machine, _shown(withdrawn, again))


def _charged_again(session: Session, partnership_id: UUID) -> str:
    """Say what may be sent afterwards, as far as the API key may know it: keys that return are charged as new ones."""
    from escrow.client.cli.granting import allowance_text
    from escrow.errors import ServiceRefused

    try:
        allowance = session.service.allowance(partnership_id)
    except ServiceRefused:
        return ""
    return f"A list sent after that counts as all new: {allowance_text(allowance)}."


def _shown(withdrawn: Submission, again: str) -> Callable[[Console], None]:
    def show(console: Console) -> None:
        console.print(f"Submission {withdrawn.number} is withdrawn.")
        if withdrawn.applied_at is None:
            console.print("It was not applied yet: the list before it stays in use, if there was one.")
            return
        console.print(
            "Nothing is matched with it any more. The latest report stays until the next release, which shows "
            "nothing of it.\nSend the right list with `escrow submit FILE --ready`: your word that the counts are "
            "right is asked for again."
        )
        if again:
            console.print(f"{again} `escrow submit FILE --dry-run` says what yours is charged.")

    return show
