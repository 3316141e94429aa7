"""The arithmetic of allowances: ceiling, periods, carry-over, grants; and how coarsely a size is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.allowance import (
    AllowanceRule,
    Asked,
    Spending,
    Start,
    band_end,
    ceiling,
    first_spending,
    is_jump,
    renew,
    size_band,
    spend,
    told_size,
)
from escrow.errors import AllowanceExceeded, CeilingExceeded

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
RULE = AllowanceRule()
LATER = Start(is_opening=False, is_first=False)
MOST = 1_000


def begun(tokens: int = 3_000, accounts: int = 1_000) -> Spending:
    return first_spending(Asked(tokens * 5, tokens, accounts), most_accounts=MOST, rule=RULE, now=BEGAN)


def charged(before: Spending, fifths: int, *, start: Start = LATER, at: timedelta = timedelta(0)) -> Spending:
    asked = Asked(fifths, before.tokens, before.accounts)
    return spend(before, asked, start, most_accounts=MOST, rule=RULE, now=BEGAN + at)


def test_an_allowance_is_five_hundred_keys_or_a_tenth_of_the_list() -> None:
    assert begun(tokens=3_000).limit == 500 * 5
    assert RULE.base(60_000) == 6_000 * 5


def test_a_first_list_is_bounded_by_four_keys_for_each_account_that_the_terms_take() -> None:
    assert begun(tokens=4 * MOST).total == ceiling(MOST)
    with pytest.raises(CeilingExceeded):
        begun(tokens=4 * MOST + 1)


def test_a_list_that_was_there_before_anything_was_counted_is_counted_whole() -> None:
    assert first_spending(Asked(1, 100, 50), most_accounts=MOST, rule=RULE, now=BEGAN).total == 500


def test_an_allowance_is_spent_to_the_last_fifth_and_no_further() -> None:
    spent = charged(begun(), 2_500)
    assert spent.left == 0
    with pytest.raises(AllowanceExceeded) as refused:
        charged(spent, 1)
    assert (refused.value.limit, refused.value.left, refused.value.renews_at) == (2_500, 0, BEGAN + MONTH)


@given(st.integers(0, 2_500), st.integers(2_501, 40_000), st.sampled_from([(2_500, 1_000), (10, 1_000), (3_000, 10)]))
def test_a_refusal_names_the_smallest_grant_that_lets_the_list_in(
    spent: int, asked: int, size: tuple[int, int]
) -> None:
    before = charged(begun(*size), spent)
    with pytest.raises(AllowanceExceeded) as refused:
        charged(before, asked)
    _, _, named = refused.value.message.partition("`escrow allowance grant ")
    accounts = int(named.rstrip("`"))
    charged(before.with_grant(accounts), asked)
    with pytest.raises(AllowanceExceeded):
        charged(before.with_grant(accounts - 1), asked)


def test_an_account_costs_the_mean_of_the_list_within_bounds() -> None:
    assert begun(tokens=2_500, accounts=1_000).fifths_of_an_account == 13
    assert begun(tokens=10, accounts=1_000).fifths_of_an_account == 5
    assert begun(tokens=3_000, accounts=10).fifths_of_an_account == 20


def test_the_list_of_a_new_generation_is_one_whole_list_more_and_no_spending() -> None:
    renewed = renew(begun(), 2_000, rule=RULE, now=BEGAN + timedelta(days=1))
    assert (renewed.total, renewed.spent, renewed.renewed_at) == (5_000 * 5, 0, BEGAN + timedelta(days=1))


def test_a_whole_list_is_asked_anew_at_most_once_in_a_renewal_interval() -> None:
    fresh = Start(is_opening=False, is_first=True)
    with pytest.raises(AllowanceExceeded):
        charged(begun(), 15_000, start=fresh, at=timedelta(days=89))
    again = charged(begun(), 15_000, start=fresh, at=timedelta(days=90))
    assert (again.spent, again.renewed_at) == (0, BEGAN + timedelta(days=90))
    with pytest.raises(AllowanceExceeded):
        charged(again, 15_000, start=fresh, at=timedelta(days=91))


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 6_000)), max_size=12))
def test_no_run_of_lists_spends_more_than_a_base_for_each_period_and_one_carried(run: list[tuple[int, int]]) -> None:
    current, day, taken = begun(), 0, 0
    for days, fifths in run:
        day += days
        try:
            after = charged(current, fifths, at=timedelta(days=day))
        except AllowanceExceeded:
            continue
        assert 0 <= after.spent <= after.limit <= 2 * after.base
        current, taken = after, taken + fifths
    assert taken <= (day // 30 + 1) * 2_500
    assert current.total == 15_000 + taken


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_size_that_is_told_is_a_band_near_the_size(told_for: int, accounts: int) -> None:
    told = told_size(size_band(told_for), accounts)
    slack = max(told, 64) // 8
    assert told - slack <= accounts < band_end(told) + slack
    assert told == 0 or told.bit_count() == 1


@given(st.integers(0, 10**6))
def test_the_size_that_is_told_never_follows_one_account(accounts: int) -> None:
    told = told_size(0, accounts)
    moved = told_size(told, accounts + 1)
    if moved != told:
        assert told_size(moved, accounts) == moved


def test_growth_by_more_than_a_fifth_is_a_jump_unless_the_list_is_small() -> None:
    assert is_jump(before=1_000, accounts=1_201)
    assert not is_jump(before=1_000, accounts=1_200)
    assert not is_jump(before=10, accounts=59)
