"""Matching: the vectorised rules equal the slow ones, and the cases that the rules were made for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escrow.psi.matching import Band, Matches, Overlaps, connecting_tokens, counts, overlaps, pairs, settle, split_off
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import kinds_of
from escrow.terms import CELLS, Cell, Level, Population, Tier, uniform_levels
from tests.psi.making_lists import LISTS, Account, records_of, token_of
from tests.psi.reference_matching import connecting_value, find

C, O, P = Population  # noqa: E741 - the letters of the grid
DOMAIN, NAME, VARIANT, FALLBACK = MatchKeyClass
LEVELS_OF = {Band.COUNTS: {Level.COUNTS}, Band.ACCOUNTS: {Level.ACCOUNTS, Level.DETAILS}}
LEVELS: st.SearchStrategy[dict[Cell, Level]] = st.fixed_dictionaries(dict.fromkeys(CELLS, st.sampled_from(Level)))
COUNTS_EVERYWHERE = uniform_levels(Level.COUNTS)

#: Few populations and values, so that groups, bridges and conflicts are common.
CROWDED_LISTS: st.SearchStrategy[dict[int, Account]] = st.dictionaries(
    st.integers(1, 9),
    st.tuples(
        st.sampled_from(Population),
        st.frozensets(st.tuples(st.sampled_from(MatchKeyClass), st.integers(0, 5)), max_size=4),
    ),
    max_size=9,
)


def an_account(population: Population, **keys: int | tuple[int, ...]) -> Account:
    """Make an account from ``domain=``, ``name=``, ``variant=`` and ``fallback=``."""
    each = {MatchKeyClass[word.upper()]: (v,) if isinstance(v, int) else v for word, v in keys.items()}
    return population, frozenset((key_class, value) for key_class, numbers in each.items() for value in numbers)


def company_count(
    left: Mapping[int, Account],
    right: Mapping[int, Account],
    *,
    levels: Mapping[Cell, Level] = COUNTS_EVERYWHERE,
    at_least: Tier = Tier.POSSIBLE,
    revealing: bool = False,
    band: Band = Band.COUNTS,
) -> dict[Cell, int]:
    found = found_in(left, right, levels=levels, band=band, at_least=at_least, revealing=revealing)
    return {cell: number for cell, number in counts(found, band.cells(levels)).items() if number}


def found_in(
    left: Mapping[int, Account],
    right: Mapping[int, Account],
    *,
    levels: Mapping[Cell, Level],
    band: Band,
    at_least: Tier,
    revealing: bool,
) -> Overlaps:
    standing = settle(pairs(records_of(left), records_of(right)), levels=levels, band=band)
    return overlaps(standing, at_least=at_least, revealing=revealing)


def tiers_by_rows(matches: Matches) -> dict[tuple[int, int], Tier]:
    rows = zip(matches.left_rows.tolist(), matches.right_rows.tolist(), strict=True)
    return dict(zip(rows, map(Tier, matches.tiers.tolist()), strict=True))


def companies(found: Overlaps) -> set[frozenset[tuple[int, int]]]:
    rows = list(tiers_by_rows(found.matches))
    groups = found.group.tolist()
    return {
        frozenset(pair for pair, of in zip(rows, groups, strict=True) if of == group) for group in range(len(found))
    }


@given(
    left=st.one_of(LISTS, CROWDED_LISTS),
    right=st.one_of(LISTS, CROWDED_LISTS),
    levels=LEVELS,
    band=st.sampled_from(Band),
    at_least=st.sampled_from(Tier),
    revealing=st.booleans(),
)
@example(left={}, right={}, levels=dict(COUNTS_EVERYWHERE), band=Band.COUNTS, at_least=Tier.POSSIBLE, revealing=True)
def test_matching_equals_the_rules_written_slowly(
    *,
    left: dict[int, Account],
    right: dict[int, Account],
    levels: dict[Cell, Level],
    band: Band,
    at_least: Tier,
    revealing: bool,
) -> None:
    expected = find(left, right, levels=levels, band=LEVELS_OF[band], at_least=at_least, revealing=revealing)
    found = found_in(left, right, levels=levels, band=band, at_least=at_least, revealing=revealing)
    assert tiers_by_rows(found.matches) == expected.tiers
    assert companies(found) == expected.companies
    assert counts(found, band.cells(levels)) == expected.counts


@given(
    left=CROWDED_LISTS,
    right=CROWDED_LISTS,
    levels=LEVELS,
    band=st.sampled_from(Band),
    without=st.frozensets(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12),
)
def test_pairs_split_off_leave_what_the_rules_find_without_them(
    *,
    left: dict[int, Account],
    right: dict[int, Account],
    levels: dict[Cell, Level],
    band: Band,
    without: frozenset[tuple[int, int]],
) -> None:
    found = pairs(records_of(left), records_of(right))
    kept, taken = split_off(found, [(a.to_bytes(8), b.to_bytes(8)) for a, b in without])
    assert set(tiers_by_rows(taken)) == set(tiers_by_rows(found)) & without
    expected = find(
        left, right, levels=levels, band=LEVELS_OF[band], at_least=Tier.POSSIBLE, revealing=True, without=without
    )
    listed = overlaps(settle(kept, levels=levels, band=band), at_least=Tier.POSSIBLE, revealing=True)
    assert companies(listed) == expected.companies
    assert counts(listed, band.cells(levels)) == expected.counts


@given(left=CROWDED_LISTS, right=CROWDED_LISTS, levels=LEVELS, band=st.sampled_from(Band), revealing=st.booleans())
def test_swapped_sides_give_the_transposed_counts(
    *,
    left: dict[int, Account],
    right: dict[int, Account],
    levels: dict[Cell, Level],
    band: Band,
    revealing: bool,
) -> None:
    swapped = {cell.transposed: level for cell, level in levels.items()}
    ours = company_count(left, right, levels=levels, band=band, revealing=revealing)
    theirs = company_count(right, left, levels=swapped, band=band, revealing=revealing)
    assert ours == {cell.transposed: number for cell, number in theirs.items()}


@given(left=CROWDED_LISTS, right=CROWDED_LISTS)
def test_an_overlap_has_one_tier(left: dict[int, Account], right: dict[int, Account]) -> None:
    found = found_in(left, right, levels=COUNTS_EVERYWHERE, band=Band.COUNTS, at_least=Tier.POSSIBLE, revealing=False)
    assert np.array_equal(found.tiers[found.group], found.matches.tiers)


@given(left=CROWDED_LISTS, right=CROWDED_LISTS)
def test_the_connecting_token_is_the_lowest_of_the_strongest_kind(
    left: dict[int, Account], right: dict[int, Account]
) -> None:
    matches = pairs(records_of(left), records_of(right))
    tokens = connecting_tokens(matches)
    expected = [connecting_value(pair, left, right) for pair in tiers_by_rows(matches)]
    assert [bytes(token) for token in tokens["token"]] == [token_of(value) for _, value in expected]
    assert kinds_of(tokens).tolist() == [kind for kind, _ in expected]
    assert tokens["row"].tolist() == matches.left_rows.tolist()


def test_a_name_that_stands_twice_does_not_connect_where_another_stands_once() -> None:
    left = {1: an_account(C, name=(1, 2)), 2: an_account(C, name=1, domain=9)}
    right = {21: an_account(C, name=(1, 2))}
    found = found_in(
        left, right, levels=uniform_levels(Level.DETAILS), band=Band.ACCOUNTS, at_least=Tier.LIKELY, revealing=True
    )
    assert tiers_by_rows(found.matches) == {(1, 21): Tier.LIKELY}
    assert connecting_tokens(found.matches)["token"][0].tobytes() == token_of(2)


@pytest.mark.parametrize(
    ("ours", "theirs", "tier"),
    [
        ({"domain": 1}, {"domain": 1}, Tier.CERTAIN),
        ({"domain": (1, 2), "name": 3}, {"domain": (2, 4), "name": 5}, Tier.CERTAIN),
        ({"name": 3}, {"name": 3}, Tier.LIKELY),
        ({"domain": 1, "name": 3}, {"name": 3}, Tier.LIKELY),
        ({"name": 3}, {"domain": 1, "variant": 3}, Tier.LIKELY),
        ({"variant": 3}, {"variant": 3}, Tier.LIKELY),
        ({"domain": 1, "name": 3}, {"domain": 2, "name": 3}, Tier.POSSIBLE),
        ({"domain": 1, "name": 3}, {"domain": 2, "variant": 3}, None),
        ({"fallback": 4}, {"domain": 2, "fallback": 4}, Tier.POSSIBLE),
        ({"domain": 1, "fallback": 4}, {"domain": 2, "fallback": 4}, None),
        ({"name": 4}, {"fallback": 4}, None),
        ({"domain": 4}, {"name": 4}, None),
        ({}, {}, None),
    ],
)
def test_the_tier_of_a_match_is_as_defined(
    ours: dict[str, int | tuple[int, ...]], theirs: dict[str, int | tuple[int, ...]], tier: Tier | None
) -> None:
    found = tiers_by_rows(pairs(records_of({1: an_account(C, **ours)}), records_of({2: an_account(C, **theirs)})))
    assert found.get((1, 2)) == tier


def test_delta_the_airline_and_delta_the_tap_maker_are_two_overlaps() -> None:
    left = {1: an_account(C, domain=1, name=9), 2: an_account(C, domain=2, name=9)}
    right = {3: an_account(P, domain=1, name=9), 4: an_account(P, domain=2, name=9)}
    assert company_count(left, right) == {Cell(C, P): 2}


def test_duplicates_of_one_company_are_counted_once_in_the_strongest_cell() -> None:
    left = {1: an_account(P, domain=1), 2: an_account(C, domain=(1, 2))}
    right = {3: an_account(O, domain=2), 4: an_account(P, domain=1)}
    assert company_count(left, right) == {Cell(C, O): 1}


def test_a_stronger_match_takes_the_weaker_ones_of_both_accounts_away() -> None:
    left = {1: an_account(C, domain=1, name=9), 2: an_account(C, name=9)}
    right = {3: an_account(C, domain=1, name=9)}
    assert company_count(left, right) == {Cell(C, C): 1}
    assert tiers_by_rows(pairs(records_of(left), records_of(right))) == {(1, 3): Tier.CERTAIN, (2, 3): Tier.LIKELY}


def test_a_match_that_does_not_stand_still_takes_weaker_ones_away() -> None:
    left = {1: an_account(C, name=(8, 9), fallback=5), 2: an_account(C, domain=1, name=9)}
    right = {3: an_account(C, domain=1, name=9), 4: an_account(C, fallback=5)}
    assert company_count(left, right) == {Cell(C, C): 1}


def test_a_weaker_tier_than_asked_is_not_counted() -> None:
    left, right = {1: an_account(C, name=9)}, {2: an_account(C, name=9)}
    assert company_count(left, right, at_least=Tier.LIKELY) == {Cell(C, C): 1}
    assert company_count(left, right, at_least=Tier.CERTAIN) == {}


def test_a_hidden_cell_does_not_bridge_two_companies() -> None:
    left = {1: an_account(C, domain=1), 2: an_account(C, domain=2)}
    right = {3: an_account(C, domain=1), 4: an_account(C, domain=2), 5: an_account(P, domain=(1, 2))}
    assert company_count(left, right) == {Cell(C, C): 1}
    without = {**COUNTS_EVERYWHERE, Cell(C, P): Level.HIDDEN}
    assert company_count(left, right, levels=without) == {Cell(C, C): 2}


@pytest.mark.parametrize("level", [Level.HIDDEN, Level.ACCOUNTS, Level.DETAILS])
@given(left=CROWDED_LISTS, right=CROWDED_LISTS, population=st.sampled_from(Population))
def test_accounts_outside_the_band_change_nothing_in_it(
    level: Level, left: dict[int, Account], right: dict[int, Account], population: Population
) -> None:
    levels = {cell: level if cell.theirs is population else Level.COUNTS for cell in CELLS}
    absent = {row: account for row, account in right.items() if account[0] is not population}
    for at_least in Tier:
        with_them = company_count(left, right, levels=levels, at_least=at_least)
        assert with_them == company_count(left, absent, levels=levels, at_least=at_least)


def test_an_overlap_whose_cell_is_in_the_other_band_is_counted_nowhere() -> None:
    left = {1: an_account(C, domain=1), 2: an_account(P, domain=1)}
    right = {3: an_account(C, domain=1), 4: an_account(P, domain=1)}
    levels = {**COUNTS_EVERYWHERE, Cell(C, C): Level.ACCOUNTS}
    assert company_count(left, right, levels=levels) == {}
    assert company_count(left, right, levels=levels, band=Band.ACCOUNTS) == {Cell(C, C): 1}


def test_a_likely_match_reveals_only_if_its_word_is_on_one_account_of_either_list() -> None:
    alone = {1: an_account(C, name=9)}
    twice = {2: an_account(C, name=9), 3: an_account(C, variant=9)}
    pinned = {2: an_account(C, name=(8, 9)), 3: an_account(C, variant=9)}
    assert company_count(alone, alone, revealing=True) == {Cell(C, C): 1}
    assert company_count(alone, twice, revealing=True) == company_count(twice, alone, revealing=True) == {}
    assert company_count({1: an_account(C, name=(8, 9))}, pinned, revealing=True) == {Cell(C, C): 1}


def test_a_word_that_is_name_and_variant_of_one_account_is_on_one_account() -> None:
    left, right = {1: an_account(C, name=9, variant=9)}, {2: an_account(C, name=9)}
    assert company_count(left, right, revealing=True) == {Cell(C, C): 1}
    assert company_count(right, left, revealing=True) == {Cell(C, C): 1}


def test_a_domain_on_two_accounts_still_reveals() -> None:
    left = {1: an_account(C, domain=1)}
    right = {2: an_account(C, domain=1), 3: an_account(P, domain=1)}
    assert company_count(left, right, revealing=True) == {Cell(C, C): 1}


def test_a_long_chain_of_accounts_is_one_overlap() -> None:
    length = 2_000
    left = {row: an_account(P, domain=(row, row + 1)) for row in range(1, length)}
    right = {row: an_account(O, domain=row) for row in range(1, length + 1)}
    assert company_count(left, right) == {Cell(P, O): 1}
