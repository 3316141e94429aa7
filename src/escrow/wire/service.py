"""The service itself and who is calling."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from escrow.wire.disclosure import DisclosurePreset
from escrow.wire.values import Id, Model, Number, ScopeWord, Time

__all__ = [
    "ApiKey",
    "Health",
    "Limits",
    "Nothing",
    "Organization",
    "Service",
]


class Nothing(Model):
    """An empty object: the request needs no more than its address."""


class Health(Model):
    """The service answers."""

    status: Literal["ok"] = "ok"


class Limits(Model):
    """What one request may hold."""

    chunk_bytes: Number
    chunks: Number
    body_bytes: Number
    page_items: Number
    largest_list: Number


class Service(Model):
    """What this service speaks."""

    name: str
    version: str
    profiles: Annotated[tuple[str, ...], Field(strict=False)]
    suites: Annotated[tuple[int, ...], Field(strict=False)]
    limits: Limits
    disclosure_presets: Annotated[tuple[DisclosurePreset, ...], Field(strict=False)]
    time: Time


class ApiKey(Model):
    """The calling API key: what it may be used for, in which partnerships (null: in all) and until when."""

    api_key_id: str
    scopes: Annotated[tuple[ScopeWord, ...], Field(strict=False)]
    partnership_ids: Annotated[tuple[Id, ...], Field(strict=False)] | None
    expires_at: Time | None


class Organization(Model):
    """An organization, as it is known to itself and its partners."""

    organization_id: Id
    name: str
