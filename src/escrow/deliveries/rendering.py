"""What is posted: made anew for each attempt, of the event's row and of what its organization may read now.

A body that was made before is never sent again, so what a tightening or an end forbade is in no later one.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from escrow import wire
from escrow.access import Caller, Grant, Party, party_of
from escrow.changes import changes_page
from escrow.deliveries import slack
from escrow.deliveries.filters import Filter, filter_of_row
from escrow.deliveries.outbox import CHALLENGE, TEST, Claim
from escrow.deliveries.sealed import live_secrets
from escrow.deliveries.slack import CellLine
from escrow.errors import NotFound, PartnershipNotActive, PartnershipPaused
from escrow.organizations import organization
from escrow.psi.encoding import b64url
from escrow.releases import report_of
from escrow.reports.report import ReleaseView
from escrow.signing import sign
from escrow.store.database import Transaction
from escrow.store.sealing import SealingKey
from escrow.store.states import ChangeKind, DeliveryKind, EndpointKind, EventType, Scope
from escrow.store.tables import events, parties
from escrow.terms import Cell
from escrow.webhooks.egress import Posting

__all__ = ["Rendered", "Rendering", "is_echo", "reads_reports"]

#: More entries of a change feed than this are told as many.
_MOST_CHANGES = 1_000

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
        if told.event.type == EventType.RELEASE_MADE.value:
            after = self._release(tx, told, told.data["number"], now)
            before = self._release(tx, told, told.data["number"] - 1, now)
            return after is not None and told.wanted.lets_pass_cells(before.matrix if before else None, after.matrix)
        if told.event.type == EventType.OVERLAPS_CHANGED.value:
            changed = self._changed(tx, told, now)
            return changed is None or any(each.cell in changed for each in told.wanted.cells)
        return True

    def _chat(self, tx: Transaction, told: _Told, now: datetime) -> bytes:
        text = slack.plain(told.event.type, _partner(tx, told))
        lines: Sequence[str] = ()
        if told.event.type == EventType.RELEASE_MADE.value:
            lines = slack.of_cells(self._counts(tx, told, now)) or ["Nothing of it is shown to us now."]
        if told.event.type == EventType.OVERLAPS_CHANGED.value:
            lines = self._entered(tx, told, now)
        partnership_id = told.event.partnership_id
        link = self._link.replace("{partnership_id}", str(partnership_id)) if self._link and partnership_id else None
        return slack.message(text, lines, link=link)

    def _counts(self, tx: Transaction, told: _Told, now: datetime) -> Sequence[CellLine]:
        after = self._release(tx, told, told.data["number"], now)
        before = self._release(tx, told, told.data["number"] - 1, now)
        if after is None:
            return []
        return [
            _cell_line(cell, count.number, after, before)
            for cell, count in after.matrix.items()
            if count.number is not None and _is_wanted(told.wanted, cell)
        ]

    def _entered(self, tx: Transaction, told: _Told, now: datetime) -> Sequence[str]:
        changed = self._changed(tx, told, now)
        if changed is None:
            return ["The list is to be read anew."]
        wanted = [CellLine(cell, number) for cell, number in changed.items() if _is_wanted(told.wanted, cell)]
        return slack.of_cells(wanted)

    def _changed(self, tx: Transaction, told: _Told, now: datetime) -> Counter[Cell] | None:
        """Count what entered, moved or changed, by the cell it is in now; None where the list is to be read anew."""
        party = _party(tx, told)
        after, through = told.data["after"], told.data["through"]
        if party is None or after is None or through is None or told.data["reset"]:
            return None
        page = changes_page(tx, party, after=after, limit=_MOST_CHANGES, service_key=self._service_key, now=now)
        items = [each for each in page.items if each.number <= through]
        if any(each.kind is ChangeKind.RESET for each in items):
            return None
        return Counter(each.cell for each in items if each.cell is not None)

    def _release(self, tx: Transaction, told: _Told, number: int, now: datetime) -> ReleaseView | None:
        party = _party(tx, told)
        if party is None or number < 1:
            return None
        try:
            read = report_of(tx, party, number, service_key=self._service_key, now=now)
        except NotFound:
            return None
        return ReleaseView(read.number, read.made_at, read.matrix, read.made_under)


def _cell_line(cell: Cell, number: int, release: ReleaseView, before: ReleaseView | None) -> CellLine:
    line = CellLine(cell, number, is_approximate=release.is_approximate(cell))
    if before is None:
        return line
    return replace(line, before=before.matrix[cell].number, was_approximate=before.is_approximate(cell))


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


def _party(tx: Transaction, told: _Told) -> Party | None:
    """Give the seat that may read now, if it may: in the trail the endpoint reads, with what a key to read has."""
    organization_id: UUID = told.endpoint.organization_id
    caller = Caller(organization_id, f"endpoint {told.endpoint.endpoint_id}", Grant(frozenset({Scope.READ})))
    try:
        party = party_of(tx, caller, told.event.partnership_id)
        party.must_be_readable()
    except (NotFound, PartnershipNotActive, PartnershipPaused):
        return None
    return party


def _partner(tx: Transaction, told: _Told) -> str:
    query = select(parties.c.organization_id).where(
        parties.c.partnership_id == told.event.partnership_id,
        parties.c.organization_id != told.endpoint.organization_id,
    )
    partner_id = tx.execute(query).scalar_one_or_none()
    return "a partner" if partner_id is None else organization(tx, partner_id).name


def _is_wanted(wanted: Filter, cell: Cell) -> bool:
    return wanted.cells is None or any(each.cell == cell for each in wanted.cells)
