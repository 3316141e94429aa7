"""What a withheld cell may be, for who sees every release and knows the rule and all sizes: every table is tried."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escrow.reports.disclosure import Conditions, ShownBefore, disclose, over_time
from escrow.reports.matrix import CellCount
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Side, Tier
from tests.reports.rule_seven import WITHHELD, Board, Mask, Tables, least_left, repeating

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
    return Board(levels, sizes, rule)


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
        Board({cell: levels[cell] for cell in CELLS}, sizes, rule),
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


@pytest.mark.parametrize("levels", [(COUNTS, COUNTS, COUNTS, COUNTS), (ACCOUNTS, COUNTS, COUNTS, COUNTS)])
@pytest.mark.parametrize("name", RULES)
def test_one_release_leaves_k_values_of_each_withheld_cell_of_a_square(name: str, levels: tuple[Level, ...]) -> None:
    rule = RULES[name]
    square = board(dict(zip(SQUARE, levels, strict=True)), rule, all_of=50)
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


def test_a_line_that_listed_accounts_fill_is_the_exception() -> None:
    line = board(dict(zip(LINE, (COUNTS, COUNTS, ACCOUNTS), strict=True)), RULES["k 3"])
    tables = line.tables()
    least = least_left([line.released(tables)], [tables])
    assert least is not None
    assert least < 3


class Sequence:
    """Every pair of tables of one line of two cells that a change of its owner's list may lead between.

    ``moved`` is how many accounts the one who looks has added (below zero: removed) between the releases; what its
    partner has changed is not told, but that its list is another one is.
    """

    def __init__(self, rule: DisclosureRule, level: Level, *, moved: int, partner_has_submitted: bool) -> None:
        boards = [
            board(dict(zip(LINE[:2], (level, COUNTS), strict=True)), rule, left=left) for left in (50, 50 + moved)
        ]
        first, second = (each.not_filled_by_listed(each.tables()) for each in boards)
        before, after = np.divmod(np.arange(len(first) * len(second)), len(second))
        if not partner_has_submitted:
            gained = (second[after] - first[before]) * np.sign(moved)
            possible = (gained.min(axis=1) >= 0) & (gained.sum(axis=1) <= abs(moved))
            before, after = before[possible], after[possible]
        self.counts = [first[before], second[after]]
        self.computed: list[Tables] = [boards[0].released(first)[before], boards[1].released(second)[after]]
        self.listed: Mask = boards[0].listed

    def least_left(self, *, states_may_change: bool) -> int | None:
        """Give the smallest number of values that a withheld cell of either release is left with."""
        first, second = self.computed
        shown = second if states_may_change else repeating(first, second, self.listed)
        return least_left([first, shown], self.counts)


@pytest.mark.parametrize("level", [COUNTS, ACCOUNTS])
@pytest.mark.parametrize("name", ["k 3", "k 6 in threes"])
def test_who_changes_accounts_of_its_own_alone_learns_no_withheld_cell_from_two_releases(
    name: str, level: Level
) -> None:
    rule = RULES[name]
    for moved in (-2 * rule.k, -rule.k, -2, -1, 1, 2, rule.k, 2 * rule.k):
        alone = Sequence(rule, level, moved=moved, partner_has_submitted=False)
        least = alone.least_left(states_may_change=False)
        assert least is not None
        assert least >= rule.k


@pytest.mark.parametrize("states_may_change", [False, True])
def test_two_releases_between_which_both_have_changed_leave_k_values(*, states_may_change: bool) -> None:
    both = Sequence(RULES["k 3"], COUNTS, moved=3, partner_has_submitted=True)
    assert both.least_left(states_may_change=states_may_change) == 3


def test_if_states_changed_at_once_one_account_would_tell_a_withheld_cell() -> None:
    for moved in (-1, 1):
        alone = Sequence(RULES["k 3"], COUNTS, moved=moved, partner_has_submitted=False)
        assert (alone.least_left(states_may_change=True) or 0) < 3
