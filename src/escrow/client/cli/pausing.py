"""`escrow pause` and `resume`: stop and go on without losing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.pairing_up import seat_object
from escrow.client.cli.session import Said, Session

if TYPE_CHECKING:
    from rich.console import Console

    from escrow.client.seats import Seat
    from escrow.wire import Partnership

__all__ = ["app"]

app = typer.Typer()


@command(app, "pause")
def pause(session: Session) -> Said:
    """Pause a partnership for both sides: nothing is matched, released or read until you resume."""
    seat = session.chosen
    return _told(seat, session.service.pause(seat.partnership_id))


@command(app, "resume")
def resume(session: Session) -> Said:
    """Take your pause of a partnership back; a pause of theirs stays."""
    seat = session.chosen
    return _told(seat, session.service.resume(seat.partnership_id))


def _told(seat: Seat, shown: Partnership) -> Said:
    paused = shown.paused

    def show(console: Console) -> None:
        if paused.ours:
            console.print("Paused for both sides. Lists may still be submitted; `escrow resume` goes on.")
        elif paused.theirs:
            console.print("Your pause is over; your partner still pauses, and only they can take that back.")
        else:
            console.print("Resumed: nobody pauses.")

    return Said({**seat_object(seat), "paused": paused.model_dump(mode="json")}, show)
