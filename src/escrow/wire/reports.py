"""Releases and the reports that one party reads from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from escrow.terms import CELLS
from escrow.wire.disclosure import DisclosureRule
from escrow.wire.partnerships import PopulationSizes
from escrow.wire.values import CellStateWord, Cursor, Id, LevelWord, Model, Number, PopulationWord, TierWord, Time

__all__ = [
    "ReleaseItem",
    "ReleasePage",
    "Report",
    "ReportCell",
    "ReportedList",
]


class ReleaseItem(Model):
    """A release by number."""

    number: Number
    made_at: Time


class ReleasePage(Model):
    """Some releases, newest first."""

    items: Annotated[tuple[ReleaseItem, ...], Field(strict=False)]
    next: Cursor | None


class ReportedList(Model):
    """The caller's own list that a release was made from."""

    number: Number
    accounts: Annotated[Number, Field(examples=[1_392])]
    populations: PopulationSizes
    applied_at: Time


class ReportCell(Model):
    """One cell of a report; ``number`` is there if and only if the cell is public."""

    ours: PopulationWord
    theirs: PopulationWord
    level: LevelWord
    state: CellStateWord
    number: Number | None


_NUMBERS = (93, 41, 12, 28, 19, 33, 57, 22, 88)
_EXAMPLE = [
    {"ours": cell.ours.word, "theirs": cell.theirs.word, "level": "counts", "state": "public", "number": number}
    for cell, number in zip(CELLS, _NUMBERS, strict=True)
]


class Report(Model):
    """One party's view of a release under the terms then and now."""

    partnership_id: Id
    number: Number
    made_at: Time
    our_list: ReportedList
    cells: Annotated[tuple[ReportCell, ...], Field(strict=False, min_length=9, max_length=9, examples=[_EXAMPLE])]
    counts_from: TierWord
    reveals_from: TierWord
    disclosure: DisclosureRule
