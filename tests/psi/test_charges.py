"""What a list is charged after another, held to a plain reading of rule 8."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from escrow.psi.records import REMOVED, ListRecords, apply_delta, charge_of, difference
from escrow.terms import Population
from tests.store.list_makers import Accounts, records_of, tokens_of

CUSTOMER, PROSPECT = 1, 3
DOMAIN, NAME, VARIANT = 1, 2, 3

keys = st.tuples(st.sampled_from([DOMAIN, NAME, VARIANT]), st.integers(1, 6))
lists = st.dictionaries(
    st.integers(1, 5), st.tuples(st.integers(CUSTOMER, PROSPECT), st.frozensets(keys, max_size=4)), max_size=5
)
EMPTY = ListRecords.empty()


def one(row: int, *values: int, population: int = CUSTOMER) -> dict[int, tuple[int, frozenset[tuple[int, int]]]]:
    return {row: (population, frozenset((DOMAIN, value) for value in values))}


def places(accounts: Accounts) -> set[tuple[int, int, int, int, int]]:
    """Name each place of a token: its kind and value, its class, the account and the population."""
    kind = {DOMAIN: 1, NAME: 2, VARIANT: 2}
    return {
        (kind[key_class], value, key_class, row, population)
        for row, (population, held) in accounts.items()
        for key_class, value in held
    }


@given(lists, lists)
def test_a_list_is_charged_for_tokens_that_were_not_there_and_for_new_places_of_those_that_were(
    before: Accounts, now: Accounts
) -> None:
    charge = charge_of(records_of(before), records_of(now))
    stood = {place[:2] for place in places(before)}
    assert charge.tokens == len({place[:2] for place in places(now)} - stood)
    assert charge.moves == len({place for place in places(now) - places(before) if place[:2] in stood})
    assert charge.fifths == charge.tokens * 5 + charge.moves
    charged = {place[3:] for place in places(now) - places(before)}
    for population in Population:
        assert charge.accounts[population] == len([row for row, of in charged if of == population])


@given(st.lists(lists, max_size=5))
def test_any_run_of_lists_is_charged_at_least_every_token_that_was_ever_live(run: list[Accounts]) -> None:
    records = [EMPTY, *map(records_of, run)]
    charged = sum(charge_of(before, now).tokens for before, now in pairwise(records))
    assert charged >= len(set().union(*(tokens_of(each.tokens) for each in records)))


@given(lists, lists)
def test_a_delta_leads_to_the_charge_of_the_snapshot(before: Accounts, now: Accounts) -> None:
    stored, snapshot = records_of(before), records_of(now)
    by_delta = apply_delta(stored, difference(stored, snapshot))
    assert charge_of(stored, by_delta) == charge_of(stored, snapshot)


@given(lists, lists)
def test_what_leaves_and_comes_back_is_charged_again(before: Accounts, now: Accounts) -> None:
    there, away = records_of(before), records_of(now)
    back = charge_of(away, there)
    assert back.tokens == len(tokens_of(there.tokens) - tokens_of(away.tokens))


def test_nothing_is_charged_for_what_stays_or_goes() -> None:
    list_of_two = records_of(one(1, 1) | one(2, 2))
    assert charge_of(list_of_two, list_of_two).fifths == 0
    assert charge_of(list_of_two, EMPTY).fifths == 0


def test_a_token_on_two_accounts_is_charged_once() -> None:
    assert charge_of(EMPTY, records_of(one(1, 1) | one(2, 1))).fifths == 5


def test_regrouping_tokens_into_other_accounts_is_charged() -> None:
    before, now = one(1, 1, 2) | one(2, 3), one(1, 1, 3) | one(2, 2)
    assert charge_of(records_of(before), records_of(now)).fifths == 2


def test_a_key_that_was_a_name_and_becomes_a_variant_is_charged_as_a_move() -> None:
    before, now = ({1: (CUSTOMER, frozenset({(key_class, 7)}))} for key_class in (NAME, VARIANT))
    assert [
        charge_of(records_of(each), records_of(other)).fifths for each, other in ((before, now), (now, before))
    ] == [
        1,
        1,
    ]


def test_moving_an_account_to_another_population_is_charged_for_each_of_its_tokens() -> None:
    charge = charge_of(records_of(one(1, 1, 2)), records_of(one(1, 1, 2, population=PROSPECT)))
    assert (charge.fifths, charge.accounts[Population.PROSPECTS], charge.accounts[Population.CUSTOMERS]) == (2, 1, 0)


def test_the_same_bytes_as_another_kind_of_key_are_another_token() -> None:
    before = records_of({1: (CUSTOMER, frozenset({(DOMAIN, 1)}))})
    now = records_of({1: (CUSTOMER, frozenset({(DOMAIN, 1), (NAME, 1)}))})
    assert charge_of(before, now).fifths == 5
    assert not (now.accounts["population"] == REMOVED).any()
