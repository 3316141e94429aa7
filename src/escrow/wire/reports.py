"""Releases and the reports that one party reads from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from escrow.terms import CELLS
from escrow.wire.disclosure import EffectiveRule
from escrow.wire.partnerships import PopulationSizes
from escrow.wire.values import (
    Bytes16,
    Bytes32,
    Bytes64,
    CellStateWord,
    Cursor,
    Id,
    KeyId,
    LevelWord,
    Model,
    Number,
    PopulationWord,
    StatementBytes,
    TierWord,
    Time,
)

__all__ = [
    "ReleaseItem",
    "ReleasePage",
    "Report",
    "ReportCell",
    "ReportedList",
    "Signed",
]


class Signed(Model):
    """The statement of a release and the service's signature over it; `key_id` names one of its `release_keys`."""

    statement: StatementBytes
    signature: Bytes64
    key_id: KeyId


class ReleaseItem(Model):
    """A release by number; `signed` is null where it was made before releases were signed."""

    number: Number
    made_at: Time
    signed: Signed | None


class ReleasePage(Model):
    """Some releases, newest first."""

    items: Annotated[tuple[ReleaseItem, ...], Field(strict=False)]
    next: Cursor | None


class ReportedList(Model):
    """The caller's own list that a release was made from; digest and salt open its commitment in the statement."""

    number: Number
    digest: Bytes32
    salt: Bytes16 | None
    accounts: Annotated[Number, Field(examples=[1_392])]
    populations: PopulationSizes
    applied_at: Time


class ReportCell(Model):
    """One cell of a report; `number` is there if and only if the cell is public, and `salt` opens its commitment.

    `level` is the lower of those of then and now, `level_then` the one that the release was made under.
    """

    ours: PopulationWord
    theirs: PopulationWord
    level: LevelWord
    level_then: LevelWord
    state: CellStateWord
    number: Number | None
    salt: Bytes16 | None


_NUMBERS = (93, 41, 12, 28, 19, 33, 57, 22, 88)
_EXAMPLE = [
    {"ours": cell.ours.word, "theirs": cell.theirs.word, "state": "public", "number": number}
    | {"level": "counts", "level_then": "counts", "salt": "mAPvMQBEt1Db9cm2KQyLzQ"}
    for cell, number in zip(CELLS, _NUMBERS, strict=True)
]


class Report(Model):
    """One party's view of a release under the terms then and now.

    Where the rule asks for noise, a number of a cell at counts is within ``margin`` of the shared primary domains that
    were counted 95 times in 100; else ``margin`` is null.
    """

    partnership_id: Id
    number: Number
    made_at: Time
    our_list: ReportedList
    cells: Annotated[tuple[ReportCell, ...], Field(strict=False, min_length=9, max_length=9, examples=[_EXAMPLE])]
    counts_from: TierWord
    reveals_from: TierWord
    disclosure: EffectiveRule
    margin: Annotated[Number | None, Field(examples=[None])]
    signed: Signed | None
