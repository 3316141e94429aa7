"""Shared primary domains: what they are, and by how little one account moves them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.primary_domains import shared_primary_domains
from escrow.reports.noise import SENSITIVITY
from escrow.terms import CELLS, Cell, Level, Population, uniform_levels
from tests.psi.making_lists import ACCOUNTS, LISTS, ROWS, Account, records_of

C, O, P = Population  # noqa: E741 - the letters of the grid
DOMAIN, NAME = MatchKeyClass.DOMAIN, MatchKeyClass.NAME
COUNTS = uniform_levels(Level.COUNTS)
LEVELS: st.SearchStrategy[dict[Cell, Level]] = st.fixed_dictionaries(dict.fromkeys(CELLS, st.sampled_from(Level)))

Accounts = Mapping[int, Account]


def counted(left: Accounts, right: Accounts, levels: Mapping[Cell, Level] = COUNTS) -> dict[Cell, int]:
    found = shared_primary_domains(records_of(left), records_of(right), levels, disputed=())
    return {cell: count for cell, count in found.items() if count}


def with_domains(population: Population, *domains: int) -> Account:
    return population, frozenset((DOMAIN, each) for each in domains)


def expected(left: Accounts, right: Accounts, levels: Mapping[Cell, Level]) -> dict[Cell, int]:
    """Count once more, slowly: domains by the pairs that share them."""
    sharing: dict[int, list[Cell]] = defaultdict(list)
    for ours, our_keys in left.values():
        for theirs, their_keys in right.values():
            both = [sorted(value for of, value in keys if of is DOMAIN) for keys in (our_keys, their_keys)]
            if all(both) and both[0][0] == both[1][0] and levels[Cell(ours, theirs)] is Level.COUNTS:
                sharing[both[0][0]].append(Cell(ours, theirs))
    counts: dict[Cell, int] = defaultdict(int)
    for cells in sharing.values():
        if len(cells) == 1:
            counts[cells[0]] += 1
    return dict(counts)


def moved(before: Mapping[Cell, int], after: Mapping[Cell, int]) -> int:
    return sum(abs(before.get(cell, 0) - after.get(cell, 0)) for cell in CELLS)


@given(left=LISTS, right=LISTS, levels=LEVELS)
def test_they_are_counted_as_they_are_defined(
    *, left: dict[int, Account], right: dict[int, Account], levels: dict[Cell, Level]
) -> None:
    assert counted(left, right, levels) == expected(left, right, levels)


@given(left=LISTS, right=LISTS, levels=LEVELS, row=ROWS, account=ACCOUNTS)
def test_one_account_moves_all_nine_by_one_if_it_comes_or_goes_and_by_two_however_it_changes(
    *, left: dict[int, Account], right: dict[int, Account], levels: dict[Cell, Level], row: int, account: Account
) -> None:
    without = {each: known for each, known in left.items() if each != row}
    assert moved(counted(without, right, levels), counted({**without, row: account}, right, levels)) <= 1
    assert moved(counted(left, right, levels), counted({**left, row: account}, right, levels)) <= SENSITIVITY


def test_names_and_further_domains_count_nothing() -> None:
    left = {1: with_domains(C, 1, 7), 2: (C, frozenset({(NAME, 5)}))}
    assert counted(left, {1: with_domains(O, 7), 2: (O, frozenset({(NAME, 5)}))}) == {}
    assert counted(left, {1: with_domains(O, 1)}) == {Cell(C, O): 1}


def test_a_domain_that_two_accounts_of_a_list_have_is_counted_nowhere() -> None:
    left = {1: with_domains(C, 1), 2: with_domains(P, 1)}
    assert counted(left, {1: with_domains(O, 1)}) == {}


def test_an_account_in_a_hidden_cell_is_not_there_for_the_others() -> None:
    left, right = {1: with_domains(C, 1), 2: with_domains(P, 1)}, {1: with_domains(O, 1)}
    assert counted(left, right, {**COUNTS, Cell(C, O): Level.HIDDEN}) == {Cell(P, O): 1}


def test_a_pair_in_dispute_is_not_counted() -> None:
    left, right = {1: with_domains(C, 1)}, {9: with_domains(C, 1)}
    disputed = [((1).to_bytes(8), (9).to_bytes(8))]
    assert not any(shared_primary_domains(records_of(left), records_of(right), COUNTS, disputed=disputed).values())
