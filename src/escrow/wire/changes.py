"""Changes: what became of the caller's rows in the list of overlaps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from escrow.wire.agreement import CellLevel
from escrow.wire.values import Bytes16, Model, Number, PopulationWord, RowBytes, TierWord, Time

__all__ = ["CellName", "Change", "ChangeKind", "ChangePage"]

ChangeKind = Annotated[Literal["entered", "moved", "changed", "left", "details", "reset"], Field(examples=["moved"])]


class CellName(Model):
    """One of the nine cells."""

    ours: PopulationWord
    theirs: PopulationWord


class Change(Model):
    """What happened to one of the caller's rows in cells open at accounts or above; a reset is of no row.

    ``entered``, ``moved`` and ``changed`` tell all that the list tells of the row now: ``cell``, ``tier``, ``overlap``
    and ``match_id``; ``was`` is the cell before. ``left`` tells only what was. ``details`` says that what the partner
    shares of what the row overlaps with is other than before, or gone. ``reset`` says to read the list again.
    """

    number: Annotated[Number, Field(examples=[1_763_700_000_000_042])]
    kind: ChangeKind
    row: RowBytes | None
    cell: CellLevel | None
    was: CellName | None
    tier: TierWord | None
    overlap: Annotated[str | None, Field(examples=["k2gtRxT0i9U"])]
    match_id: Bytes16 | None
    occurred_at: Time


class ChangePage(Model):
    """Some changes, oldest first; the next page starts after ``next_after``, at once where there is ``more``."""

    items: Annotated[tuple[Change, ...], Field(strict=False)]
    next_after: Annotated[Number, Field(examples=[1_763_700_000_000_042])]
    more: bool
