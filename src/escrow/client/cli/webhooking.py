"""`escrow webhook`: where the service posts what we are told, and what became of each post."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.completing import partnership_names
from escrow.client.cli.pairing_up import YesOption, ask
from escrow.client.cli.session import Said, Session
from escrow.client.cli.short_ids import meant
from escrow.client.cli.texts import counted, printable
from escrow.client.cli.webhook_tables import show_deliveries, show_endpoints, show_secret

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rich.console import Console

    from escrow import wire

__all__ = [
    "CellOption",
    "EventOption",
    "IdArgument",
    "PartnershipOption",
    "app",
    "chosen_partnerships",
    "endpoint_meant",
    "event_types",
    "wanted_cells",
]

app = typer.Typer(no_args_is_help=True)

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The endpoint's id, or its first letters: `escrow webhook list`.")
]
EventOption = Annotated[
    list[str] | None, typer.Option("--event", metavar="TYPE", help="Post this type of event; may be repeated.")
]
CellOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cell",
        metavar="OURS:THEIRS[:NUMBER]",
        help="Post releases and overlaps that change this cell, or raise it to the number; may be repeated.",
    ),
]
PartnershipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--partnership",
        "-p",
        help="Post what concerns this partnership: label, partner's name or id; may be repeated.",
        autocompletion=partnership_names,
    ),
]


@app.callback()
def _webhook() -> None: ...


@command(app, "add")
def add(
    session: Session,
    url: Annotated[str, typer.Argument(help="Where to post to: https://…; - reads it from the standard input.")],
    slack: Annotated[bool, typer.Option("--slack", help="Post sentences to an incoming webhook of Slack.")] = False,
    event: EventOption = None,
    cell: CellOption = None,
    partnership: PartnershipOption = None,
    description: Annotated[str, typer.Option("--description", help="What you want to know it by.")] = "",
) -> Said:
    """Add an endpoint, and show its secret this once. Nothing is posted there until it is confirmed."""
    from escrow import wire

    asked = {
        "url": session.ask_line("The URL to post to:") if url == "-" else url,
        "kind": "slack" if slack else "standard",
        "description": description,
        "types": event_types(event),
        "cells": wanted_cells(cell),
        "partnership_ids": chosen_partnerships(session, partnership),
    }
    try:
        endpoint = wire.NewEndpoint.model_validate(asked)
    except ValueError:
        raise typer.BadParameter(
            "the URL has 1 to 2,000 letters, the description up to 200, and there are up to 27 cells"
        ) from None
    added = session.service.add_webhook(endpoint)
    return Said(_object(added), lambda console: show_secret(console, added, is_new=True))


@command(app, "list")
def list_endpoints(session: Session) -> Said:
    """List the endpoints, what each is told of, and whether it works."""
    found = session.service.webhooks()
    return Said({"endpoints": [_object(each) for each in found]}, lambda console: show_endpoints(console, found))


@command(app, "confirm")
def confirm(session: Session, endpoint_id: IdArgument) -> Said:
    """Have a challenge posted: once the receiver answers it, the endpoint is posted every event since it was added."""
    asked = session.service.confirm_webhook(endpoint_meant(session, endpoint_id).endpoint_id)
    told = "The challenge is on its way: once it is answered, the endpoint is enabled"
    return Said(_object(asked), lambda console: _tell(console, f"{told}.", asked))


@command(app, "test")
def test(session: Session, endpoint_id: IdArgument) -> Said:
    """Have a trial posted, once."""
    tried = session.service.try_webhook(endpoint_meant(session, endpoint_id).endpoint_id)
    return Said(_object(tried), lambda console: _tell(console, "The trial is on its way.", tried))


@command(app, "log")
def log(
    session: Session,
    endpoint_id: IdArgument,
    last: Annotated[int, typer.Option("--last", min=1, help="How many of the newest deliveries to show.")] = 50,
) -> Said:
    """Show what was posted, newest first, and how each last attempt ended; with --json every attempt."""
    from itertools import islice

    endpoint = endpoint_meant(session, endpoint_id)
    found = list(islice(session.service.webhook_deliveries(endpoint.endpoint_id), last))
    machine = {"endpoint": _object(endpoint), "deliveries": [each.model_dump(mode="json") for each in found]}
    return Said(machine, lambda console: show_deliveries(console, endpoint, found))


@command(app, "replay")
def replay(
    session: Session,
    endpoint_id: IdArgument,
    first: Annotated[int, typer.Option("--first", min=1, help="Number of the first delivery: `escrow webhook log`.")],
    last: Annotated[
        int | None, typer.Option("--last", min=1, help="Number of the last delivery; by default the first alone.")
    ] = None,
) -> Said:
    """Have deliveries of events made again, in their order and under their ids."""
    from escrow.wire.values import MOST_ITEMS, MOST_NUMBER

    last = first if last is None else last
    if not first <= last <= min(first + MOST_ITEMS - 1, MOST_NUMBER):
        raise typer.BadParameter(
            f"it is not below --first, and at most {MOST_ITEMS:,} deliveries are made again at once",
            param_hint="--last",
        )
    endpoint = endpoint_meant(session, endpoint_id)
    made = session.service.replay_webhook(endpoint.endpoint_id, first, last).deliveries
    if made:
        told = f"{counted(made, 'delivery is', 'deliveries are')} made again."
    else:
        told = "Nothing is made again: none of these numbers is an event's delivery that has ended."
    return Said({"endpoint": _object(endpoint), "deliveries": made}, lambda console: _tell(console, told, endpoint))


@command(app, "rotate-secret")
def rotate_secret(session: Session, endpoint_id: IdArgument) -> Said:
    """Replace the secret, and show the new one this once; for a while the one before signs too."""
    rotated = session.service.rotate_webhook_secret(endpoint_meant(session, endpoint_id).endpoint_id)
    return Said(_object(rotated), lambda console: show_secret(console, rotated, is_new=False))


@command(app, "remove")
def remove(session: Session, endpoint_id: IdArgument, yes: YesOption = False) -> Said:
    """Remove an endpoint, its secret and its log."""
    endpoint = endpoint_meant(session, endpoint_id)
    if not yes:
        ask(f"Remove the endpoint at {endpoint.url}? Its secret and its log go, and nothing more is posted there.")
    session.service.remove_webhook(endpoint.endpoint_id)
    return Said(
        {"removed": _object(endpoint)},
        lambda console: console.print(f"The endpoint at {printable(endpoint.url)} is removed."),
    )


def endpoint_meant(session: Session, letters: str) -> wire.Endpoint:
    """Give the one endpoint whose id begins so, or say which there are."""
    return meant(
        letters,
        session.service.webhooks(),
        what="endpoint",
        made_by="escrow webhook add",
        id_of=lambda endpoint: endpoint.endpoint_id,
        told=lambda endpoint: endpoint.url,
    )


def event_types(said: Sequence[str] | None) -> tuple[str, ...] | None:
    """Read options `--event`: None where there is none."""
    from typing import get_args

    from escrow import wire

    known = get_args(get_args(wire.EventTypeWord)[0])
    if unknown := [word for word in said or () if word not in known]:
        raise typer.BadParameter(
            f"no such type of event: {', '.join(unknown)}; there are {', '.join(known)}", param_hint="--event"
        )
    return tuple(dict.fromkeys(said)) if said else None


def wanted_cells(said: Sequence[str] | None) -> tuple[wire.WantedCell, ...] | None:
    """Read options `--cell`: None where there is none."""
    return tuple(dict.fromkeys(map(_cell, said))) if said else None


def chosen_partnerships(session: Session, named: Sequence[str] | None) -> tuple[UUID, ...] | None:
    """Read options `--partnership`: None where there is none."""
    from escrow.client.cli.session import choose

    seats = [choose(session.keyring.seats, name) for name in named or ()]
    return tuple(dict.fromkeys(seat.partnership_id for seat in seats)) or None


def _cell(said: str) -> wire.WantedCell:
    from escrow import wire
    from escrow.client.cli.agreeing import read_cell

    words, _, crossed = said.partition(":")[2].partition(":")
    cell = read_cell(f"{said.partition(':')[0]}:{words}", "--cell")
    try:
        return wire.WantedCell(ours=cell.ours, theirs=cell.theirs, crossed=int(crossed) if crossed else None)
    except ValueError:
        raise typer.BadParameter(
            "a number to rise to is 1 or above, like customers:prospects:50", param_hint="--cell"
        ) from None


def _object(shown: wire.Endpoint) -> dict[str, object]:
    return shown.model_dump(mode="json")


def _tell(console: Console, told: str, endpoint: wire.Endpoint) -> None:
    console.print(f"{told} `escrow webhook log {endpoint.endpoint_id}` shows how it went.")
