"""The audit trail, as both parties check it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from escrow.wire.values import Bytes32, Cursor, Id, Model, Number, Time

__all__ = ["ActorName", "AuditEntry", "AuditPage"]

#: Longer than any name that is written: "mail digest" and an id have 48 letters.
ActorName = Annotated[
    str,
    Field(
        max_length=64,
        description=(
            "The API key by its id; or, where the service read for the organization to tell it of news, what it read "
            "for: `endpoint` or `mail digest`, a space and its id."
        ),
        examples=["k2gtrxt5i4uq"],
    ),
]


class AuditEntry(Model):
    """Who did what: ``organization_id`` is null where the operator or the service itself acted.

    ``digest`` is SHA-256 over the entry and the digest of the one before it in its trail.
    """

    trail_id: Id
    number: Number
    at: Time
    organization_id: Id | None
    api_key_id: ActorName | None
    action: Annotated[str, Field(max_length=40)]
    detail: Annotated[dict[str, str | int | bool | list[str]], Field(examples=[{"release": 3}])]
    digest: Bytes32


class AuditPage(Model):
    """Some entries of one trail, oldest first."""

    items: Annotated[tuple[AuditEntry, ...], Field(strict=False)]
    next: Cursor | None
