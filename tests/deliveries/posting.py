"""Endpoints and dispatchers for tests: one organization that is told events, and receivers on loopback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from escrow.access import Caller
from escrow.deliveries import endpoints, log
from escrow.deliveries.dispatcher import Dispatcher
from escrow.deliveries.endpoints import Endpoint, Endpoints
from escrow.deliveries.filters import EVERYTHING, Filter
from escrow.deliveries.log import LoggedDelivery
from escrow.settings import ServerSettings
from escrow.signing import SigningSecret
from escrow.store.database import Database
from escrow.store.sealing import SealingKey
from escrow.store.states import AttemptOutcome, EndpointKind, EventType
from escrow.store.tables import audit_entries
from escrow.store.tables import events as events_table
from escrow.webhooks import events
from escrow.webhooks.egress import Answer, Egress, EgressLimits, Posting
from escrow.webhooks.targets import EgressRule, Target
from tests.partnership_makers import NOON, new_caller

__all__ = ["DEVELOPING", "SETTINGS", "Desk", "Recorder", "desk_of"]

DEVELOPING = EgressRule(allows_loopback=True)
SETTINGS = ServerSettings(webhook_loopback=True, webhook_threads=4, lease_seconds=60)


class Recorder(Egress):
    """Posts nowhere: answers as it is told to, with 204 unless told otherwise, and keeps what was to be posted."""

    def __init__(self) -> None:
        super().__init__(DEVELOPING, EgressLimits())
        self.answers: list[Answer | BaseException | Callable[[Posting], Answer]] = []
        self.posted: list[Posting] = []
        self.afterwards: Callable[[], None] = lambda: None

    def post(
        self,
        target: Target,  # noqa: ARG002 - the interface's
        make: Callable[[], Posting | None],
        *,
        answer_bytes: int = 0,  # noqa: ARG002 - the interface's
    ) -> Answer | AttemptOutcome | None:
        """Keep one post."""
        try:
            posting = make()
        finally:
            self.afterwards()
        if posting is None:
            return None
        self.posted.append(posting)
        answer = self.answers.pop(0) if self.answers else Answer(204)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Answer) else answer(posting)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was posted, read."""
        return [json.loads(each.body) for each in self.posted]


def echo(posting: Posting) -> Answer:
    """Answer a challenge, or take a message."""
    said = json.loads(posting.body)
    if "data" not in said:
        return Answer(200, body=b"ok")
    return Answer(200, body=json.dumps({"challenge": said["data"]["challenge"]}).encode())


@dataclass(slots=True)
class Desk:
    """An organization, its endpoints, and a clock that stands still unless it is moved."""

    database: Database
    caller: Caller
    key: SealingKey = field(default_factory=SealingKey.make)
    egress: Recorder = field(default_factory=Recorder)
    settings: ServerSettings = SETTINGS
    now: datetime = NOON

    @property
    def by(self) -> Endpoints:
        """What verbs go by."""
        return Endpoints(DEVELOPING, self.settings.webhook_endpoints, self.key, os.urandom, self.now)

    def dispatcher(self, egress: Egress | None = None) -> Dispatcher:
        """One more dispatcher on the database."""
        return Dispatcher(
            self.database, self.key, self.settings, egress=egress or self.egress, now=lambda: self.now, chance=lambda: 0
        )

    def dispatch(self, egress: Egress | None = None) -> None:
        """Do all that is due."""
        dispatcher = self.dispatcher(egress)
        while dispatcher.run_once():
            pass

    def later(self, **passed: float) -> None:
        """Move the clock."""
        self.now += timedelta(**passed)

    def add(
        self,
        *,
        url: str = "http://127.0.0.1:9/hook",
        kind: EndpointKind = EndpointKind.STANDARD,
        wanted: Filter = EVERYTHING,
        caller: Caller | None = None,
    ) -> tuple[UUID, SigningSecret | None]:
        """Add an endpoint."""
        with self.database.transaction("add an endpoint") as tx:
            added, secret = endpoints.add_endpoint(
                tx, caller or self.caller, kind=kind, unverified_url=url, description="", wanted=wanted, by=self.by
            )
        return added.endpoint_id, secret

    def confirm(self, endpoint_id: UUID, egress: Egress | None = None) -> None:
        """Have an endpoint answer its challenge."""
        self.egress.answers.insert(0, echo)
        with self.database.transaction("confirm") as tx:
            endpoints.confirm_endpoint(tx, self.caller, endpoint_id, by=self.by)
        self.dispatch(egress)
        self.egress.posted.clear()

    def enabled(self, *, kind: EndpointKind = EndpointKind.STANDARD, wanted: Filter = EVERYTHING) -> UUID:
        """Add an endpoint and confirm it."""
        endpoint_id, _ = self.add(kind=kind, wanted=wanted)
        self.confirm(endpoint_id)
        return endpoint_id

    def tell(
        self,
        kind: EventType = EventType.ENDPOINT_DISABLED,
        partnership_id: UUID | None = None,
        **data: str | int | bool | None,
    ) -> None:
        """Tell the organization one event."""
        said = data or {"endpoint_id": str(UUID(int=3))}
        with self.database.transaction("tell") as tx:
            events.tell(tx, kind, {self.caller.organization_id: said}, partnership_id=partnership_id, now=self.now)

    def endpoint(self, endpoint_id: UUID) -> Endpoint:
        """Where an endpoint stands."""
        with self.database.snapshot("look") as tx:
            return endpoints.endpoint_of(tx, self.caller, endpoint_id, by=self.by)

    def log(self, endpoint_id: UUID) -> Sequence[LoggedDelivery]:
        """Deliveries, oldest first."""
        with self.database.snapshot("look") as tx:
            return log.log_page(tx, endpoint_id, before=None, limit=1_000).items[::-1]

    def told(self) -> list[str]:
        """The types of the organization's events."""
        with self.database.snapshot("look") as tx:
            query = select(events_table.c.type).where(events_table.c.organization_id == self.caller.organization_id)
            return list(tx.execute(query.order_by(events_table.c.number)).scalars())

    def trail(self) -> list[str]:
        """What the organization's audit trail says."""
        with self.database.snapshot("look") as tx:
            query = select(audit_entries.c.action).where(audit_entries.c.trail_id == self.caller.organization_id)
            return list(tx.execute(query.order_by(audit_entries.c.number)).scalars())


def desk_of(database: Database) -> Desk:
    """Give a new organization a desk."""
    with database.transaction("add an organization") as tx:
        return Desk(database, new_caller(tx, "Acme"))
