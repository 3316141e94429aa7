"""The audit trail, as both parties check it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from escrow.reports.trail import TrailEntry
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

    @classmethod
    def of(cls, entry: TrailEntry) -> Self:
        """Say an entry as it is shown."""
        return cls(
            trail_id=entry.trail_id,
            number=entry.number,
            at=entry.at,
            organization_id=entry.organization_id,
            api_key_id=entry.api_key_id,
            action=entry.action,
            detail=dict(entry.detail),
            digest=entry.digest,
        )

    def value(self) -> TrailEntry:
        """The entry as both sides check it."""
        return TrailEntry(
            trail_id=self.trail_id,
            number=self.number,
            at=self.at,
            organization_id=self.organization_id,
            api_key_id=self.api_key_id,
            action=self.action,
            detail=self.detail,
            digest=self.digest,
        )


class AuditPage(Model):
    """Some entries of one trail, oldest first."""

    items: Annotated[tuple[AuditEntry, ...], Field(strict=False)]
    next: Cursor | None
