"""What is posted: made anew for each attempt, of the event's row and of what its organization may read now.

A body that was made before is never sent again, so what a tightening or an end forbade is in no later one.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select

from escrow import wire
from escrow.deliveries import news, slack
from escrow.deliveries.filters import Filter, filter_of_row
from escrow.deliveries.news import Reader
from escrow.deliveries.outbox import CHALLENGE, TEST, Claim
from escrow.deliveries.sealed import live_secrets
from escrow.deliveries.sentences import CellLine
from escrow.psi.encoding import b64url
from escrow.signing import sign
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.states import DeliveryKind, EndpointKind, EventType
from escrow.store.tables import events
from escrow.webhooks.egress import Posting

__all__ = ["Rendered", "Rendering", "is_echo", "reads_reports"]

_EVENT = select(events).where(events.c.organization_id == bindparam("of"), events.c.number == bindparam("the"))


@dataclass(frozen=True, slots=True)
class Rendered:
    """What to post, and for a challenge what the answer has to be."""

    posting: Posting
    challenge: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Told:
    """An event with its reader: its organization, in the seat of the event's partnership."""

    endpoint: Row[Any]
    event: Row[Any]
    data: dict[str, Any]
    wanted: Filter


class Rendering:
    """Makes bodies, with what the operator gave for it; ``link`` may hold ``{partnership_id}``."""

    def __init__(self, service_key: SealingKey, *, link: str, random: Callable[[int], bytes]) -> None:
        self._service_key = service_key
        self._link = link
        self._random = random

    def render(self, tx: Transaction, endpoint: Row[Any], made: Claim, *, now: datetime) -> Rendered | None:
        """Make the body and sign it, or None where nothing is to be told now."""
        if made.kind is not DeliveryKind.EVENT:
            return self._of_endpoint(endpoint, made, now)
        told = _told(tx, endpoint, made)
        if told is None or not self._passes_cells(tx, told, now):
            return None
        if endpoint.kind == EndpointKind.SLACK.value:
            return Rendered(Posting(self._chat(tx, told, now)))
        body = wire.read_event(_said(told)).model_dump_json().encode()
        return self._signed(endpoint, made, body, now)

    def _of_endpoint(self, endpoint: Row[Any], made: Claim, now: datetime) -> Rendered:
        kind = CHALLENGE if made.kind is DeliveryKind.CHALLENGE else TEST
        if endpoint.kind == EndpointKind.SLACK.value:
            return Rendered(Posting(slack.message(slack.plain(kind, ""))))
        said: wire.ChallengeMessage | wire.TestMessage
        challenge = None
        if made.kind is DeliveryKind.CHALLENGE:
            challenge = b64url(self._random(16))
            data = wire.Challenge(challenge=challenge)
            said = wire.ChallengeMessage(id=made.message_id, type="endpoint.challenge", occurred_at=now, data=data)
        else:
            said = wire.TestMessage(id=made.message_id, type="endpoint.test", occurred_at=now, data=wire.NoData())
        return self._signed(endpoint, made, said.model_dump_json().encode(), now, challenge)

    def _signed(
        self, endpoint: Row[Any], made: Claim, body: bytes, now: datetime, challenge: str | None = None
    ) -> Rendered:
        secrets = live_secrets(endpoint, service_key=self._service_key, now=now)
        return Rendered(Posting(body, sign(body, message_id=str(made.message_id), secrets=secrets, at=now)), challenge)

    def _passes_cells(self, tx: Transaction, told: _Told, now: datetime) -> bool:
        if told.wanted.cells is None:
            return True
        reader = self._reader(told, now)
        if told.event.type == EventType.RELEASE_MADE.value:
            number = told.data["number"]
            after = news.release_of(tx, reader, told.event.partnership_id, number)
            before = news.release_of(tx, reader, told.event.partnership_id, number - 1)
            return after is not None and told.wanted.lets_pass_cells(before.matrix if before else None, after.matrix)
        if told.event.type == EventType.OVERLAPS_CHANGED.value:
            changed = news.changed_overlaps(tx, reader, told.event.partnership_id, told.data)
            return changed is None or bool(_wanted(told, changed))
        return True

    def _chat(self, tx: Transaction, told: _Told, now: datetime) -> bytes:
        partnership_id = told.event.partnership_id
        partner = news.partner_name(tx, told.endpoint.organization_id, partnership_id)
        text = slack.plain(told.event.type, partner)
        link = news.link_to(self._link, partnership_id)
        return slack.message(text, self._lines(tx, told, now), link=link)

    def _lines(self, tx: Transaction, told: _Told, now: datetime) -> Sequence[str]:
        reader, partnership_id = self._reader(told, now), told.event.partnership_id
        if told.event.type == EventType.RELEASE_MADE.value:
            number = told.data["number"]
            counts = news.counts_of_release(tx, reader, partnership_id, number=number, before=number - 1)
            return slack.of_cells(_wanted(told, counts)) or ["Nothing of it is shown to us now."]
        if told.event.type == EventType.OVERLAPS_CHANGED.value:
            changed = news.changed_overlaps(tx, reader, partnership_id, told.data)
            return ["The list is to be read anew."] if changed is None else slack.of_cells(_wanted(told, changed))
        return ()

    def _reader(self, told: _Told, now: datetime) -> Reader:
        name = f"endpoint {told.endpoint.endpoint_id}"
        return Reader(told.endpoint.organization_id, name, self._service_key, now)


def reads_reports(endpoint: Row[Any]) -> bool:
    """Tell whether bodies for it are made of reports or change feeds too, which is written to the trail as read."""
    return endpoint.kind == EndpointKind.SLACK.value or endpoint.cells is not None


def is_echo(challenge: str, unverified: bytes) -> bool:
    """Tell whether an answer is the challenge and nothing else: as JSON, or as bare text."""
    bare = unverified.strip()
    try:
        said = json.loads(bare)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        echoed = said.get("challenge")
        bare = echoed.encode() if isinstance(echoed, str) and len(said) == 1 else b""
    return hmac.compare_digest(bare.strip(b'"'), challenge.encode())


def _told(tx: Transaction, endpoint: Row[Any], made: Claim) -> _Told | None:
    """Read the event of a delivery, if it is kept."""
    event = tx.execute(_EVENT, {"of": endpoint.organization_id, "the": made.event_number}).one_or_none()
    if event is None:
        return None
    return _Told(endpoint, event, json.loads(event.data), filter_of_row(endpoint))


def _said(told: _Told) -> dict[str, Any]:
    event = told.event
    return {
        "number": event.number,
        "id": event.event_id,
        "type": event.type,
        "occurred_at": event.occurred_at,
        "partnership_id": event.partnership_id,
        "data": told.data,
    }


def _wanted(told: _Told, lines: Sequence[CellLine]) -> Sequence[CellLine]:
    cells = told.wanted.cells
    return lines if cells is None else [line for line in lines if any(each.cell == line.cell for each in cells)]
