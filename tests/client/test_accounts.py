"""Rows of one company become one account; the numpy way and a plain one agree about which rows those are."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.client.account_ids import EarlierAccounts
from escrow.client.accounts import Accounts, make_accounts
from escrow.client.moments import moment
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import check_list
from escrow.terms import Population
from tests.client.making_rows import DOMAIN, FALLBACK, NAME, VARIANT, Row, blinded, crm_rows, row, token_of

CUSTOMERS, OPPORTUNITIES, PROSPECTS = Population


def accounts_of(rows: Sequence[Row], earlier: EarlierAccounts | None = None) -> Accounts:
    return make_accounts(crm_rows(rows), blinded(rows), earlier)


def companies(accounts: Accounts) -> set[frozenset[int]]:
    return {frozenset(accounts.rows_of(account)) for account in range(len(accounts))}


def tokens_of(accounts: Accounts, account: int) -> list[tuple[int, bytes]]:
    own = accounts.keys.accounts == account
    classes, tokens = accounts.keys.key_classes[own].tolist(), accounts.keys.tokens[own]
    return list(zip(classes, (token.tobytes() for token in tokens), strict=True))


def plain_companies(rows: Sequence[Row]) -> set[frozenset[int]]:
    """Group rows as the rule says it, one by one; every row has at most one domain and one name here."""
    by_domain: dict[str, set[int]] = defaultdict(set)
    nameless: list[set[int]] = []
    waiting: dict[str, set[int]] = defaultdict(set)
    for place, one in enumerate(rows):
        domain, name = value_of(one, DOMAIN), value_of(one, NAME)
        if domain:
            by_domain[domain].add(place)
        elif name:
            waiting[name].add(place)
        elif one.keys:
            nameless.append({place})
    for name, places in waiting.items():
        bearers = {value_of(one, DOMAIN) for one in rows if value_of(one, NAME) == name} - {""}
        by_domain[bearers.pop() if len(bearers) == 1 else f"no domain: {name}"] |= places
    return joined_by_variants([*by_domain.values(), *nameless], rows)


def joined_by_variants(groups: Sequence[set[int]], rows: Sequence[Row]) -> set[frozenset[int]]:
    """Join each group to the one other that a variant of its own names, where neither has a domain."""
    keys = [{key for place in group for key in rows[place].keys} for group in groups]
    names, variants = (
        [{value for key_class, value in of if key_class is wanted} for of in keys] for wanted in (NAME, VARIANT)
    )
    has_domain = [any(key_class is DOMAIN for key_class, _ in of) for of in keys]
    joined = [{place} for place in range(len(groups))]
    for one in range(len(groups)):
        others = {other for other in range(len(groups)) if other != one and variants[one] & names[other]}
        if len(others) == 1 and not any(has_domain[each] for each in (one, *others)):
            both = joined[one] | joined[others.pop()]
            for place in both:
                joined[place] = both
    return {frozenset(place for group in together for place in groups[group]) for together in joined}


def value_of(one: Row, wanted: MatchKeyClass) -> str:
    return next((value for key_class, value in one.keys if key_class is wanted), "")


def lists_of_rows(variants: str) -> st.SearchStrategy[list[Row]]:
    return st.lists(
        st.builds(
            row,
            crm_id=st.integers().map(str),
            domain=st.sampled_from(["", "", *"abcde"]),
            name=st.sampled_from(["", *"uvwxyz"]),
            variants=st.sets(st.sampled_from(variants), max_size=2) if variants else st.just(()),
            population=st.sampled_from(Population),
            updated=st.sampled_from(["", "2026-01-01", "2026-02-01", "3/5/2025"]),
        ),
        max_size=30,
        unique_by=lambda one: one.crm_id,
    )


some_rows = lists_of_rows(variants="")


@given(lists_of_rows(variants="xyzpq"))
def test_rows_are_joined_as_the_rule_says(rows: list[Row]) -> None:
    assert companies(accounts_of(rows)) == plain_companies(rows)


@given(some_rows)
def test_every_account_has_the_strongest_population_and_fields_of_its_strongest_then_newest_row(
    rows: list[Row],
) -> None:
    accounts = accounts_of(rows)
    for account in range(len(accounts)):
        members = accounts.rows_of(account)
        best = min(members, key=lambda place: (rows[place].population, -moment(rows[place].updated), place))
        assert accounts.field_rows[account] == best
        assert accounts.populations[account] == rows[best].population


@given(some_rows)
def test_an_account_has_the_keys_of_its_rows_once_and_none_that_is_ambiguous(rows: list[Row]) -> None:
    accounts = accounts_of(rows)
    keys = {
        account: {key for place in accounts.rows_of(account) for key in rows[place].keys}
        for account in range(len(accounts))
    }
    for account, own in keys.items():
        clear = {key for key in own if sum(key in others for others in keys.values()) <= 5}
        assert sorted(tokens_of(accounts, account)) == sorted((int(key[0]), token_of(*key)) for key in clear)
    sources = zip(
        accounts.keys.source_rows.tolist(), accounts.keys.key_classes.tolist(), accounts.keys.tokens, strict=True
    )
    for place, key_class, token in sources:
        assert (key_class, token.tobytes()) in {(int(key[0]), token_of(*key)) for key in rows[place].keys}


@given(some_rows)
def test_the_records_of_a_list_are_ones_the_service_takes(rows: list[Row]) -> None:
    accounts = accounts_of(rows)
    records = accounts.records(np.arange(1, len(accounts) + 1, dtype=np.uint64))
    check_list(records)
    assert records.accounts["population"].tolist() == accounts.populations.tolist()
    assert len(records.tokens) == len(accounts.keys)


@given(some_rows, some_rows)
def test_ids_are_distinct_and_a_company_that_did_not_change_keeps_its_id(before: list[Row], now: list[Row]) -> None:
    earlier = accounts_of(before)
    remembered = earlier.account_of_crm_id([one.crm_id for one in before])
    again = accounts_of(now, EarlierAccounts(remembered, frozenset(earlier.account_ids)))
    assert len(set(again.account_ids)) == len(again)
    crm_ids_before = {
        earlier.account_ids[account]: {before[place].crm_id for place in earlier.rows_of(account)}
        for account in range(len(earlier))
    }
    for account, account_id in enumerate(again.account_ids):
        crm_ids = {now[place].crm_id for place in again.rows_of(account)}
        same = [known for known, had in crm_ids_before.items() if had == crm_ids]
        assert same in ([], [account_id])


@given(some_rows)
def test_the_same_rows_in_any_later_export_give_the_same_ids(rows: list[Row]) -> None:
    first = accounts_of(rows)
    remembered = EarlierAccounts(first.account_of_crm_id([one.crm_id for one in rows]), frozenset(first.account_ids))
    turned = rows[::-1]
    later = accounts_of(turned, remembered)
    assert later.account_of_crm_id([one.crm_id for one in turned]) == remembered.account_of_crm_id


def test_a_new_account_takes_the_id_of_its_first_row() -> None:
    accounts = accounts_of([row("9", domain="acme.de"), row("1", domain="acme.de", name="acme"), row("5", name="acme")])
    assert accounts.account_ids == ("9",)
    assert accounts.account_of_crm_id(["9", "1", "5"]) == {"9": "9", "1": "9", "5": "9"}


def test_an_account_keeps_its_id_when_its_first_row_leaves() -> None:
    earlier = EarlierAccounts({"1": "1", "2": "1"}, frozenset({"1"}))
    assert accounts_of([row("2", domain="acme.de")], earlier).account_ids == ("1",)


def test_an_account_that_splits_leaves_its_id_to_the_larger_part_or_the_row_that_gave_it() -> None:
    earlier = EarlierAccounts({"1": "1", "2": "1", "3": "1"}, frozenset({"1"}))
    larger = accounts_of([row("1", domain="a"), row("2", domain="b"), row("3", domain="b")], earlier)
    assert set(larger.account_ids) == {"1", "1~2"}
    assert larger.account_of_crm_id(["1", "2", "3"]) == {"1": "1~2", "2": "1", "3": "1"}
    equal = accounts_of([row("2", domain="b"), row("1", domain="a")], earlier)
    assert equal.account_of_crm_id(["2", "1"]) == {"2": "2", "1": "1"}


def test_accounts_that_join_keep_the_id_of_most_rows() -> None:
    earlier = EarlierAccounts({"1": "1", "2": "2", "3": "2"}, frozenset({"1", "2"}))
    assert accounts_of([row(crm_id, domain="a") for crm_id in "123"], earlier).account_ids == ("2",)


def test_a_name_on_several_companies_with_domains_joins_none_of_them() -> None:
    rows = [
        row("1", domain="delta.com", name="delta"),
        row("2", domain="deltafaucet.com", name="delta"),
        row("3", name="delta"),
    ]
    assert companies(accounts_of(rows)) == {frozenset({0}), frozenset({1}), frozenset({2})}


def test_a_row_without_a_domain_joins_the_one_company_without_one_that_its_variant_names() -> None:
    rows = [row("1", name="globex"), row("2", name="globexindia", variants=["globex"])]
    assert companies(accounts_of(rows)) == {frozenset({0, 1})}


def test_a_variant_joins_no_row_to_a_company_with_a_domain() -> None:
    rows = [
        row("1", domain="mercury.com", name="mercury"),
        row("2", name="mercurysystems", variants=["mercury"]),
        row("3", domain="ubiqcorp.com", name="ubiqcloud", variants=["ubiq"]),
        row("4", name="ubiq"),
    ]
    assert companies(accounts_of(rows)) == {frozenset({place}) for place in range(4)}


def test_a_name_that_a_dozen_others_begin_with_joins_a_dozen_and_no_more() -> None:
    branches = [row(str(n), name=f"nationalbankof{n}", variants=["nationalbank"]) for n in range(13)]
    bank = row("bank", name="nationalbank")
    assert len(companies(accounts_of([bank, *branches[:12]]))) == 1
    assert len(companies(accounts_of([bank, *branches]))) == 14


def test_a_variant_of_several_companies_joins_none_of_them() -> None:
    rows = [
        row("1", domain="globex.com", name="globex"),
        row("2", domain="globex-films.com", name="globexfilms", variants=["globex"]),
        row("3", domain="globex-trade.com", name="globextrade", variants=["globextrading", "globex"]),
        row("4", name="globextrading", variants=["globex"]),
        row("5", name="globexindia", variants=["globexasia"]),
        row("6", name="globexasiapacific", variants=["globexasia"]),
    ]
    assert companies(accounts_of(rows)) == {frozenset({place}) for place in range(6)}


def test_rows_with_several_domains_connect_their_companies() -> None:
    chain = [Row(str(n), [(DOMAIN, f"{n}.com"), (DOMAIN, f"{n + 1}.com")]) for n in (3, 1, 4, 2, 7)]
    assert companies(accounts_of(chain)) == {frozenset({0, 1, 2, 3}), frozenset({4})}


def test_rows_that_name_no_company_are_left_out_and_counted() -> None:
    accounts = accounts_of([row("1"), row("2", name="acme"), row("3")])
    assert accounts.account_ids == ("2",)
    assert accounts.left_out.rows_without_keys == 2


def test_a_key_on_more_than_five_accounts_is_dropped_and_counted() -> None:
    at_most = accounts_of([row(str(n), domain=f"{n}.com", name="delta") for n in range(5)])
    too_many = accounts_of([row(str(n), domain=f"{n}.com", name="delta") for n in range(6)])
    assert len(at_most.keys) == 10
    assert set(too_many.keys.key_classes.tolist()) == {MatchKeyClass.DOMAIN}
    assert too_many.left_out.ambiguous_keys == 1


def test_a_fallback_key_on_two_accounts_is_dropped_and_counted() -> None:
    rows = [Row(str(n), [(DOMAIN, f"{n}.com"), (FALLBACK, "acme" if n < 2 else "globex")]) for n in range(3)]
    accounts = accounts_of(rows)
    assert [len(tokens_of(accounts, account)) for account in range(3)] == [1, 1, 2]
    assert accounts.left_out.shared_fallback_keys == 1
    assert accounts.left_out.ambiguous_keys == 0


def test_a_word_that_is_both_name_and_variant_is_sent_as_the_name() -> None:
    rows = [Row("1", [(DOMAIN, "a"), (VARIANT, "acme")]), Row("2", [(DOMAIN, "a"), (NAME, "acme")])]
    assert accounts_of(rows).keys.key_classes.tolist() == [DOMAIN, NAME]


def test_an_account_sends_eight_keys_at_most_domains_first() -> None:
    rows = [Row(str(n), [(NAME, f"name {n}"), (DOMAIN, "acme.de")]) for n in range(12)]
    accounts = accounts_of(rows)
    expected = [(DOMAIN, "acme.de"), *((NAME, f"name {n}") for n in range(7))]
    assert tokens_of(accounts, 0) == [(int(key[0]), token_of(*key)) for key in expected]
    assert accounts.left_out.keys_past_the_most == 5


def test_of_too_many_keys_those_are_sent_that_most_rows_have() -> None:
    rows = [row(str(n), domain="acme.de", name=f"acme {n}", variants=["acme"]) for n in range(7)]
    accounts = accounts_of([*rows, row("8", domain="acme.de", name="acme"), row("9", domain="acme.com", name="acme 6")])
    assert (int(NAME), token_of(NAME, "acme")) in tokens_of(accounts, 0)


def test_ten_thousand_duplicates_become_one_account_in_a_moment() -> None:
    rows = [
        row(str(n), domain="acme.de", name=f"acme {n % 3}", updated=f"2026-01-{1 + n % 28:02d}") for n in range(10_000)
    ]
    started = time.perf_counter()
    accounts = accounts_of(rows)
    assert time.perf_counter() - started < 5
    assert accounts.account_ids == ("0",)
    assert accounts.field_rows.tolist() == [27]
    assert len(accounts.rows_of(0)) == 10_000


def test_an_empty_list_has_no_accounts() -> None:
    accounts = accounts_of([])
    assert len(accounts) == 0
    assert accounts.account_of_crm_id([]) == {}


def test_nothing_of_an_account_is_printed_by_accident() -> None:
    assert "acme-crm-id" not in repr(accounts_of([row("acme-crm-id", domain="acme.de")]))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-01-31", "2026-02-01"),
        ("2026-02-01 09:59", "2026-02-01 10:00"),
        ("2026-02-01T10:00:00+02:00", "2026-02-01T10:00:00Z"),
        ("31.01.2026", "01.02.2026"),
        ("1/31/2026, 10:00 AM", "2/1/2026"),
        ("31/01/2026", "2026-02-01"),
        ("", "2020-01-01"),
        ("soon", "2020-01-01"),
        ("99/99/2026", "2020-01-01"),
    ],
)
def test_dates_are_compared_however_a_crm_writes_them(earlier: str, later: str) -> None:
    assert moment(earlier) < moment(later)
