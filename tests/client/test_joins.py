"""What joins the rows of an account is told, the weakest way that it takes included."""

from __future__ import annotations

import pytest

from escrow.client.corrections import NO_CORRECTIONS, Aliases, Corrections, Named
from escrow.client.joins import joins_of
from escrow.client.list_making import accounts_of_list
from escrow.psi.normalisation import LATEST
from escrow.reports.quality import JoinedBy
from escrow.terms import Population
from tests.client.making_lists import Company, crm_rows

WEBSITE, NAME, VARIANT, ALIAS = JoinedBy
ALIASED = Corrections(Aliases(one_company=(Named(crm_ids=("0", "1")),)))
TOLD_APART = Corrections(Aliases(apart=((Named(crm_ids=("1",)), Named(crm_ids=("2",))),)))


def rows(*named: tuple[str, str]) -> list[Company]:
    return [(str(place), name, website, Population.PROSPECTS) for place, (name, website) in enumerate(named)]


def ways(companies: list[Company], corrections: Corrections = NO_CORRECTIONS) -> list[tuple[JoinedBy, ...]]:
    keys, accounts = accounts_of_list(
        crm_rows(*companies), profile_id=LATEST, match_key=bytes(32), corrections=corrections
    )
    return joins_of(keys, accounts).ways(len(accounts))


@pytest.mark.parametrize(
    ("named", "joined_by"),
    [
        ([("Acme", "acme.com"), ("Zinnia", "www.acme.com")], (WEBSITE,)),
        ([("Acme", "acme.com"), ("Acme Inc", "acme.com")], (WEBSITE,)),
        ([("Acme", "acme.com"), ("Acme Inc", "")], (NAME,)),
        ([("Quillwort", ""), ("Quillwort GmbH", "")], (NAME,)),
        ([("Quillwort", ""), ("Quillwort India", "")], (VARIANT,)),
        ([("Acme", "acme.com"), ("Zinnia", "acme.com"), ("Acme Inc", "")], (WEBSITE, NAME)),
        ([("Acme", "acme.com")], ()),
        ([("Acme", "acme.com; zinnia.com"), ("Zinnia", "zinnia.com"), ("Bolt", "acme.com")], (WEBSITE,)),
    ],
)
def test_an_account_is_joined_by_all_that_it_takes(
    named: list[tuple[str, str]], joined_by: tuple[JoinedBy, ...]
) -> None:
    assert ways(rows(*named)) == [joined_by]


def test_rows_of_one_name_and_two_websites_are_joined_by_the_alias_that_says_so() -> None:
    assert ways(rows(("Acme", "acme.com"), ("Acme", "acme.de")), ALIASED) == [(ALIAS,)]


def test_rows_that_were_joined_by_a_row_now_kept_apart_are_joined_by_the_alias_file() -> None:
    both = rows(("Bolt", "bolt.com"), ("Acme", "acme.com"), ("Acme", "acme.com; bolt.com"))
    assert ways(both, TOLD_APART) == [(ALIAS,), ()]


def test_a_name_that_two_accounts_bear_joins_neither() -> None:
    companies = rows(("Acme", "acme.com"), ("Acme", "acme.de"), ("Zinnia", "acme.com"), ("Elm", "acme.de"))
    assert ways(companies) == [(WEBSITE,), (WEBSITE,)]


def test_between_two_rows_the_weakest_way_is_told() -> None:
    companies = rows(("Acme", "acme.com"), ("Zinnia", "acme.com"), ("Acme Inc", ""))
    joins = joins_of(*accounts_of_list(crm_rows(*companies), profile_id=LATEST, match_key=bytes(32)))
    assert [joins.between(1, other) for other in (0, 2)] == [WEBSITE, NAME]


def test_a_list_without_accounts_has_nothing_joined() -> None:
    assert ways(rows(("", ""))) == []
