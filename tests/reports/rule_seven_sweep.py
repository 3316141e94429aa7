"""Rule 7 over every way to share nine cells: hidden, counts or accounts each, with every table of small lists.

Run by `make fuzz`, in ten seconds. Ways that differ only in the order of rows or columns, or in who is left, are one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import permutations, product

from escrow.terms import CELLS, Cell, Level, Population, Side
from tests.reports.rule_seven import Board, least_left

K, SIZES = 2, (6, 7, 6, 7, 6, 7)
LEVELS = (Level.HIDDEN, Level.COUNTS, Level.ACCOUNTS)


def main() -> int:
    """Try each way once; tell of those that leave a withheld cell less than k values."""
    tried, broken = 0, 0
    sizes = dict(zip(product(Side, Population), SIZES, strict=True))
    for levels in ways():
        board = Board(levels, sizes, K, smallest=2 * K)
        tables = board.not_filled_by_listed(board.tables())
        least = least_left([board.released(tables)], [tables])
        tried += 1
        if least is not None and least < K:
            broken += 1
            shared = ", ".join(f"{cell} {level.word}" for cell, level in levels.items())
            sys.stdout.write(f"{least} values are left: {shared}\n")
    sys.stdout.write(f"rule 7: {tried} ways to share nine cells, {broken} leave a withheld cell less than {K} values\n")
    return 1 if broken else 0


def ways() -> Iterator[dict[Cell, Level]]:
    """Give every way to share nine cells that has some at counts; the cells that are not hidden."""
    orders = list(permutations(range(3)))
    for levels in product(LEVELS, repeat=len(CELLS)):
        rows = [levels[start : start + 3] for start in range(0, len(CELLS), 3)]
        alike = (
            tuple(way[row][column] for row in down for column in across)
            for way in (rows, list(zip(*rows, strict=True)))
            for down in orders
            for across in orders
        )
        if Level.COUNTS in levels and levels == min(alike):
            yield {cell: level for cell, level in zip(CELLS, levels, strict=True) if level is not Level.HIDDEN}


if __name__ == "__main__":
    sys.exit(main())
