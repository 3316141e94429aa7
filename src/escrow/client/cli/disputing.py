"""`escrow disputes`: say that a match is wrong, see what is disputed, take it back."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.pairing_up import YesOption, ask, seat_object
from escrow.client.cli.session import Said, Session, name_of
from escrow.client.cli.texts import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from escrow.client.disputing import Disputed
    from escrow.client.seats import Seat
    from escrow.client.state import AccountState
    from escrow.reports.report import ListedOverlap
    from escrow.wire import Dispute

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

NumberArgument = Annotated[int, typer.Argument(help="The dispute's number: `escrow disputes list`.", min=1)]


class Reason(StrEnum):
    """Why a match is wrong."""

    DIFFERENT_COMPANY = "different-company"
    RELATED_COMPANY = "related-company"
    OUTDATED = "outdated"
    OTHER = "other"


@app.callback()
def _disputes() -> None: ...


@command(app, "add")
def add(
    session: Session,
    match_id: Annotated[str, typer.Argument(help="The match's id, or its first letters: `escrow overlaps --ids`.")],
    reason: Annotated[Reason, typer.Option("--reason", help="Why the match is wrong.")] = Reason.DIFFERENT_COMPANY,
    yes: YesOption = False,
) -> Said:
    """Dispute a match: both sides lose it from overlaps and details at once, and from counts with the next release."""
    from escrow.client.disputing import dispute

    seat, state = _seat_and_state(session)
    with state.held():
        wrong = _meant(session, seat, state, match_id)
        if not yes:
            ask(f"Dispute {wrong.account_name}? The match is gone for you and {name_of(seat)} until you withdraw.")
        made = dispute(session.service, seat, state, wrong, reason.value)

    def show(console: Console) -> None:
        console.print(f"Dispute {made.number}: {printable(wrong.account_name)} is matched no more, for both sides.")
        console.print(
            "The latest report stays; the next release counts without it. A weaker match of the account may take its "
            f"place.\n`escrow disputes withdraw {made.number}` takes the dispute back."
        )

    return Said({**seat_object(seat), "dispute": _object(made), "account_name": wrong.account_name}, show)


@command(app, "list")
def list_disputes(session: Session) -> Said:
    """List what is disputed: by us, with all that was withdrawn, and which of our accounts our partner disputes."""
    from escrow.client.disputing import read_disputed

    seat, state = _seat_and_state(session)
    with state.held():
        found = read_disputed(session.service, seat, state)
    machine = {
        **seat_object(seat),
        "ours": [_account_object(each) | _object(each.made) for each in found if each.made is not None],
        "theirs": [_account_object(each) for each in found if each.made is None],
    }
    return Said(machine, lambda console: _show(console, found))


@command(app, "withdraw")
def withdraw(session: Session, number: NumberArgument) -> Said:
    """Withdraw a dispute of ours: the match is back soon, if the two lists still have it."""
    seat = session.seat
    seat.require_paired()
    withdrawn = session.service.withdraw_dispute(seat.partnership_id, number)

    def show(console: Console) -> None:
        console.print(f"Dispute {number} is withdrawn: the match is back soon, if the two lists still have it.")

    return Said({**seat_object(seat), "dispute": _object(withdrawn)}, show)


def _seat_and_state(session: Session) -> tuple[Seat, AccountState]:
    from escrow.client.state import AccountState

    seat = session.seat
    seat.require_paired()
    return seat, AccountState(session.home.partnership(seat.partnership_id))


def _meant(session: Session, seat: Seat, state: AccountState, letters: str) -> ListedOverlap:
    from escrow.client.disputing import LEAST_LETTERS, meant
    from escrow.client.listing import read_overlaps

    found = meant(read_overlaps(session.service, session.keyring, seat, state, cell=None), letters)
    if len(found) == 1:
        return found[0]
    if found:
        told = f"{len(found)} matches start with these letters: give more of the id"
    else:
        told = f"no listed match has this id ({LEAST_LETTERS} letters or more); see `escrow overlaps --ids`"
    raise typer.BadParameter(told, param_hint="MATCH_ID")


def _account_object(each: Disputed) -> dict[str, object]:
    return {"account_name": each.account_name, "crm_ids": list(each.crm_ids)}


def _object(made: Dispute) -> dict[str, object]:
    return made.model_dump(mode="json", exclude={"row", "match_id"})


def _show(console: Console, found: Sequence[Disputed]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    if not found:
        console.print("Nothing is disputed. `escrow overlaps --ids` shows what can be: `escrow disputes add ID`.")
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("number", "our account", "CRM id", "disputed by", "reason", "since", "withdrawn"):
        table.add_column(column)
    for each in found:
        told = (printable(each.account_name) or "not on our list", printable(", ".join(each.crm_ids)))
        made = each.made
        if made is None:
            table.add_row("", *told, "them", "", "", "")
            continue
        withdrawn = f"{made.withdrawn_at:%Y-%m-%d}" if made.withdrawn_at else ""
        table.add_row(str(made.number), *told, "us", made.reason, f"{made.made_at:%Y-%m-%d}", withdrawn)
    console.print(table)
