"""Disclosure: what rule 7 shows at one moment, what it keeps, and what the terms of now leave of a release."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.reports.disclosure import Conditions, disclose, view
from escrow.reports.matrix import CellCount, CellState, OverlapMatrix
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Tier, uniform_levels

C, O, P = Population  # noqa: E741 - the letters of the grid
LARGE = dict.fromkeys(Population, 10_000)
COUNTS_EVERYWHERE = uniform_levels(Level.COUNTS)
LEVELS: st.SearchStrategy[dict[Cell, Level]] = st.fixed_dictionaries(dict.fromkeys(CELLS, st.sampled_from(Level)))
EXACT = st.fixed_dictionaries(dict.fromkeys(CELLS, st.integers(0, 40)))
SIZES = st.fixed_dictionaries(dict.fromkeys(Population, st.integers(0, 200)))
RULES = st.builds(DisclosureRule, threshold=st.integers(3, 12), step=st.integers(1, 6))
CONDITIONS = st.builds(Conditions, rule=RULES, counts_from=st.sampled_from(Tier), reveals_from=st.sampled_from(Tier))


def disclosed(
    exact: Mapping[Cell, int],
    *,
    levels: Mapping[Cell, Level] = COUNTS_EVERYWHERE,
    left: Mapping[Population, int] = LARGE,
    right: Mapping[Population, int] = LARGE,
    threshold: int = 5,
    step: int = 1,
) -> OverlapMatrix:
    every = {**dict.fromkeys(CELLS, 0), **exact}
    rule = DisclosureRule(threshold, step)
    return disclose(every, levels=levels, left_sizes=left, right_sizes=right, rule=rule)


def shown(matrix: OverlapMatrix) -> dict[Cell, int]:
    return {cell: count.number for cell, count in matrix.items() if count.number is not None}


def test_a_count_is_shown_from_the_threshold_on() -> None:
    assert shown(disclosed({Cell(C, C): 5, Cell(C, O): 4, Cell(P, P): 12})) == {Cell(C, C): 5, Cell(P, P): 12}


def test_zero_looks_like_every_other_withheld_number() -> None:
    matrix = disclosed({Cell(C, C): 4})
    assert matrix[Cell(C, C)] == matrix[Cell(C, O)] == CellCount.withheld(Level.COUNTS)


NOISY = DisclosureRule(5, step=5, noise=True)


def noisily(exact: Mapping[Cell, int], noise: Mapping[Cell, int], *, size: int = 10_000) -> OverlapMatrix:
    levels = dict.fromkeys(CELLS, Level.COUNTS) | {Cell(C, C): Level.ACCOUNTS, Cell(P, P): Level.HIDDEN}
    every, sizes = {**dict.fromkeys(CELLS, 20), **exact}, dict.fromkeys(Population, size)
    return disclose(every, levels=levels, left_sizes=sizes, right_sizes=sizes, rule=NOISY, noise=noise)


def test_where_noise_is_asked_for_no_count_is_told_without_it() -> None:
    assert shown(noisily({}, {})) == {Cell(C, C): 20}
    assert shown(noisily({}, {Cell(C, O): 3})) == {Cell(C, C): 20, Cell(C, O): 20}


def test_what_is_shown_with_noise_depends_on_the_noisy_number_alone() -> None:
    exact = {Cell(C, O): 0, Cell(O, C): 30, Cell(O, O): 8, Cell(O, P): 6}
    noise = {Cell(C, O): 7, Cell(O, C): -27, Cell(O, O): 4, Cell(O, P): -1}
    assert shown(noisily(exact, noise)) == {Cell(C, C): 20, Cell(C, O): 5, Cell(O, O): 10, Cell(O, P): 5}


def test_noise_is_added_to_cells_at_counts_alone() -> None:
    matrix = noisily({}, {Cell(C, C): 9, Cell(P, P): 9})
    assert shown(matrix) == {Cell(C, C): 20}
    assert matrix[Cell(P, P)] == CellCount.hidden()


def test_with_noise_a_small_population_has_no_public_cells_either() -> None:
    assert shown(noisily({}, {Cell(C, O): 0}, size=49)) == {Cell(C, C): 20}


def test_what_is_shown_is_rounded_down_and_the_threshold_raised_to_the_step() -> None:
    matrix = disclosed({Cell(C, C): 39, Cell(O, O): 20, Cell(P, P): 19}, threshold=11, step=10)
    assert shown(matrix) == {Cell(C, C): 30, Cell(O, O): 20}


def test_hidden_cells_are_hidden_and_listed_cells_show_the_number_listed() -> None:
    levels = {**COUNTS_EVERYWHERE, Cell(C, C): Level.HIDDEN, Cell(C, O): Level.ACCOUNTS, Cell(O, C): Level.DETAILS}
    matrix = disclosed({Cell(C, C): 50, Cell(C, O): 3, Cell(O, C): 0}, levels=levels, step=10)
    assert matrix[Cell(C, C)] == CellCount.hidden()
    assert matrix[Cell(C, O)] == CellCount.public(Level.ACCOUNTS, 3)
    assert matrix[Cell(O, C)] == CellCount.public(Level.DETAILS, 0)


@pytest.mark.parametrize(("size", "open_"), [(60, True), (59, False)])
def test_a_line_without_room_for_twice_the_threshold_shows_nothing(*, size: int, open_: bool) -> None:
    exact = {Cell(C, C): 30, Cell(C, O): 20, Cell(C, P): 4, Cell(P, C): 6}
    sizes = LARGE | {C: size}
    expected = exact.keys() - {Cell(C, P)} if open_ else {Cell(P, C)}
    assert shown(disclosed(exact, left=sizes)).keys() == expected
    swapped = {cell.transposed: count for cell, count in exact.items()}
    assert shown(disclosed(swapped, right=sizes)).keys() == {cell.transposed for cell in expected}


def test_listed_cells_fill_a_line_too() -> None:
    levels = {**COUNTS_EVERYWHERE, Cell(C, O): Level.ACCOUNTS}
    exact = {Cell(C, C): 20, Cell(C, O): 31}
    assert shown(disclosed(exact, levels=levels, left=LARGE | {C: 60})) == {Cell(C, O): 31}
    assert shown(disclosed(exact, levels=levels, left=LARGE | {C: 61})) == exact


@pytest.mark.parametrize(("size", "threshold", "open_"), [(49, 5, False), (50, 5, True), (79, 40, False)])
def test_a_small_population_has_no_public_cells(*, size: int, threshold: int, open_: bool) -> None:
    matrix = disclosed({Cell(C, C): threshold}, left=LARGE | {C: size}, threshold=threshold)
    assert (matrix[Cell(C, C)].state is CellState.PUBLIC) is open_


@given(exact=EXACT, levels=LEVELS, left=SIZES, right=SIZES, rule=RULES)
def test_both_sides_are_shown_transposes(
    *,
    exact: dict[Cell, int],
    levels: dict[Cell, Level],
    left: dict[Population, int],
    right: dict[Population, int],
    rule: DisclosureRule,
) -> None:
    ours = disclose(exact, levels=levels, left_sizes=left, right_sizes=right, rule=rule)
    theirs = disclose(
        {cell.transposed: count for cell, count in exact.items()},
        levels={cell.transposed: level for cell, level in levels.items()},
        left_sizes=right,
        right_sizes=left,
        rule=rule,
    )
    assert ours.transposed == theirs


CONDITIONS_NOW = Conditions(DisclosureRule(5, 1), counts_from=Tier.LIKELY, reveals_from=Tier.CERTAIN)


def a_release() -> OverlapMatrix:
    cells = dict.fromkeys(CELLS, CellCount.withheld(Level.COUNTS))
    cells[Cell(C, C)] = CellCount.public(Level.COUNTS, 40)
    cells[Cell(C, O)] = CellCount.public(Level.DETAILS, 7)
    cells[Cell(P, P)] = CellCount.hidden()
    return OverlapMatrix(cells)


def seen(levels_now: Mapping[Cell, Level], *, made_under: Conditions = CONDITIONS_NOW) -> OverlapMatrix:
    return view(a_release(), made_under=made_under, levels_now=levels_now, now=CONDITIONS_NOW)


@given(levels=st.tuples(LEVELS, LEVELS, LEVELS), conditions=st.tuples(CONDITIONS, CONDITIONS, CONDITIONS))
def test_a_tightening_takes_away_and_never_adds(
    levels: tuple[dict[Cell, Level], ...], conditions: tuple[Conditions, ...]
) -> None:
    then, now, tighter = levels
    made_under, before, demanded = conditions
    after = Conditions(
        before.rule.met(demanded.rule),
        min(before.counts_from, demanded.counts_from),
        min(before.reveals_from, demanded.reveals_from),
    )
    made = OverlapMatrix(
        {
            cell: CellCount.hidden() if level is Level.HIDDEN else CellCount.public(level, 40)
            for cell, level in then.items()
        }
    )
    open_, left = (
        view(made, made_under=made_under, levels_now=levels_now, now=conditions_now)
        for levels_now, conditions_now in (
            (now, before),
            ({cell: min(now[cell], tighter[cell]) for cell in CELLS}, after),
        )
    )
    assert all(left[cell].level <= min(then[cell], now[cell], tighter[cell]) for cell in CELLS)
    assert shown(left).items() <= shown(open_).items() <= shown(made).items()
    assert not shown(left) or not made_under.is_looser_than(after)


def test_loosening_shows_nothing_that_was_not_allowed_then() -> None:
    assert seen(uniform_levels(Level.DETAILS)) == a_release()


def test_a_cell_closed_since_is_hidden() -> None:
    assert seen(uniform_levels(Level.HIDDEN)) == OverlapMatrix(dict.fromkeys(CELLS, CellCount.hidden()))


def test_a_number_listed_then_is_withheld_where_only_counts_are_shared_now() -> None:
    matrix = seen(COUNTS_EVERYWHERE)
    assert matrix[Cell(C, O)] == CellCount.withheld(Level.COUNTS)
    assert matrix[Cell(C, C)] == CellCount.public(Level.COUNTS, 40)


def test_a_cell_at_details_then_and_accounts_now_shows_its_number() -> None:
    assert seen(uniform_levels(Level.ACCOUNTS))[Cell(C, O)] == CellCount.public(Level.ACCOUNTS, 7)


@pytest.mark.parametrize(
    "looser",
    [
        Conditions(DisclosureRule(4, 1), counts_from=Tier.LIKELY, reveals_from=Tier.CERTAIN),
        Conditions(DisclosureRule(5, 1), counts_from=Tier.POSSIBLE, reveals_from=Tier.CERTAIN),
        Conditions(DisclosureRule(5, 1), counts_from=Tier.LIKELY, reveals_from=Tier.LIKELY),
    ],
)
def test_a_release_made_under_looser_conditions_shows_no_number(looser: Conditions) -> None:
    assert shown(seen(uniform_levels(Level.DETAILS), made_under=looser)) == {}


def test_a_step_that_does_not_cover_the_step_of_now_is_looser() -> None:
    fine, coarse = (Conditions(DisclosureRule(20, step), Tier.LIKELY, Tier.CERTAIN) for step in (5, 10))
    assert fine.is_looser_than(coarse)
    assert not coarse.is_looser_than(fine)


@given(CONDITIONS)
def test_no_conditions_are_looser_than_themselves(conditions: Conditions) -> None:
    assert not conditions.is_looser_than(conditions)
