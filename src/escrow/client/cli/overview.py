"""`escrow status`: how every partnership stands, here and at the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.exits import ExitCode
from escrow.client.cli.granting import alarm_text, allowance_text, size_text
from escrow.client.cli.pairing_up import seat_object
from escrow.client.cli.rotating import generation_lines
from escrow.client.cli.session import Said, Session, name_of, short_id
from escrow.client.cli.texts import counted, printable
from escrow.errors import EscrowError, ServiceUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rich.console import Console

    from escrow.client.seats import Seat
    from escrow.wire import Allowance, Partnership

__all__ = ["app"]

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Stand:
    """One partnership: our seat, what the service says of it, or why that could not be learned."""

    seat: Seat
    shown: Partnership | None = None
    allowance: Allowance | None = None
    error: EscrowError | None = None

    def machine(self) -> dict[str, object]:
        """What programs are told."""
        told = {"code": self.error.code, "detail": self.error.message} if self.error else None
        shown = self.shown.model_dump(mode="json") if self.shown else None
        allowance = self.allowance.model_dump(mode="json") if self.allowance else None
        return {**seat_object(self.seat), "service": shown, "allowance": allowance, "error": told}

    def lines(self) -> Iterator[str]:
        """What a person is told."""
        partner = f" with {printable(self.seat.partner_name)}" if self.seat.label and self.seat.partner_name else ""
        yield f"\n[bold]{printable(name_of(self.seat))}[/]{partner}  ({self.seat.partnership_id})"
        yield f"  pairing      {self._standing()}"
        yield from _invitation_lines(self.seat)
        if self.seat.check and self.seat.keys:
            yield f"  check        {self.seat.check}"
        if self.shown is not None and self.shown.state == "active":
            yield from _lists(self.shown)
            if self.allowance is not None:
                yield f"  allowance    {allowance_text(self.allowance)}"
            yield from generation_lines(self.seat, self.shown)
        if self.shown is not None and self.shown.state == "ended":
            yield "  next         `escrow end` erases its keys here too; to go on with this partner, `escrow invite`"
        if self.error is not None:
            yield f"  [red]problem[/]      {printable(self.error.message)}"

    def _standing(self) -> str:
        if self.shown is None and self.error is None:
            return "ended"
        state = self.shown.state if self.shown else "not reached"
        return f"{self.seat.standing.value} here, {state} at the service"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The partnerships that the service has and this keyring does not, or why that could not be learned."""

    partnerships: tuple[Partnership, ...] = ()
    error: EscrowError | None = None


@command(app, "status")
def status(session: Session) -> Said:
    """Show how every partnership stands, and go on with pairings that wait for this machine."""
    keyring = session.keyring
    seats = (session.chosen,) if session.options.partnership else keyring.seats
    stands = list(_stands(session, seats))
    cut_off = _cut_off(stands)
    elsewhere = Elsewhere(error=cut_off) if session.options.partnership or cut_off else _elsewhere(session)

    def show(console: Console) -> None:
        console.print(f"[bold]{printable(keyring.organization_name)}[/]  {keyring.organization_id}  {keyring.url}")
        for line in _lines(stands, elsewhere):
            console.print(line)
        if not stands and elsewhere == Elsewhere():
            console.print(
                f"\nNo partnership yet. To begin one, either\n"
                f"  escrow invite        and send your partner the code by mail or chat, or\n"
                f"  escrow accept CODE   with the code that your partner sent you.\n"
                f"A partner who names you in an invitation needs your id: {keyring.organization_id}"
            )

    machine: dict[str, object] = {
        "organization_id": str(keyring.organization_id),
        "organization_name": keyring.organization_name,
        "url": keyring.url,
        "home": str(session.home.folder),
        "partnerships": [stand.machine() for stand in stands],
        "without_keys_here": [shown.model_dump(mode="json") for shown in elsewhere.partnerships],
    }
    errors = (*(stand.error for stand in stands), elsewhere.error)
    return Said(machine, show, next((error for error in errors if error), ExitCode.DONE))


def _stands(session: Session, seats: Sequence[Seat]) -> Iterator[Stand]:
    """Look at each partnership; a service that is not reached for one is not waited for again for the next."""
    looked: list[Stand] = []
    for seat in seats:
        cut_off = _cut_off(looked)
        looked.append(_stand(session, seat) if cut_off is None or _is_over(seat) else Stand(seat, error=cut_off))
        yield looked[-1]


def _cut_off(stands: Sequence[Stand]) -> ServiceUnreachable | None:
    return next((stand.error for stand in stands if isinstance(stand.error, ServiceUnreachable)), None)


def _is_over(seat: Seat) -> bool:
    from escrow.client.seats import Standing

    return seat.standing is Standing.CLOSED


def _stand(session: Session, seat: Seat) -> Stand:
    """Look at one partnership; an error of one does not hide the others."""
    from escrow.client.generations import follow

    if _is_over(seat):
        return Stand(seat)
    try:
        seat = session.advanced(seat)
        shown = session.service.partnership(seat.partnership_id)
        allowance = session.service.allowance(seat.partnership_id) if shown.state == "active" else None
        return Stand(follow(session.file, seat, shown, now=session.now), shown, allowance)
    except EscrowError as error:
        return Stand(session.keyring.seat(seat.partnership_id), error=error)


def _elsewhere(session: Session) -> Elsewhere:
    from escrow.client.pairing import without_keys_here

    try:
        return Elsewhere(without_keys_here(session.service, session.keyring))
    except EscrowError as error:
        return Elsewhere(error=error)


def _lines(stands: Sequence[Stand], elsewhere: Elsewhere) -> Iterator[str]:
    for stand in stands:
        yield from stand.lines()
    for shown in elsewhere.partnerships:
        yield from _lines_of_one_elsewhere(shown)
    if elsewhere.error is not None and not any(stand.error for stand in stands):
        yield f"\n[red]problem[/]        {printable(elsewhere.error.message)}"


def _lines_of_one_elsewhere(shown: Partnership) -> Iterator[str]:
    name = printable(shown.partner.name) if shown.partner else "Invitation"
    yield f"\n[bold]{name}[/]  ({shown.partnership_id})"
    yield f"  pairing      {shown.state} at the service; this keyring has no keys of it"
    yield "  next         `escrow keyring import` a copy that the machine with its keys exports. If there is none,"
    if shown.state == "active":
        yield f"               `escrow generation start --fresh-pairing --partnership {shown.partnership_id}`; or"
    yield f"               `escrow end --partnership {shown.partnership_id}`, then `escrow invite`"
    if shown.list.accounts:
        yield f"  our list     {counted(shown.list.accounts, 'account')}, from another machine; to take it back:"
        yield f"               `escrow submission withdraw --partnership {shown.partnership_id}`"


def _invitation_lines(seat: Seat) -> Iterator[str]:
    """Say whom an invitation that nobody has accepted is for, how long it stands, and what comes next."""
    if seat.invited is None:
        return
    yield f"  invited      {f'organization {seat.partner_id}' if seat.partner_id else 'whoever has the pairing code'}"
    yield f"  next         waits until {_when(seat.invited.expires_at)} for their `escrow accept CODE`"
    yield f"               `escrow end --partnership {short_id(seat)}` takes it back, as when the code is lost"


def _lists(shown: Partnership) -> Iterator[str]:
    if shown.paused.ours or shown.paused.theirs:
        who = " and ".join(name for name, does in (("us", shown.paused.ours), ("them", shown.paused.theirs)) if does)
        yield f"  paused       by {who}: nothing is matched, released or read"
    ours = shown.list
    sizes = ", ".join(f"{size:,} {population.word}" for population, size in ours.populations.value().items())
    applied = f"{counted(ours.accounts, 'account')}, applied {_when(ours.applied_at)}"
    yield f"  our list     {applied if ours.applied_at else 'none yet'}{_ready(is_ready=ours.ready)}"
    if ours.applied_at:
        yield f"               {sizes}"
    theirs = shown.their_list
    told = f"{size_text(shown)}, applied {_when(theirs.applied_at)}" if theirs.applied_at else "none yet"
    yield f"  their list   {told}{_ready(is_ready=theirs.ready)}"
    for alarm in theirs.alarms:
        yield f"  [red]alarm[/]        {alarm_text(alarm.reason)} ({_when(alarm.raised_at)})"
    yield f"  release      {shown.latest_release or 'none yet'}{_next(shown.next_release_from)}"


def _ready(*, is_ready: bool) -> str:
    return "; said to be right" if is_ready else ""


def _next(moment: datetime | None) -> str:
    return f"; the next one not before {_when(moment)}" if moment else ""


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
