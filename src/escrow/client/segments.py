"""The 3×3 of a segment of ours: our listed overlaps with its label, counted on this machine.

The escrow never learns of a segment: what overlaps in cells open at accounts or above is listed to us anyway, and our
own labels are joined to it here. Cells at counts have no place in it: nobody is told which accounts are counted there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from itertools import compress

from escrow.client.sources import CrmRows
from escrow.reports.report import ListedOverlap, OverlapList
from escrow.terms import CELLS, Cell, Level

__all__ = ["SegmentMatrix", "crm_ids_of", "of_segment", "segment_matrix"]


@dataclass(frozen=True, slots=True)
class SegmentMatrix:
    """How many companies with a label overlap, by cell; None where the cell is not open at accounts or above."""

    name: str
    rows: int
    numbers: Mapping[Cell, int | None]

    @property
    def total(self) -> int:
        """The overlaps of all cells that are open."""
        return sum(filter(None, self.numbers.values()))


def crm_ids_of(crm: CrmRows, name: str) -> frozenset[str]:
    """Give the CRM ids of the rows that bear a label."""
    return frozenset(compress(crm.crm_ids, crm.segments[name]))


def of_segment(listed: OverlapList, crm_ids: Container[str]) -> OverlapList:
    """Give the overlaps of accounts that have one of these rows."""
    items = tuple(item for item in listed.items if any(crm_id in crm_ids for crm_id in item.crm_ids))
    return OverlapList(listed.ours, listed.theirs, items)


def segment_matrix(listed: OverlapList, crm: CrmRows, name: str, levels: Mapping[Cell, Level]) -> SegmentMatrix:
    """Count the overlaps of a segment: each once, in the cell of the strongest population on each side."""
    crm_ids = crm_ids_of(crm, name)
    counted = Counter(_cells(of_segment(listed, crm_ids).items).values())
    is_open = {cell: levels[cell] >= Level.ACCOUNTS for cell in CELLS}
    return SegmentMatrix(name, len(crm_ids), {cell: counted[cell] if is_open[cell] else None for cell in CELLS})


def _cells(items: Iterable[ListedOverlap]) -> Mapping[str, Cell]:
    cells: dict[str, Cell] = {}
    for item in items:
        seen = cells.get(item.overlap, item.cell)
        cells[item.overlap] = Cell(min(seen.ours, item.cell.ours), min(seen.theirs, item.cell.theirs))
    return cells
