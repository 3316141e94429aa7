"""Terms: the laws of the meet, and what terms cannot say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.terms import CELLS, DETAIL_FIELDS, Cell, Level, Population, Side, Terms, Tier, meet, uniform_levels

LEVELS: st.SearchStrategy[Mapping[Cell, Level]] = st.fixed_dictionaries(dict.fromkeys(CELLS, st.sampled_from(Level)))
TIERS = st.lists(st.sampled_from(Tier), min_size=2, max_size=2).map(sorted)


@st.composite
def some_terms(draw: st.DrawFn) -> Terms:
    reveals_from, counts_from = draw(TIERS)
    return Terms(
        levels=draw(LEVELS),
        fields=tuple(draw(st.lists(st.sampled_from(DETAIL_FIELDS), unique=True))),
        counts_from=counts_from,
        reveals_from=reveals_from,
        largest_list=draw(st.integers(1, 10**9)),
    )


TERMS = some_terms()


@given(TERMS, TERMS)
def test_the_meet_does_not_depend_on_who_is_asked_first(left: Terms, right: Terms) -> None:
    assert meet(left, right) == meet(right, left)


@given(TERMS, TERMS, TERMS)
def test_the_meet_does_not_depend_on_grouping(one: Terms, two: Terms, three: Terms) -> None:
    assert meet(meet(one, two), three) == meet(one, meet(two, three))


@given(TERMS)
def test_terms_met_with_themselves_stay_the_same_but_for_fields(terms: Terms) -> None:
    met = meet(terms, terms)
    assert met == Terms(
        levels=terms.levels,
        counts_from=terms.counts_from,
        reveals_from=terms.reveals_from,
        largest_list=terms.largest_list,
    )


@given(TERMS, TERMS)
def test_the_meet_is_never_looser_than_either_side(left: Terms, right: Terms) -> None:
    met = meet(left, right)
    for terms in (left, right):
        assert all(met.levels[cell] <= terms.levels[cell] for cell in CELLS)
        assert met.counts_from <= terms.counts_from
        assert met.reveals_from <= terms.reveals_from
        assert met.largest_list <= terms.largest_list


@given(TERMS, TERMS)
def test_the_meet_is_the_loosest_that_both_allow(left: Terms, right: Terms) -> None:
    met = meet(left, right)
    assert all(met.levels[cell] in (left.levels[cell], right.levels[cell]) for cell in CELLS)
    assert met.counts_from in (left.counts_from, right.counts_from)
    assert met.reveals_from in (left.reveals_from, right.reveals_from)
    assert met.largest_list in (left.largest_list, right.largest_list)


@given(TERMS, TERMS)
def test_both_sides_see_the_same_meet(left: Terms, right: Terms) -> None:
    assert meet(left, right).transposed == meet(left.transposed, right.transposed)


@given(TERMS)
def test_terms_turned_round_twice_are_the_same(terms: Terms) -> None:
    assert terms.transposed.transposed == terms


def test_a_cell_turned_round_swaps_the_sides() -> None:
    assert Cell(Population.CUSTOMERS, Population.PROSPECTS).transposed == Cell(
        Population.PROSPECTS, Population.CUSTOMERS
    )
    assert Side.LEFT.other is Side.RIGHT
    assert Side.RIGHT.other is Side.LEFT


def test_cells_from_a_level_are_those_at_it_or_above() -> None:
    levels = {**uniform_levels(Level.HIDDEN), CELLS[0]: Level.COUNTS, CELLS[4]: Level.DETAILS}
    assert list(Terms(levels).cells_from(Level.COUNTS)) == [CELLS[0], CELLS[4]]
    assert list(Terms(levels).cells_from(Level.ACCOUNTS)) == [CELLS[4]]


def test_terms_keep_their_own_copy_of_the_levels() -> None:
    levels = dict(uniform_levels(Level.COUNTS))
    terms = Terms(levels)
    levels[CELLS[0]] = Level.DETAILS
    assert terms.levels[CELLS[0]] is Level.COUNTS


def test_terms_that_make_no_sense_cannot_be_made() -> None:
    counts = uniform_levels(Level.COUNTS)
    with pytest.raises(ValueError, match="nine cells"):
        Terms({CELLS[0]: Level.COUNTS})
    with pytest.raises(ValueError, match="not a detail field"):
        Terms(counts, fields=("shoe_size",))
    with pytest.raises(ValueError, match="at least one account"):
        Terms(counts, largest_list=0)
    with pytest.raises(ValueError, match="cannot be weaker"):
        Terms(counts, counts_from=Tier.CERTAIN, reveals_from=Tier.LIKELY)
