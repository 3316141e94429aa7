"""What an endpoint is told of: types, partnerships, and cells with thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from escrow.reports.matrix import OverlapMatrix
from escrow.store.states import EventType
from escrow.terms import Cell, Population

__all__ = ["EVERYTHING", "CellFilter", "Filter", "filter_of_row"]


@dataclass(frozen=True, slots=True)
class CellFilter:
    """A cell as the organization sees it; with ``crossed``, only when its number rises to that or above it."""

    cell: Cell
    crossed: int | None = None

    def lets_pass(self, before: OverlapMatrix | None, after: OverlapMatrix) -> bool:
        """Compare what is shown of the cell in two releases; what is withheld has no number, and crosses nothing."""
        then = None if before is None else before[self.cell].number
        now = after[self.cell].number
        if self.crossed is None:
            return then != now
        return now is not None and now >= self.crossed and (then is None or then < self.crossed)


@dataclass(frozen=True, slots=True)
class Filter:
    """None lets everything pass; events of no partnership pass a filter of partnerships only without one."""

    types: frozenset[EventType] | None = None
    partnership_ids: frozenset[UUID] | None = None
    cells: tuple[CellFilter, ...] | None = None

    def lets_pass(self, kind: EventType, partnership_id: UUID | None) -> bool:
        """Judge an event by what never changes of it; its cells are judged when it is posted."""
        if self.types is not None and kind not in self.types:
            return False
        return self.partnership_ids is None or partnership_id in self.partnership_ids

    def lets_pass_cells(self, before: OverlapMatrix | None, after: OverlapMatrix) -> bool:
        """Judge a release by what its reader is shown of it and of the one before."""
        return self.cells is None or any(each.lets_pass(before, after) for each in self.cells)

    @property
    def columns(self) -> Mapping[str, str | None]:
        """Give the filter as columns of the table ``endpoints``."""
        return {
            "types": None if self.types is None else ",".join(sorted(each.value for each in self.types)),
            "partnership_ids": (
                None if self.partnership_ids is None else ",".join(sorted(map(str, self.partnership_ids)))
            ),
            "cells": None if self.cells is None else ",".join(map(_text, self.cells)),
        }


EVERYTHING = Filter()


def filter_of_row(row: Row[Any]) -> Filter:
    """Read a row of the table ``endpoints``."""
    return Filter(
        types=None if row.types is None else frozenset(map(EventType, _parts(row.types))),
        partnership_ids=None if row.partnership_ids is None else frozenset(map(UUID, _parts(row.partnership_ids))),
        cells=None if row.cells is None else tuple(map(_cell_filter, _parts(row.cells))),
    )


def _parts(text: str) -> list[str]:
    return text.split(",") if text else []


def _text(wanted: CellFilter) -> str:
    crossed = "" if wanted.crossed is None else str(wanted.crossed)
    return f"{int(wanted.cell.ours)}.{int(wanted.cell.theirs)}.{crossed}"


def _cell_filter(text: str) -> CellFilter:
    ours, theirs, crossed = text.split(".")
    return CellFilter(Cell(Population(int(ours)), Population(int(theirs))), int(crossed) if crossed else None)
