"""Terms: the laws of the meet, and what terms cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.presets import DISCLOSURE_PRESETS, SHARING_PRESETS, disclosure_name
from escrow.terms import (
    CELLS,
    DETAIL_FIELDS,
    MOST_DEMANDED,
    NO_COUNT_STEP,
    Cell,
    DisclosureRule,
    Level,
    Population,
    Side,
    Terms,
    Tier,
    meet,
    opened_to,
    uniform_levels,
)

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
        disclosure=draw(RULES),
    )


RULES = st.builds(
    DisclosureRule,
    threshold=st.integers(3, 60),
    step=st.integers(1, 30) | st.sampled_from([1_001, 999_983, MOST_DEMANDED, NO_COUNT_STEP]),
    interval=st.integers(1, 10**7).map(lambda seconds: timedelta(seconds=seconds)),
    least_changes=st.integers(1, 1_000),
    noise=st.booleans(),
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
        disclosure=terms.disclosure,
    )


@given(TERMS, TERMS)
def test_the_meet_is_never_looser_than_either_side(left: Terms, right: Terms) -> None:
    met = meet(left, right)
    for terms in (left, right):
        assert all(met.levels[cell] <= terms.levels[cell] for cell in CELLS)
        assert met.counts_from <= terms.counts_from
        assert met.reveals_from <= terms.reveals_from
        assert met.largest_list <= terms.largest_list
        assert met.disclosure.is_at_least(terms.disclosure)


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
    for name in ("custom.", "custom.Renewal", "custom.ü", "custom.a\n", "custom." + "a" * 31, "Custom.a"):
        with pytest.raises(ValueError, match="not a detail field"):
            Terms(counts, fields=(name,))
    with pytest.raises(ValueError, match="at most 10 custom fields"):
        Terms(counts, fields=tuple(f"custom.field_{number}" for number in range(11)))
    with pytest.raises(ValueError, match="at least one account"):
        Terms(counts, largest_list=0)
    with pytest.raises(ValueError, match="cannot be weaker"):
        Terms(counts, counts_from=Tier.CERTAIN, reveals_from=Tier.LIKELY)


@given(RULES, RULES, RULES)
def test_a_met_rule_is_the_loosest_that_is_as_strict_as_both(
    left: DisclosureRule, right: DisclosureRule, other: DisclosureRule
) -> None:
    met = left.met(right)
    assert met.is_at_least(left)
    assert met.is_at_least(right)
    if other.is_at_least(left) and other.is_at_least(right):
        assert other.is_at_least(met)


@given(RULES, RULES, st.integers(0, 10_000))
def test_a_met_rule_shows_nothing_that_either_would_not_show(
    left: DisclosureRule, right: DisclosureRule, count: int
) -> None:
    met = left.met(right)
    assert met.k >= max(left.k, right.k)
    assert met.rounded(count) in (left.rounded(met.rounded(count)), right.rounded(met.rounded(count)))


def test_disclosure_presets_go_from_the_loosest_to_the_strictest() -> None:
    assert list(DISCLOSURE_PRESETS) == ["trusted", "standard", "guarded"]
    for looser, stricter in pairwise(DISCLOSURE_PRESETS.values()):
        assert stricter.is_at_least(looser)
        assert not looser.is_at_least(stricter)


def test_a_preset_is_known_by_its_value() -> None:
    assert [disclosure_name(rule) for rule in DISCLOSURE_PRESETS.values()] == list(DISCLOSURE_PRESETS)
    assert disclosure_name(DisclosureRule(77)) is None


def test_co_sell_shares_details_of_customers_and_opportunities_and_prospects_as_counts() -> None:
    levels = SHARING_PRESETS["co-sell"]
    with_prospects = {cell for cell in CELLS if Population.PROSPECTS in (cell.ours, cell.theirs)}
    assert {levels[cell] for cell in with_prospects} == {Level.COUNTS}
    assert {levels[cell] for cell in set(CELLS) - with_prospects} == {Level.DETAILS}


@pytest.mark.parametrize(
    "parts",
    [
        {"threshold": 2},
        {"threshold": 5, "step": 0},
        {"threshold": 5, "step": NO_COUNT_STEP + 1},
        {"threshold": 5, "least_changes": 0},
        {"threshold": 5, "interval": timedelta()},
        {"threshold": 5, "interval": timedelta(milliseconds=1_500)},
    ],
)
def test_a_rule_that_protects_nothing_cannot_be_made(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least|at most|whole seconds"):
        DisclosureRule(**parts)


@given(TERMS, TERMS)
def test_terms_opened_to_others_hold_all_that_those_allow(ours: Terms, theirs: Terms) -> None:
    opened = opened_to(ours, theirs)
    met = meet(opened, theirs)
    assert met.levels == theirs.levels
    assert (met.counts_from, met.reveals_from) == (theirs.counts_from, theirs.reveals_from)
    assert met.disclosure == theirs.disclosure
    assert opened.fields == ours.fields
