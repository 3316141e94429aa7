"""Rule 7 once more, over every table at once: arrays with a line for each table, straight from the definitions.

A table is what some of the nine cells really count; the others are hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from escrow.reports.disclosure import SMALLEST_POPULATION
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Side

#: A column for each cell of the board, a line for each table; `WITHHELD` where no number is shown.
Tables = npt.NDArray[np.int16]
Mask = npt.NDArray[np.bool_]

WITHHELD = -1
LARGE = 10_000
_BASE = 128


@dataclass(frozen=True)
class Board:
    """Some cells with their levels, the sizes of populations that are not large, and the rule."""

    levels: Mapping[Cell, Level]
    sizes: Mapping[tuple[Side, Population], int]
    rule: DisclosureRule

    @property
    def levels_of_all(self) -> dict[Cell, Level]:
        """The levels of the nine."""
        return dict.fromkeys(CELLS, Level.HIDDEN) | dict(self.levels)

    def sizes_of(self, side: Side) -> dict[Population, int]:
        """The sizes of all populations of a side."""
        return {population: self.sizes.get((side, population), LARGE) for population in Population}

    @property
    def lines(self) -> list[tuple[int, list[int]]]:
        """The size of each line, and the columns of its cells."""
        cells = list(self.levels)
        return [
            (self.sizes_of(side)[population], columns)
            for side, population in product(Side, Population)
            if (columns := [column for column, cell in enumerate(cells) if _population(cell, side) is population])
        ]

    def tables(self) -> Tables:
        """Give every table that these sizes allow: no line counts more than its population has."""
        lines = self.lines
        ends = [min(size for size, columns in lines if column in columns) + 1 for column in range(len(self.levels))]
        every = np.stack(np.meshgrid(*(np.arange(end, dtype=np.int16) for end in ends), indexing="ij"), axis=-1)
        tables: Tables = every.reshape(-1, len(ends))
        for size, columns in lines:
            tables = tables[tables[:, columns].sum(axis=1) <= size]
        return tables

    @property
    def listed(self) -> Mask:
        """Which cells are at accounts or above."""
        return np.array([level >= Level.ACCOUNTS for level in self.levels.values()])

    def not_filled_by_listed(self, tables: Tables) -> Tables:
        """Leave out the tables in which accounts already listed fill a line to less than 2k."""
        kept = np.ones(len(tables), np.bool_)
        for size, columns in self.lines:
            taken = (tables[:, columns] * self.listed[columns]).sum(axis=1)
            kept &= (taken == 0) | (size - taken >= 2 * self.rule.k)
        return tables[kept]

    def released(self, tables: Tables) -> Tables:
        """Give what a release shows of each table."""
        k, step = self.rule.k, self.rule.step
        told = np.where(self.listed | (tables >= k), tables, 0)
        is_open = np.ones(tables.shape, np.bool_)
        for size, columns in self.lines:
            leaves_room = (size - told[:, columns].sum(axis=1) >= 2 * k) & (size >= max(SMALLEST_POPULATION, 2 * k))
            is_open[:, columns] &= leaves_room[:, None]
        rounded = np.where((tables >= k) & is_open, tables - tables % step, WITHHELD)
        return np.where(self.listed, tables, rounded).astype(np.int16)


def repeating(first: Tables, second: Tables, listed: Mask) -> Tables:
    """Give what the second release shows where no state may change: a cell whose state would repeats the first."""
    changes = ((first == WITHHELD) != (second == WITHHELD)) & ~listed
    return np.where(changes, first, second).astype(np.int16)


def least_left(seen: Sequence[Tables], counts: Sequence[Tables]) -> int | None:
    """Give the smallest number of values that a withheld cell of any of these releases is left with.

    Lines belong together: what is seen, and what is counted. Who sees it knows the rule, the sizes and which lines
    there are. None if nothing is withheld.
    """
    key = np.zeros(len(seen[0]), np.int64)
    for column in np.concatenate(seen, axis=1).T:
        key = key * _BASE + (column.astype(np.int64) + 1)
    key = np.unique(key, return_inverse=True)[1]
    found: list[int] = []
    for shown, count in zip(np.concatenate(seen, axis=1).T, np.concatenate(counts, axis=1).T, strict=True):
        withheld = shown == WITHHELD
        values = np.unique(key[withheld] * _BASE + count[withheld])
        if values.size:
            found.append(int(np.unique(values // _BASE, return_counts=True)[1].min()))
    return min(found, default=None)


def _population(cell: Cell, side: Side) -> Population:
    return cell.ours if side is Side.LEFT else cell.theirs
