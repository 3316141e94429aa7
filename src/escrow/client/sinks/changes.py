"""What sinks are told: one record for each of our CRM rows that overlaps, and what became of it since the last time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from escrow.psi.details import Detail
from escrow.terms import Cell, Level, Population, Tier

__all__ = ["Batch", "Change", "ChangeKind", "OverlapRecord", "of_content"]


class ChangeKind(StrEnum):
    """What became of a record."""

    ENTERED = "entered"
    MOVED = "moved"
    CHANGED = "changed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class OverlapRecord:
    """One CRM row of ours whose company is on the partner's list too; ``shared`` is what they share, strongest first.

    ``entered_at`` is when this machine first saw it, in UTC.
    """

    partnership_id: UUID
    partnership: str
    crm_id: str = field(repr=False)
    account_name: str = field(repr=False)
    cell: Cell
    tier: Tier
    level: Level
    overlap: str
    shared: tuple[Mapping[str, Detail], ...] = field(repr=False)
    entered_at: str = ""

    @property
    def key(self) -> str:
        """Names the record in a place where the records of all partnerships lie."""
        return f"{self.partnership_id}:{self.crm_id}"

    @property
    def content(self) -> str:
        """All of it but the time, the same text for the same record."""
        return json.dumps(self.values, ensure_ascii=False, sort_keys=True)

    @property
    def values(self) -> dict[str, Any]:
        """What programs are told of it, but the time."""
        return {
            "partnership_id": str(self.partnership_id),
            "partnership": self.partnership,
            "crm_id": self.crm_id,
            "account_name": self.account_name,
            "ours": self.cell.ours.word,
            "theirs": self.cell.theirs.word,
            "tier": self.tier.word,
            "level": self.level.word,
            "overlap": self.overlap,
            "shared": [dict(each) for each in self.shared],
        }

    @property
    def told(self) -> dict[str, Any]:
        """What programs are told of it."""
        return {**self.values, "entered_at": self.entered_at}


def of_content(content: str, entered_at: str) -> OverlapRecord:
    """Read a record from its content."""
    values = json.loads(content)
    return OverlapRecord(
        partnership_id=UUID(values["partnership_id"]),
        partnership=values["partnership"],
        crm_id=values["crm_id"],
        account_name=values["account_name"],
        cell=Cell(Population[values["ours"].upper()], Population[values["theirs"].upper()]),
        tier=Tier[values["tier"].upper()],
        level=Level[values["level"].upper()],
        overlap=values["overlap"],
        shared=tuple(values["shared"]),
        entered_at=entered_at,
    )


@dataclass(frozen=True, slots=True)
class Change:
    """A record as it is now, or as it was last told where it left; ``was`` is the cell it was told in before."""

    kind: ChangeKind
    record: OverlapRecord
    was: Cell | None

    @property
    def told(self) -> dict[str, Any]:
        """What programs are told; nothing that the partner shared of a record that left."""
        record = self.record.told | ({"shared": []} if self.kind is ChangeKind.LEFT else {})
        was = {"ours": self.was.ours.word, "theirs": self.was.theirs.word} if self.was else None
        return {"change": self.kind.value, **record, "was": was}


@dataclass(frozen=True, slots=True)
class Batch:
    """Some changes of one numbered change set; told again after a crash, it has the same number.

    ``changes`` can be gone through more than once. Where ``starts_over``, they hold all records there are, and what a
    sink has of the partnership beside them is gone, also where it is not told as such. ``current`` gives every record
    as it is now.
    """

    partnership_id: UUID
    partnership: str
    number: int
    made_at: str
    changes: Iterable[Change]
    size: int
    starts_over: bool
    is_last: bool
    current: Callable[[], Iterator[OverlapRecord]]
