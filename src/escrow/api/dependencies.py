"""What a route is given: the running service, the key that was shown, and a body that was read within its limit."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from escrow.errors import ContentTypeUnsupported, NotAuthenticated
from escrow.settings import ServerSettings
from escrow.store.database import Database
from escrow.store.sealing import SealingKey
from escrow.wire.values import Cursor, Id

__all__ = [
    "AskedCursor",
    "AskedLimit",
    "ChunkBytes",
    "PartnershipId",
    "PresentedKey",
    "Service",
    "Serving",
    "json_only",
    "page_size",
]


@dataclass(frozen=True, slots=True)
class Service:
    """One running service: where it stores, what it seals with, how it is set, and its clock and randomness."""

    database: Database
    sealing_key: SealingKey
    settings: ServerSettings
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    random: Callable[[int], bytes] = os.urandom


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


_bearer = HTTPBearer(
    scheme_name="apiKey",
    bearerFormat="esk_…",
    description="An API key of the calling organization, made by `escrow-server api-key add`.",
    auto_error=False,
)


def _presented_key(unverified: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    if unverified is None:
        raise NotAuthenticated("Send a valid API key as 'Authorization: Bearer esk_…'.")
    return unverified.credentials


def page_size(service: Service, asked: int | None) -> int:
    """Give the number of items in a page: what was asked for, within what the operator allows."""
    most = service.settings.page_items
    return most if asked is None else min(asked, most)


def json_only(request: Request) -> None:
    """Refuse a body that is not said to be JSON; a form that a browser can send across origins is none."""
    if request.method in {"POST", "PUT"}:
        _must_be(request, "application/json")


async def _chunk_bytes(request: Request) -> bytes:
    _must_be(request, "application/octet-stream")
    return await request.body()


def _must_be(request: Request, content_type: str) -> None:
    said, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if said.strip() != content_type or parameters.strip() not in {"", "charset=utf-8"}:
        raise ContentTypeUnsupported(f"Send the body as {content_type}.")


Serving = Annotated[Service, Depends(_service)]
PresentedKey = Annotated[str, Depends(_presented_key)]
ChunkBytes = Annotated[bytes, Depends(_chunk_bytes)]
PartnershipId = Annotated[Id, Path(description="The partnership's id.")]
AskedCursor = Annotated[Cursor | None, Query(alias="cursor", description="The `next` of the page before.")]
AskedLimit = Annotated[int | None, Query(alias="limit", ge=1, le=1_000, description="At most this many items.")]
