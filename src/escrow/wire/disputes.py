"""Disputes of matches."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from escrow.wire.values import Bytes16, Cursor, Model, Number, RowBytes, Time

__all__ = ["Dispute", "DisputePage", "DisputeReason", "DisputedRow", "DisputedRowPage", "NewDispute"]

DisputeReason = Literal["different-company", "related-company", "outdated", "other"]


class NewDispute(Model):
    """A match that is wrong, named as it was told: one of the caller's rows and the match id beside it."""

    row: RowBytes
    match_id: Bytes16
    reason: DisputeReason


class Dispute(Model):
    """One of the caller's own disputes; its numbers are the caller's own too."""

    number: Number
    row: RowBytes
    match_id: Bytes16
    reason: DisputeReason
    made_at: Time
    withdrawn_at: Time | None


class DisputePage(Model):
    """Some disputes, newest first."""

    items: Annotated[tuple[Dispute, ...], Field(strict=False)]
    next: Cursor | None


class DisputedRow(Model):
    """One of the caller's own rows on which a dispute of the partner's stands."""

    row: RowBytes


class DisputedRowPage(Model):
    """Some disputed rows, in row order."""

    items: Annotated[tuple[DisputedRow, ...], Field(strict=False)]
    next: Cursor | None
