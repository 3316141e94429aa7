"""Rule 7 once more, over every table at once: arrays with a line for each table, straight from the definitions.

A table is what some of the nine cells really count; the others are hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from escrow.reports.disclosure import SMALLEST_POPULATION
from escrow.terms import Cell, DisclosureRule, Level, Population, Side

#: A column for each cell of the board, a line for each table; `WITHHELD` where no number is shown.
Tables = npt.NDArray[np.int16]
Mask = npt.NDArray[np.bool_]

WITHHELD = -1
LARGE = 10_000
#: Rows of tables are put together in parts of about so many, to keep what is thrown away again small.
_AT_ONCE = 1_000_000
_MOST_KEYS = 1 << 40


@dataclass(frozen=True)
class Board:
    """Some cells with their levels, the sizes of populations that are not large, and the rule.

    ``smallest`` is the smallest population with public cells, as the rule has it unless a test makes all numbers small.
    """

    levels: Mapping[Cell, Level]
    sizes: Mapping[tuple[Side, Population], int]
    k: int
    step: int = 1
    smallest: int = SMALLEST_POPULATION

    @classmethod
    def under(
        cls, rule: DisclosureRule, levels: Mapping[Cell, Level], sizes: Mapping[tuple[Side, Population], int]
    ) -> Board:
        """Make a board under a rule that the service may have."""
        return cls(levels, sizes, rule.k, rule.step)

    def sizes_of(self, side: Side) -> dict[Population, int]:
        """The sizes of all populations of a side."""
        return {population: self.sizes.get((side, population), LARGE) for population in Population}

    @property
    def lines(self) -> list[tuple[int, list[int]]]:
        """The size of each line, and the columns of its cells."""
        return [line for side in Side for line in self._lines_of(side)]

    def tables(self) -> Tables:
        """Give every table that these sizes allow: no line counts more than its population has."""
        tables = np.zeros((1, len(self.levels)), np.int16)
        for size, columns in self._lines_of(Side.LEFT):
            ends = [1 + min(line for line, others in self.lines if column in others) for column in columns]
            every = np.stack(np.meshgrid(*(np.arange(end, dtype=np.int16) for end in ends), indexing="ij"), axis=-1)
            row = np.zeros((every.size // len(columns), len(self.levels)), np.int16)
            row[:, columns] = every.reshape(-1, len(columns))
            row = row[row.sum(axis=1) <= size]
            parts = np.array_split(tables, len(tables) * len(row) // _AT_ONCE + 1)
            tables = np.concatenate(
                [self.only_allowed((part[:, None] + row).reshape(-1, row.shape[1])) for part in parts]
            )
        return tables

    @property
    def listed(self) -> Mask:
        """Which cells are at accounts or above."""
        return np.array([level >= Level.ACCOUNTS for level in self.levels.values()])

    def not_filled_by_listed(self, tables: Tables) -> Tables:
        """Leave out the tables in which accounts already listed fill a line to less than 2k."""
        return tables[~self.is_filled_by_listed(tables)]

    def is_filled_by_listed(self, tables: Tables) -> Mask:
        """Tell in which tables that is so."""
        filled = np.zeros(len(tables), np.bool_)
        for size, columns in self.lines:
            taken = (tables[:, columns] * self.listed[columns]).sum(axis=1)
            filled |= (taken > 0) & (size - taken < 2 * self.k)
        return filled

    def released(self, tables: Tables) -> Tables:
        """Give what a release shows of each table."""
        k = self.k
        told = np.where(self.listed | (tables >= k), tables, 0)
        is_open = np.ones(tables.shape, np.bool_)
        for size, columns in self.lines:
            leaves_room = (size - told[:, columns].sum(axis=1) >= 2 * k) & (size >= max(self.smallest, 2 * k))
            is_open[:, columns] &= leaves_room[:, None]
        rounded = np.where((tables >= k) & is_open, tables - tables % self.step, WITHHELD)
        return np.where(self.listed, tables, rounded).astype(np.int16)

    def only_allowed(self, tables: Tables) -> Tables:
        """Leave out the tables that these sizes do not allow."""
        return tables[self.allowed(tables)]

    def allowed(self, tables: Tables) -> Mask:
        """Tell which tables these sizes allow."""
        kept: Mask = np.asarray((tables >= 0).all(axis=1))
        for size, columns in self.lines:
            kept &= tables[:, columns].sum(axis=1) <= size
        return kept

    def _lines_of(self, side: Side) -> Iterator[tuple[int, list[int]]]:
        cells = list(self.levels)
        for population, size in self.sizes_of(side).items():
            columns = [column for column, cell in enumerate(cells) if population_of(cell, side) is population]
            if columns:
                yield size, columns


def repeating(first: Tables, second: Tables, listed: Mask) -> Tables:
    """Give what the second release shows where no state may change: a cell whose state would repeats the first."""
    changes = ((first == WITHHELD) != (second == WITHHELD)) & ~listed
    return np.where(changes, first, second).astype(np.int16)


def least_left(seen: Sequence[Tables], counts: Sequence[Tables]) -> int | None:
    """Give the smallest number of values that a withheld cell of any of these releases is left with.

    Lines belong together: what is seen, and what is counted. Who sees it knows the rule, the sizes and which lines
    there are. None if nothing is withheld.
    """
    looks_alike = _classes(np.concatenate(seen, axis=1))
    found: list[int] = []
    for shown, count in zip(np.concatenate(seen, axis=1).T, np.concatenate(counts, axis=1).T, strict=True):
        withheld = shown == WITHHELD
        is_possible = np.zeros((looks_alike.max() + 1, int(count.max()) + 1), np.bool_)
        is_possible[looks_alike[withheld], count[withheld]] = True
        values = is_possible.sum(axis=1)
        found.extend(values[values > 0].tolist())
    return min(found, default=None)


def population_of(cell: Cell, side: Side) -> Population:
    """Give the population of a side that a cell compares."""
    return cell.ours if side is Side.LEFT else cell.theirs


def _classes(shown: Tables) -> npt.NDArray[np.int64]:
    """Number the lines so that those that are equal have one number, from zero on."""
    key, keys, base = np.zeros(len(shown), np.int64), 1, int(shown.max()) + 2
    for column in shown.T:
        key, keys = key * base + (column.astype(np.int64) + 1), keys * base
        if keys > _MOST_KEYS:
            key = np.unique(key, return_inverse=True)[1]
            keys = int(key.max()) + 1
    return np.unique(key, return_inverse=True)[1]
