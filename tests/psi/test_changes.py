"""Counting what changed between two lists, as the next release waits for it."""

from __future__ import annotations

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import Changes, ListRecords, charge_of, count_changes
from escrow.terms import Population
from tests.psi.making_lists import Account, records_of

C, O, P = Population  # noqa: E741 - the letters of the grid


def account(population: Population, domain: int) -> Account:
    return population, frozenset({(MatchKeyClass.DOMAIN, domain)})


BEFORE = {1: account(C, 11), 2: account(O, 12), 3: account(P, 13)}


def changes(now: dict[int, Account], before: dict[int, Account] = BEFORE) -> tuple[int, ...]:
    counted = counted_between(records_of(before), records_of(now))
    return (counted.accounts, *(counted.populations[each] for each in Population))


def counted_between(before: ListRecords, now: ListRecords) -> Changes:
    return count_changes(before, now, charged=charge_of(before, now).accounts)


def test_the_same_list_has_not_changed() -> None:
    assert changes(BEFORE) == (0, 0, 0, 0)


def test_added_and_rekeyed_accounts_are_charged_changes_of_their_population() -> None:
    assert changes(BEFORE | {4: account(P, 14)}) == (1, 0, 0, 1)
    assert changes(BEFORE | {2: account(O, 99)}) == (1, 0, 1, 0)


def test_a_removed_account_is_a_change_that_was_not_charged() -> None:
    assert changes({1: BEFORE[1], 2: BEFORE[2]}) == (1, 0, 0, 0)


def test_an_account_that_moves_is_a_charged_change_of_where_it_comes_to() -> None:
    assert changes(BEFORE | {1: account(P, 11)}) == (1, 0, 0, 1)


def test_a_first_list_is_all_new() -> None:
    assert changes(BEFORE, {}) == (3, 1, 1, 1)


def test_segments_and_flags_are_no_changes() -> None:
    before, now = records_of(BEFORE), records_of(BEFORE)
    now.accounts["segments"], now.accounts["flags"] = 7, 1
    assert counted_between(before, now) == Changes.none()


def test_changes_add_up() -> None:
    one = Changes(1, {C: 1, O: 0, P: 1})
    assert one + one + Changes.none() == Changes(2, {C: 2, O: 0, P: 2})
