"""`escrow events`: what our organization is told, oldest first; once, or as it happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command, reader_may_leave
from escrow.client.cli.session import Said, Session, name_of
from escrow.client.cli.texts import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from rich.console import Console

    from escrow.client.sdk import Escrow
    from escrow.client.told_events import ToldEvent, ToldEventPage

__all__ = ["app"]

app = typer.Typer()

_SHOWN = 50
#: How long an idle feed is left alone.
_ASKED_EVERY_SECONDS = 5.0


@command(app, "events")
def events(
    session: Session,
    after: Annotated[
        int | None, typer.Option("--after", min=0, help=f"All after this number; else the newest {_SHOWN}.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on, and show each as it happens.")] = False,
) -> Said:
    """Show what happened in our partnerships: releases, terms, overlaps, submissions; in JSON with where to go on."""
    if follow:
        return _followed(session, after)
    pages = list(_pages(session.service, after))
    found = [event for page in pages for event in page.items]
    shown = found if after is not None else found[-_SHOWN:]

    def show(console: Console) -> None:
        from rich.table import Table

        if not shown:
            console.print("There is no event yet." if after is None else f"There is no event after {after}.")
            return
        table = Table("number", "at (UTC)", "partnership", "what", "of it")
        for event in shown:
            table.add_row(*_cells(session, event))
        console.print(table)

    told = [event.model_dump(mode="json") for event in shown]
    return Said({"events": told, "of": len(found), "next_after": pages[-1].next_after}, show)


def _followed(session: Session, after: int | None) -> Said:
    """Print each event on a line of its own, until somebody asks to stop."""
    from escrow.client.cli.stopping import stopping_by_signal

    with stopping_by_signal() as stopping, reader_may_leave():
        while not stopping.is_asked():
            for page in _pages(session.service, after):
                for event in page.items:
                    _print(session, event)
                after = page.next_after
            stopping.wait(_ASKED_EVERY_SECONDS)
    return Said({"stopped": True, "next_after": after}, lambda console: console.print(f"Stopped after event {after}."))


def _pages(service: Escrow, after: int | None) -> Iterator[ToldEventPage]:
    """Yield pages until there is no more for now; the last says where to go on."""
    more = True
    while more:
        page = service.events(after)
        yield page
        after, more = page.next_after, page.more


def _print(session: Session, event: ToldEvent) -> None:
    if session.options.is_json:
        line = json.dumps(event.model_dump(mode="json"), ensure_ascii=False)
    else:
        line = "  ".join(_cells(session, event))
    print(line, flush=True)  # noqa: T201


def _cells(session: Session, event: ToldEvent) -> tuple[str, ...]:
    at = f"{event.occurred_at:%Y-%m-%d %H:%M:%S}"
    return str(event.number), at, _partnership(session, event.partnership_id), event.type, _of_it(event)


def _partnership(session: Session, partnership_id: UUID | None) -> str:
    """Say which partnership it is as this machine calls it, or by the start of its id."""
    if partnership_id is None:
        return "–"
    known = (seat for seat in session.keyring.seats if seat.partnership_id == partnership_id)
    return next((printable(name_of(seat)) for seat in known), str(partnership_id)[:8])


def _of_it(event: ToldEvent) -> str:
    said = event.data.model_dump(mode="json")
    return printable(", ".join(f"{name}: {value}" for name, value in said.items() if value is not None))
