"""Overlaps and the details that follow them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from escrow.wire.values import (
    MOST_ITEMS,
    Bytes16,
    Cursor,
    EnvelopeBytes,
    LevelWord,
    Model,
    Number,
    PopulationWord,
    RowBytes,
    TierWord,
)

__all__ = [
    "DetailsPage",
    "DetailsStored",
    "DetailsUpload",
    "OverlapItem",
    "OverlapPage",
    "SealedDetails",
    "ServedDetails",
    "WantedDetails",
    "WantedPage",
]


class OverlapItem(Model):
    """One of the caller's own rows that overlaps, in a cell open at accounts or above.

    ``match_id`` names all that it overlaps with, to dispute it.
    """

    row: RowBytes
    match_id: Bytes16
    overlap: Annotated[str, Field(examples=["k2gtRxT0i9U"])]
    tier: TierWord
    ours: PopulationWord
    theirs: PopulationWord
    level: Annotated[LevelWord, Field(examples=["details"])]


class OverlapPage(Model):
    """Some overlaps, in row order.

    ``changes_after`` is on the first page alone: whoever has read all pages goes on with the changes after it.
    """

    items: Annotated[tuple[OverlapItem, ...], Field(strict=False)]
    next: Cursor | None
    changes_after: Annotated[Number | None, Field(examples=[1_763_700_000_000_041])]


class WantedDetails(Model):
    """One of the caller's own rows whose details the partner may read and does not have."""

    row: RowBytes


class WantedPage(Model):
    """Rows to seal, and what their envelopes must be bound to."""

    items: Annotated[tuple[WantedDetails, ...], Field(strict=False)]
    terms_number: Number
    submission: Number
    next: Cursor | None


class SealedDetails(Model):
    """One sealed envelope, in the form with a wrap for each token."""

    row: RowBytes
    population: PopulationWord
    envelope: EnvelopeBytes


class DetailsUpload(Model):
    """A batch of envelopes sealed under one number of terms and one applied submission."""

    terms_number: Number
    submission: Number
    items: Annotated[tuple[SealedDetails, ...], Field(strict=False, max_length=MOST_ITEMS)]


class DetailsStored(Model):
    """How many envelopes were stored."""

    stored: Number


class ServedDetails(Model):
    """A partner's envelope for one of the caller's rows, with the one wrap that opens it.

    ``match_id`` names the match of the two rows, to dispute it.
    """

    row: RowBytes
    match_id: Bytes16
    owner_row: RowBytes
    population: PopulationWord
    submission: Number
    terms_number: Number
    envelope: EnvelopeBytes


class DetailsPage(Model):
    """Some of the partner's envelopes."""

    items: Annotated[tuple[ServedDetails, ...], Field(strict=False)]
    next: Cursor | None
