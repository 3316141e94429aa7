"""What a route is given: the running service, the key that was shown, and a body that was read within its limit."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from escrow import access
from escrow.api.rates import Rates
from escrow.api.running import Running
from escrow.errors import ContentTypeUnsupported, NotAuthenticated
from escrow.presets import DISCLOSURE_PRESETS
from escrow.settings import ServerSettings
from escrow.store.database import Database, Transaction
from escrow.store.sealing import SealingKey
from escrow.store.states import Scope
from escrow.terms import DisclosureRule
from escrow.wire.values import Cursor, Id

__all__ = [
    "PRESENTED",
    "AnyKey",
    "AskedCursor",
    "AskedLimit",
    "ChunkBody",
    "PairKey",
    "PartnershipId",
    "PresentedKey",
    "ReadKey",
    "Service",
    "Serving",
    "SubmitKey",
    "TermsKey",
    "UnverifiedChunk",
    "WebhooksKey",
    "json_only",
    "not_shown",
    "page_size",
]


#: Where the scope of a request holds the key that it shows.
PRESENTED = "escrow presented key"


@dataclass(frozen=True, slots=True)
class Service:
    """One running service: where it stores, what it seals with, how it is set, its clocks and its randomness.

    ``running`` and ``rates`` are what it remembers of requests, for as long as the process lives. ``worker_silence``
    tells for how many seconds the worker of this process, if it has one, gave no sign of life.
    """

    database: Database
    sealing_key: SealingKey
    settings: ServerSettings
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    random: Callable[[int], bytes] = os.urandom
    steady: Callable[[], float] = time.monotonic
    running: Running = field(default_factory=Running)
    rates: Rates = field(default_factory=Rates)
    worker_silence: Callable[[], float] | None = None

    @property
    def disclosure_presets(self) -> Mapping[str, DisclosureRule]:
        """The rules that terms may demand, by name: the usual ones, and the operator's own if there is one."""
        own = self.settings.own_preset
        return DISCLOSURE_PRESETS if own is None else {self.settings.own_preset_name: own, **DISCLOSURE_PRESETS}


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


_bearer = HTTPBearer(
    scheme_name="apiKey",
    bearerFormat="esk_…",
    description="An API key of the calling organization, made by `escrow-server api-key add`.",
    auto_error=False,
)


@dataclass(slots=True)
class PresentedKey:
    """The key that a request shows, not yet looked at, and the scope that its route asks for."""

    service: Service
    unverified: str = field(repr=False)
    scope: Scope | None
    caller: access.Caller | None = None

    def admit(self, tx: Transaction) -> access.Caller:
        """Tell who is calling, or raise NotAuthenticated, ScopeMissing or RateExceeded."""
        is_counted = self.caller is not None
        self.caller = access.authenticate(tx, self.unverified, scope=self.scope, now=self.service.now())
        if not is_counted:
            self._count(self.caller)
        return self.caller

    def _count(self, caller: access.Caller) -> None:
        per_minute = self.service.settings.requests_per_minute
        self.service.rates.take(caller.organization_id, per_minute=per_minute, at=self.service.steady())

    def note_use(self) -> None:
        """Keep that the key was used, if that was not noted lately."""
        if self.caller is None or self.caller.used_lately:
            return
        # It is coarse anyway: where the database is busy, the next request notes it.
        with (
            suppress(OperationalError, NoConnectionFree),
            self.service.database.transaction("note the use of a key") as tx,
        ):
            access.note_use(tx, self.caller, now=self.service.now())


async def _presented_key(
    asked: SecurityScopes,
    request: Request,
    service: Annotated[Service, Depends(_service)],
    unverified: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> AsyncIterator[PresentedKey]:
    if unverified is None:
        raise not_shown()
    scope = Scope(asked.scope_str) if asked.scopes else None
    key = request.scope[PRESENTED] = PresentedKey(service, unverified.credentials, scope)
    try:
        yield key
    finally:
        await run_in_threadpool(key.note_use)


def not_shown() -> NotAuthenticated:
    """Say how a key is sent."""
    return NotAuthenticated("Send a valid API key as 'Authorization: Bearer esk_…'.")


def page_size(service: Service, asked: int | None) -> int:
    """Give the number of items in a page: what was asked for, within what the operator allows."""
    most = service.settings.page_items
    return most if asked is None else min(asked, most)


def json_only(request: Request) -> None:
    """Refuse a body that is not said to be JSON; a form that a browser can send across origins is none."""
    if request.method in {"PATCH", "POST", "PUT"}:
        _must_be(request, "application/json")


@dataclass(frozen=True, slots=True)
class UnverifiedChunk:
    """The body of a chunk, not looked at yet, and whether it is said to be columns in JSON."""

    body: bytes = field(repr=False)
    is_columns: bool


async def _chunk(request: Request) -> UnverifiedChunk:
    said = _must_be(request, "application/octet-stream", "application/json")
    return UnverifiedChunk(await request.body(), said == "application/json")


def _must_be(request: Request, *content_types: str) -> str:
    said, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if said.strip() not in content_types or parameters.strip() not in {"", "charset=utf-8"}:
        raise ContentTypeUnsupported(f"Send the body as {' or '.join(content_types)}.")
    return said.strip()


Serving = Annotated[Service, Depends(_service)]
AnyKey = Annotated[PresentedKey, Security(_presented_key)]
ReadKey = Annotated[PresentedKey, Security(_presented_key, scopes=[Scope.READ.value])]
SubmitKey = Annotated[PresentedKey, Security(_presented_key, scopes=[Scope.SUBMIT.value])]
TermsKey = Annotated[PresentedKey, Security(_presented_key, scopes=[Scope.TERMS.value])]
WebhooksKey = Annotated[PresentedKey, Security(_presented_key, scopes=[Scope.WEBHOOKS.value])]
PairKey = Annotated[PresentedKey, Security(_presented_key, scopes=[Scope.PAIR.value])]
ChunkBody = Annotated[UnverifiedChunk, Depends(_chunk)]
PartnershipId = Annotated[Id, Path(description="The partnership's id.")]
AskedCursor = Annotated[Cursor | None, Query(alias="cursor", description="The `next` of the page before.")]
AskedLimit = Annotated[int | None, Query(alias="limit", ge=1, le=1_000, description="At most this many items.")]
