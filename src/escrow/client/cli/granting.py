"""`escrow allowance show` and `allowance grant`: what our lists may still ask about, and what theirs may beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.pairing_up import YesOption, ask, seat_object
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import counted
from escrow.terms import MOST_ACCOUNTS

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.wire import Allowance, Partnership

__all__ = ["alarm_text", "allowance_text", "app", "size_text"]

app = typer.Typer(no_args_is_help=True)

_ALARMS = {
    "list-grew": "their list grew by more than a fifth within a day",
    "allowance-half-spent": "their lists spent more than half of their allowance within a day",
}


@command(app, "show")
def show(session: Session) -> Said:
    """Show how many accounts our lists may still ask about, and until when."""
    seat = session.seat
    allowance = session.service.allowance(seat.partnership_id)

    def told(console: Console) -> None:
        console.print(f"{allowance_text(allowance)}.")
        if allowance.carried or allowance.granted:
            carried, granted = (_accounts(allowance, part) for part in (allowance.carried, allowance.granted))
            console.print(f"Among them about {carried:,} carried over and {granted:,} granted by your partner.")
        if allowance.renewed:
            console.print("The first list after a fresh pairing may ask again about as much as your last one did.")

    return Said({**seat_object(seat), "allowance": allowance.model_dump(mode="json")}, told)


@command(app, "grant")
def grant(
    session: Session,
    accounts: Annotated[
        int, typer.Argument(min=1, max=MOST_ACCOUNTS, help="How many accounts more your partner may ask about.")
    ],
    yes: YesOption = False,
) -> Said:
    """Let your partner ask about more accounts until its period ends; nothing takes that back."""
    seat = session.seat
    if not yes:
        ask(
            f"Let your partner ask about {counted(accounts, 'account')} more than the allowance, until its period ends?"
        )
    shown = session.service.grant_allowance(seat.partnership_id, accounts)

    def told(console: Console) -> None:
        console.print(f"Your partner may ask about {counted(accounts, 'account')} more until its period ends.")
        console.print(f"Its list has {size_text(shown)}.")

    return Said({**seat_object(seat), "granted_accounts": accounts}, told)


def allowance_text(allowance: Allowance) -> str:
    """Say in accounts what is left."""
    left, limit = _accounts(allowance, allowance.left), _accounts(allowance, allowance.limit)
    if allowance.renews_at is None:
        return f"about {counted(left, 'account')} of {limit:,} may be asked about until both sides have had a list"
    return f"about {counted(left, 'new account')} of {limit:,} left until {allowance.renews_at:%Y-%m-%d %H:%M} UTC"


def size_text(shown: Partnership) -> str:
    """Say about how large the partner's list is."""
    size = shown.their_list.size
    if size is None:
        return "no accounts yet"
    if not size.at_least:
        return f"fewer than about {size.below:,} accounts"
    return f"about {size.at_least:,} to {size.below:,} accounts"


def alarm_text(reason: str) -> str:
    """Say what an alarm means."""
    return _ALARMS[reason]


def _accounts(allowance: Allowance, fifths: int) -> int:
    return fifths // allowance.fifths_of_an_account
