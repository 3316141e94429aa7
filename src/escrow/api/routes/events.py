"""Events: what the caller's organization is told."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from escrow import errors, wire
from escrow.api.dependencies import AskedLimit, ReadKey, Serving, page_size
from escrow.api.idempotency import Router
from escrow.api.problems import problems
from escrow.webhooks import events
from escrow.wire.values import MOST_NUMBER

__all__ = ["AskedAfter", "router"]

router = Router(tags=["events"])

AskedAfter = Annotated[
    int | None, Query(alias="after", ge=0, le=MOST_NUMBER, description="Only what has a higher number than this.")
]


@router.get(
    "/v1/events",
    summary="What the caller's organization is told",
    responses=problems(errors.ScopeMissing, errors.EventsForgotten),
)
def list_events(key: ReadKey, service: Serving, after: AskedAfter = None, limit: AskedLimit = None) -> wire.EventPage:
    """Page through the events of the caller's organization, oldest first, of the partnerships that its key is for.

    They are numbered without gaps; a key for some partnerships alone sees the numbers of theirs. Without ``after`` the
    feed begins with the oldest that is kept.
    """
    with service.database.snapshot("list events") as tx:
        page = events.feed(tx, key.admit(tx), after=after, limit=page_size(service, limit))
        return wire.EventPage(items=tuple(map(_told, page.items)), next_after=page.next_after, more=page.more)


def _told(event: events.Event) -> wire.Event:
    said = {
        "number": event.number,
        "id": event.event_id,
        "type": event.type.value,
        "occurred_at": event.occurred_at,
        "partnership_id": event.partnership_id,
        "data": dict(event.data),
    }
    return wire.read_event(said)
