"""What a withheld cell may be, for who sees every release and knows the rule and all sizes: every table is tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escrow.reports.disclosure import Conditions, ShownBefore, disclose, over_time
from escrow.reports.matrix import CellCount
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Side, Tier
from tests.reports.rule_seven import WITHHELD, Board, Tables, least_left, repeating

C, O, P = Population  # noqa: E741 - the letters of the grid
SQUARE = (Cell(C, C), Cell(C, O), Cell(O, C), Cell(O, O))
LINE = (Cell(C, C), Cell(C, O), Cell(C, P))
RULES = {"k 3": DisclosureRule(3), "k 6 in threes": DisclosureRule(4, step=3), "k 10 in fives": DisclosureRule(10, 5)}
COUNTS, ACCOUNTS = Level.COUNTS, Level.ACCOUNTS


def board(levels: Mapping[Cell, Level], rule: DisclosureRule, *, left: int = 50, all_of: int | None = None) -> Board:
    """Make a board whose left customers are as many, or on which all four populations of a square are."""
    sizes = {(Side.LEFT, C): left}
    if all_of is not None:
        sizes = {(side, population): all_of for side in Side for population in (C, O)}
    return Board.under(rule, levels, sizes)


EXACT = st.fixed_dictionaries(dict.fromkeys(CELLS, st.integers(0, 40)))


@settings(max_examples=60)
@given(
    exact=st.tuples(EXACT, EXACT),
    levels=st.fixed_dictionaries(dict.fromkeys(CELLS, st.sampled_from((COUNTS, ACCOUNTS)))),
    sizes=st.fixed_dictionaries({(side, each): st.integers(30, 130) for side in Side for each in Population}),
    rule=st.sampled_from(list(RULES.values())),
)
def test_the_rule_written_twice_shows_the_same(
    *,
    exact: tuple[dict[Cell, int], dict[Cell, int]],
    levels: dict[Cell, Level],
    sizes: dict[tuple[Side, Population], int],
    rule: DisclosureRule,
) -> None:
    made, conditions = (
        Board.under(rule, {cell: levels[cell] for cell in CELLS}, sizes),
        Conditions(rule, Tier.LIKELY, Tier.CERTAIN),
    )
    left, right = made.sizes_of(Side.LEFT), made.sizes_of(Side.RIGHT)
    first, second = (disclose(each, levels=levels, left_sizes=left, right_sizes=right, rule=rule) for each in exact)
    tables = [np.array([[each[cell] for cell in CELLS]], np.int16) for each in exact]
    assert made.released(tables[0]).tolist() == [numbers(first)]
    before = {cell: ShownBefore(first[cell], 0, 0, conditions) for cell in CELLS}
    after = over_time(second, before=before, changes=dict.fromkeys(CELLS, (rule.k, rule.k - 1)), now=conditions)
    repeated = repeating(made.released(tables[0]), made.released(tables[1]), made.listed)
    assert repeated.tolist() == [numbers({cell: each.count for cell, each in after.items()})]


def numbers(shown: Mapping[Cell, CellCount]) -> list[int]:
    return [WITHHELD if (number := shown[cell].number) is None else number for cell in CELLS]


@pytest.mark.parametrize(("name", "first"), [("k 3", COUNTS), ("k 6 in threes", ACCOUNTS), ("k 10 in fives", COUNTS)])
def test_one_release_leaves_k_values_of_each_withheld_cell_of_a_square(name: str, first: Level) -> None:
    rule = RULES[name]
    square = board(dict.fromkeys(SQUARE, COUNTS) | {SQUARE[0]: first}, rule, all_of=50)
    tables = square.not_filled_by_listed(square.tables())
    assert len(tables) > 500_000
    assert least_left([square.released(tables)], [tables]) == rule.k


@pytest.mark.parametrize("level", [COUNTS, ACCOUNTS])
@pytest.mark.parametrize("name", RULES)
def test_one_release_leaves_k_values_of_each_withheld_cell_of_a_line(name: str, level: Level) -> None:
    rule = RULES[name]
    line = board(dict(zip(LINE, (COUNTS, COUNTS, level), strict=True)), rule, left=52)
    tables = line.not_filled_by_listed(line.tables())
    assert least_left([line.released(tables)], [tables]) == rule.k


#: Boards of nine cells, by rows: hidden (.), counts (c) or accounts (a); small numbers, so that every table is tried.
GRIDS = {"ccc ccc ccc": 7, "acc ccc cca": 7, "c.c ccc .cc": 8, "aac c.c .cc": 8}


def grid(letters: str, size: int, *, k: int = 2, step: int = 1, least_sizes: tuple[int, ...] = ()) -> Board:
    """Make a board of nine whose populations all have this size, or those named first another one."""
    level_of = {"c": COUNTS, "a": ACCOUNTS}
    levels = {
        cell: level_of[letter] for cell, letter in zip(CELLS, letters.replace(" ", ""), strict=True) if letter != "."
    }
    every = [(side, population) for side in Side for population in Population]
    sizes = dict.fromkeys(every, size) | dict(zip(every, least_sizes, strict=False))
    return Board(levels, sizes, k, step, smallest=2 * k)


@pytest.mark.parametrize("letters", GRIDS)
def test_one_release_leaves_k_values_of_each_withheld_cell_of_all_nine(letters: str) -> None:
    nine = grid(letters, GRIDS[letters])
    tables = nine.not_filled_by_listed(nine.tables())
    assert len(tables) > 50_000
    assert least_left([nine.released(tables)], [tables]) == nine.k


def test_one_release_in_steps_with_lines_of_several_sizes_leaves_k_values_of_all_nine() -> None:
    nine = grid("ccc ccc acc", 8, step=2, least_sizes=(8, 6, 7, 8))
    tables = nine.not_filled_by_listed(nine.tables())
    assert least_left([nine.released(tables)], [tables]) == nine.k


def test_a_line_that_listed_accounts_fill_is_the_exception() -> None:
    line = board(dict(zip(LINE, (COUNTS, COUNTS, ACCOUNTS), strict=True)), RULES["k 3"])
    tables = line.tables()
    least = least_left([line.released(tables)], [tables])
    assert least is not None
    assert least < 3


@dataclass(frozen=True)
class Step:
    """What one who looks does with its own list between two releases: so many accounts come, leave or move.

    ``signs`` are what an account that overlaps adds to the counts of its customers and of its opportunities.
    """

    accounts: int
    signs: tuple[int, int]

    def board_after(self, before: Board) -> Board:
        """Give the board with the sizes that it leads to."""
        ours = ((Side.LEFT, population) for population in (C, O))
        moved = {(side, each): sign * self.accounts for (side, each), sign in zip(ours, self.signs, strict=True)}
        return replace(before, sizes={place: size + moved.get(place, 0) for place, size in before.sizes.items()})

    def gains(self, levels: Mapping[Cell, Level]) -> Iterator[Tables]:
        """Give all that the counts may change by: nobody is told which of these accounts overlap, or with what."""
        columns, signs = sorted({cell.theirs for cell in levels}), dict(zip((C, O), self.signs, strict=True))
        for overlapping in product(range(self.accounts + 1), repeat=len(columns)):
            if sum(overlapping) <= self.accounts:
                of_column = dict(zip(columns, overlapping, strict=True))
                yield np.array([signs.get(cell.ours, 0) * of_column[cell.theirs] for cell in levels], np.int16)


COME, LEAVE, MOVE = (1, 0), (-1, 0), (-1, 1)


def least_left_after(start: Board, steps: Iterable[Step], *, states_may_change: bool = False) -> int | None:
    """Give what a withheld cell is left with for who changes its own list alone, and sees a release after each step.

    It does not know its accounts one from another: that one that leaves is one that has come, say.
    """
    counts = [start.not_filled_by_listed(start.tables())]
    shown, current = [start.released(counts[0])], start
    for step in steps:
        current = step.board_after(current)
        earlier, seen, now = [], [], []
        for gained in step.gains(start.levels):
            after = counts[-1] + gained
            is_possible = current.allowed(after) & ~current.is_filled_by_listed(after)
            earlier.append([each[is_possible] for each in counts])
            seen.append([each[is_possible] for each in shown])
            now.append(after[is_possible])
        counts = [*map(np.concatenate, zip(*earlier, strict=True)), np.concatenate(now)]
        shown = [*map(np.concatenate, zip(*seen, strict=True))]
        computed = current.released(counts[-1])
        shown.append(computed if states_may_change else repeating(shown[-1], computed, start.listed))
    return least_left(shown, counts)


@pytest.mark.parametrize("level", [COUNTS, ACCOUNTS])
@pytest.mark.parametrize("name", ["k 3", "k 6 in threes"])
def test_accounts_that_come_or_leave_on_one_side_tell_no_withheld_cell_of_a_line(name: str, level: Level) -> None:
    rule = RULES[name]
    line = board(dict(zip(LINE[:2], (level, COUNTS), strict=True)), rule)
    for accounts, signs in product((1, 2, rule.k, 2 * rule.k), (COME, LEAVE)):
        assert (least_left_after(line, [Step(accounts, signs)]) or 0) >= rule.k


@pytest.mark.parametrize("signs", [COME, LEAVE])
def test_accounts_that_come_or_leave_on_one_side_tell_no_withheld_cell_of_a_square(signs: tuple[int, int]) -> None:
    for accounts, (letters, size, k) in product((1, 2, 4), (("cc. cc. ...", 10, 3), ("ac. cc. ...", 9, 2))):
        square = grid(letters, size, k=k, least_sizes=(size, size + 2))
        assert least_left_after(square, [Step(accounts, signs)]) == k


def test_an_account_that_leaves_on_one_side_tells_no_withheld_cell_of_all_nine() -> None:
    nine = grid("ccc ccc ccc", 6, least_sizes=(6, 5, 5, 6, 6, 4))
    assert least_left_after(nine, [Step(1, LEAVE)]) == nine.k


@pytest.mark.parametrize("signs", [COME, LEAVE])
def test_accounts_that_only_come_or_only_leave_over_four_releases_tell_no_withheld_cell(signs: tuple[int, int]) -> None:
    square = grid("cc. cc. ...", 8, least_sizes=(8, 6))
    assert least_left_after(square, [Step(accounts, signs) for accounts in (1, 2, 1)]) == square.k


@pytest.mark.parametrize("signs", [(MOVE,), (COME, LEAVE, COME)])
def test_accounts_that_move_or_go_to_and_fro_on_one_side_are_the_exception(signs: tuple[tuple[int, int], ...]) -> None:
    square = grid("cc. cc. ...", 8, least_sizes=(8, 6))
    steps = [Step(accounts, each) for accounts, each in zip((1, 2, 1), signs, strict=False)]
    assert (least_left_after(square, steps) or 0) < square.k


def test_if_states_changed_at_once_one_account_would_tell_a_withheld_cell() -> None:
    line = board(dict.fromkeys(LINE[:2], COUNTS), RULES["k 3"])
    for signs in (COME, LEAVE):
        assert (least_left_after(line, [Step(1, signs)], states_may_change=True) or 0) < RULES["k 3"].k


@pytest.mark.parametrize("states_may_change", [False, True])
def test_two_releases_between_which_both_have_changed_leave_k_values(*, states_may_change: bool) -> None:
    first = grid("cc. ... ...", 14, k=3)
    second = Step(3, COME).board_after(first)
    tables = [each.tables() for each in (first, second)]
    before, after = np.divmod(np.arange(len(tables[0]) * len(tables[1])), len(tables[1]))
    shown, now = first.released(tables[0])[before], second.released(tables[1])[after]
    seen = [shown, now if states_may_change else repeating(shown, now, first.listed)]
    assert least_left(seen, [tables[0][before], tables[1][after]]) == first.k
