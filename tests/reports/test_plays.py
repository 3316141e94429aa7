"""Plays: every cell of the grid is good for something, as the playbook has it."""

from __future__ import annotations

from escrow.reports.plays import PLAYS
from escrow.terms import CELLS, Cell, Population


def test_every_cell_has_a_play() -> None:
    assert tuple(PLAYS) == CELLS


def test_one_side_gives_the_introduction_that_the_other_asks_for() -> None:
    cell = Cell(Population.CUSTOMERS, Population.OPPORTUNITIES)
    assert "Introduce them" in PLAYS[cell]
    assert "Ask for a warm introduction" in PLAYS[cell.transposed]
