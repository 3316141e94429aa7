"""The matrix: nine cells, transposes, and totals that give nothing back."""

from __future__ import annotations

import pytest

from escrow.reports.matrix import CellCount, CellState, OverlapMatrix
from escrow.terms import CELLS, Cell, Level, Population

C, O, P = Population  # noqa: E741 - the letters of the grid


def a_matrix(**instead: CellCount) -> OverlapMatrix:
    """Make nine public counts, 1 to 9 row by row, but for those given as ``CP=...``."""
    letters = {C: "C", O: "O", P: "P"}
    return OverlapMatrix(
        {
            cell: instead.get(letters[cell.ours] + letters[cell.theirs], CellCount.public(Level.COUNTS, number))
            for number, cell in enumerate(CELLS, 1)
        }
    )


def test_a_matrix_has_nine_cells() -> None:
    with pytest.raises(ValueError, match="nine"):
        OverlapMatrix({Cell(C, C): CellCount.hidden()})


def test_the_partner_sees_the_transpose() -> None:
    theirs = a_matrix().transposed
    assert [theirs[cell].number for cell in CELLS] == [1, 4, 7, 2, 5, 8, 3, 6, 9]
    assert theirs.transposed == a_matrix()


def test_totals_are_the_sums_of_the_shown_numbers() -> None:
    matrix = a_matrix()
    assert matrix.total() == 45
    assert [matrix.total(ours=population) for population in Population] == [6, 15, 24]
    assert [matrix.total(theirs=population) for population in Population] == [12, 15, 18]


@pytest.mark.parametrize("closed", [CellCount.withheld(Level.COUNTS), CellCount.hidden()])
def test_a_total_over_a_cell_that_is_not_public_does_not_appear(closed: CellCount) -> None:
    matrix = a_matrix(OP=closed)
    assert matrix.total() is None
    assert [matrix.total(ours=population) for population in Population] == [6, None, 24]
    assert [matrix.total(theirs=population) for population in Population] == [12, 15, None]


def test_a_cell_says_in_words_what_is_told_of_it() -> None:
    assert str(CellCount.hidden()) == "hidden"
    assert str(CellCount.withheld(Level.COUNTS)) == "withheld"
    assert str(CellCount.public(Level.COUNTS, 1234)) == "1,234"


@pytest.mark.parametrize(
    ("level", "state", "number"),
    [
        (Level.COUNTS, CellState.WITHHELD, 3),
        (Level.COUNTS, CellState.PUBLIC, None),
        (Level.COUNTS, CellState.HIDDEN, None),
        (Level.HIDDEN, CellState.PUBLIC, 3),
        (Level.HIDDEN, CellState.WITHHELD, None),
    ],
)
def test_a_cell_cannot_contradict_itself(level: Level, state: CellState, number: int | None) -> None:
    with pytest.raises(ValueError, match="if and only if"):
        CellCount(level, state, number)
