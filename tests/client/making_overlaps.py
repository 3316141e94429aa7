"""Records that overlap, change sets of them, and sinks that keep what they are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from escrow.client.mirror import Mirror, opened_mirror
from escrow.client.sinks import ALL_TAKEN, Batch, Change, ChangeKind, OverlapRecord, Sink, Taken
from escrow.errors import SinkFailed
from escrow.psi.details import Detail
from escrow.terms import CELLS, Cell, Level, Population, Tier

__all__ = ["GIVEN", "NOW", "OPEN", "PARTNERSHIP", "KeepingSink", "a_batch", "joined", "record", "tell"]

PARTNERSHIP = UUID("33333333-3333-4333-8333-333333333333")
NOW = "2026-11-22T06:00:00Z"
GIVEN = Cell(Population.CUSTOMERS, Population.OPPORTUNITIES)
OPEN = Cell(Population.OPPORTUNITIES, Population.OPPORTUNITIES)


def record(crm_id: str, cell: Cell = GIVEN, *, name: str = "Acme", **shared: Detail) -> OverlapRecord:
    return OverlapRecord(
        partnership_id=PARTNERSHIP,
        partnership="Brightwater",
        crm_id=crm_id,
        account_name=name,
        cell=cell,
        tier=Tier.CERTAIN,
        level=Level.DETAILS if shared else Level.ACCOUNTS,
        overlap="k2gtRxT0i9U",
        shared=(shared,) if shared else (),
        entered_at=NOW,
    )


def a_batch(
    *changes: Change, number: int = 1, starts_over: bool = False, current: tuple[OverlapRecord, ...] = ()
) -> Batch:
    return Batch(
        partnership_id=PARTNERSHIP,
        partnership="Brightwater",
        number=number,
        made_at=NOW,
        changes=changes,
        size=len(changes),
        starts_over=starts_over,
        is_last=True,
        current=lambda: iter(current),
    )


@dataclass
class KeepingSink:
    """Keeps what it is told; ``fails`` says how many of its next batches it loses after taking them."""

    most: int | None = None
    place: str = "here"
    fails: int = 0
    refuses: frozenset[str] = frozenset()
    rows: dict[str, OverlapRecord] = field(default_factory=dict)
    told: list[tuple[int, str, str]] = field(default_factory=list)

    def take(self, batch: Batch) -> Taken:
        for change in batch.changes:
            crm_id = change.record.crm_id
            self.told.append((batch.number, change.kind.value, crm_id))
            if change.kind is ChangeKind.LEFT:
                self.rows.pop(crm_id, None)
            elif crm_id not in self.refuses:
                self.rows[crm_id] = change.record
        if self.fails:
            self.fails -= 1
            raise SinkFailed("the machine was killed")
        return Taken(self.refuses) if self.refuses else ALL_TAKEN

    def preview(self, batch: Batch) -> Iterator[str]:
        yield f"{batch.size}"

    def close(self) -> None:
        pass


def joined(folder: Path, *records: OverlapRecord) -> None:
    """Let these records be all there are."""
    with opened_mirror(folder) as mirror:
        mirror.join(records, now=NOW)
        mirror.keep()


def tell(
    folder: Path, sink: Sink, *, cells: frozenset[Cell] = frozenset(CELLS), again: bool = False, first: int = 1
) -> None:
    """Tell a sink what it lacks."""
    with opened_mirror(folder) as mirror:
        if again:
            mirror.start_over("crm")
        _tell(mirror, sink, cells, first)


def _tell(mirror: Mirror, sink: Sink, cells: frozenset[Cell], first: int) -> None:
    telling = mirror.telling("crm", sink, cells, label="Brightwater", partnership_id=PARTNERSHIP, first=first)
    mirror.keep()
    for batch in telling.batches(sink.most, made_at=NOW) if telling.is_needed else ():
        telling.begin(batch)
        telling.keep(batch, sink.take(batch))
