"""`escrow webhook change`, `enable` and `disable`: what an endpoint is told of, and whether it is told at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.commands import command
from escrow.client.cli.session import Said, Session
from escrow.client.cli.texts import printable
from escrow.client.cli.webhooking import (
    CellOption,
    EventOption,
    IdArgument,
    PartnershipOption,
    chosen_partnerships,
    endpoint_meant,
    event_types,
    wanted_cells,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from escrow import wire

__all__ = ["app"]

app = typer.Typer()


@command(app, "change")
def change(
    session: Session,
    endpoint_id: IdArgument,
    event: EventOption = None,
    cell: CellOption = None,
    partnership: PartnershipOption = None,
    description: Annotated[str | None, typer.Option("--description", help="What you want to know it by.")] = None,
    every: Annotated[
        list[str] | None,
        typer.Option("--every", metavar="event|cell|partnership", help="Filter by this no more; may be repeated."),
    ] = None,
) -> Said:
    """Change what an endpoint is told of, from its next delivery on; what is not named stays.

    Its URL stays too: add another endpoint, which proves itself first, and remove this one.
    """
    from escrow import wire

    asked = {
        "types": event_types(event),
        "cells": wanted_cells(cell),
        "partnership_ids": chosen_partnerships(session, partnership),
        "description": description,
    }
    named = {name: value for name, value in asked.items() if value is not None} | _opened(every, asked)
    if not named:
        raise typer.BadParameter("say what to change: --event, --cell, --partnership, --every or --description")
    try:
        wanted = wire.EndpointChange.model_validate(named)
    except ValueError:
        raise typer.BadParameter("the description has up to 200 letters, and there are up to 27 cells") from None
    changed = session.service.change_webhook(endpoint_meant(session, endpoint_id).endpoint_id, wanted)
    return _said(changed, f"The endpoint at {printable(changed.url)} is changed: see `escrow webhook list`.")


@command(app, "enable")
def enable(session: Session, endpoint_id: IdArgument) -> Said:
    """Post to an endpoint again that was disabled: it is posted what it missed, as far back as events are kept."""
    enabled = _switched(session, endpoint_id, to=True)
    return _said(enabled, f"The endpoint at {printable(enabled.url)} is enabled, and posted what it missed.")


@command(app, "disable")
def disable(session: Session, endpoint_id: IdArgument) -> Said:
    """Post nothing to an endpoint until it is enabled again; nothing is lost meanwhile."""
    disabled = _switched(session, endpoint_id, to=False)
    return _said(disabled, f"Nothing is posted to {printable(disabled.url)} until `escrow webhook enable`.")


def _switched(session: Session, endpoint_id: str, *, to: bool) -> wire.Endpoint:
    from escrow import wire

    meant = endpoint_meant(session, endpoint_id)
    return session.service.change_webhook(meant.endpoint_id, wire.EndpointChange(enabled=to))


def _opened(every: list[str] | None, asked: Mapping[str, object]) -> dict[str, None]:
    """Name the parts of the filter that are to let everything pass."""
    parts = {"event": "types", "cell": "cells", "partnership": "partnership_ids"}
    for word in every or ():
        if word not in parts:
            raise typer.BadParameter(f"give one of {', '.join(parts)}", param_hint="--every")
        if asked[parts[word]] is not None:
            raise typer.BadParameter(f"every {word}, or those that --{word} names: give one of the two")
    return {parts[word]: None for word in every or ()}


def _said(endpoint: wire.Endpoint, told: str) -> Said:
    return Said(endpoint.model_dump(mode="json"), lambda console: console.print(told))
