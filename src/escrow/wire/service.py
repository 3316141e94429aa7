"""The service itself and who is calling."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from escrow.psi.profile_ids import PROFILE_IDS
from escrow.wire.disclosure import DisclosurePreset
from escrow.wire.values import Bytes32, Id, KeyId, Model, Number, ScopeWord, Time

__all__ = [
    "ApiKey",
    "Health",
    "Limits",
    "Nothing",
    "Organization",
    "ReleaseKey",
    "Service",
]


class Nothing(Model):
    """An empty object: the request needs no more than its address."""


class Health(Model):
    """The service answers."""

    status: Literal["ok"] = "ok"


class Limits(Model):
    """What one request may hold; ``json_list_…`` is for a list that is submitted account by account."""

    chunk_bytes: Annotated[Number, Field(examples=[4_194_304])]
    chunks: Annotated[Number, Field(examples=[1_024])]
    body_bytes: Annotated[Number, Field(examples=[65_536])]
    json_list_accounts: Annotated[Number, Field(examples=[10_000])]
    json_list_bytes: Annotated[Number, Field(examples=[8_388_608])]
    page_items: Annotated[Number, Field(examples=[500])]
    largest_list: Annotated[Number, Field(examples=[5_000_000])]


class ReleaseKey(Model):
    """A public key (Ed25519) under which this service has signed releases."""

    key_id: KeyId
    public_key: Bytes32
    first_used_at: Time


class Service(Model):
    """What this service speaks."""

    name: Annotated[str, Field(examples=["escrow"])]
    version: Annotated[str, Field(examples=["1.0.0"])]
    profiles: Annotated[tuple[str, ...], Field(strict=False, examples=[list(PROFILE_IDS)])]
    suites: Annotated[tuple[int, ...], Field(strict=False)]
    limits: Limits
    disclosure_presets: Annotated[tuple[DisclosurePreset, ...], Field(strict=False)]
    release_keys: Annotated[tuple[ReleaseKey, ...], Field(strict=False)]
    time: Time


class ApiKey(Model):
    """The calling API key: what it may be used for, in which partnerships (null: in all) and until when."""

    api_key_id: Annotated[str, Field(examples=["k2gtrxt5i4uq"])]
    scopes: Annotated[tuple[ScopeWord, ...], Field(strict=False)]
    partnership_ids: Annotated[tuple[Id, ...], Field(strict=False)] | None
    expires_at: Time | None


class Organization(Model):
    """An organization, as it is known to itself and its partners."""

    organization_id: Id
    name: Annotated[str, Field(examples=["Larkfield"])]
