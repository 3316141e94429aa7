"""Companies that share a name, all the way from typed rows to overlaps under the latest profile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from escrow.client.accounts import Accounts, make_accounts
from escrow.client.blinding import blind
from escrow.psi.matching import Band, overlaps, pairs, settle
from escrow.psi.normalisation import LATEST
from escrow.psi.records import ListRecords
from escrow.terms import CELLS, Level, Tier
from tests.client.making_rows import Row as CrmRow
from tests.client.making_rows import crm_rows

Row = tuple[str, str]


def accounts_of(*rows: Row) -> Accounts:
    names, websites = [name for name, _ in rows], [website for _, website in rows]
    keys = blind(names, websites, profile_id=LATEST, match_key=bytes(32))
    return make_accounts(crm_rows([CrmRow(str(number)) for number in range(len(rows))]), keys)


def records_of(*rows: Row) -> ListRecords:
    accounts = accounts_of(*rows)
    return accounts.records(np.arange(1, len(accounts) + 1, dtype=np.uint64))


def tiers(left: Sequence[Row], right: Sequence[Row]) -> list[Tier]:
    standing = settle(
        pairs(records_of(*left), records_of(*right)), levels=dict.fromkeys(CELLS, Level.ACCOUNTS), band=Band.ACCOUNTS
    )
    return sorted(map(Tier, overlaps(standing, at_least=Tier.POSSIBLE).tiers.tolist()))


DELTAS = (("Delta", "delta.com"), ("Delta", "deltafaucet.com"))


def test_an_airline_and_a_tap_maker_of_one_name_are_two_overlaps() -> None:
    assert tiers(DELTAS, DELTAS) == [Tier.CERTAIN, Tier.CERTAIN]


def test_an_airline_and_a_tap_maker_of_one_name_are_two_accounts_of_a_list() -> None:
    assert len(accounts_of(*DELTAS)) == 2


@pytest.mark.parametrize("name", ["Delta Group", "Delta Airlines", "Delta (Initrode)"])
def test_rows_that_share_a_variant_or_fallback_alone_stay_two_accounts(name: str) -> None:
    assert len(accounts_of(("Globex Group", ""), ("Globex Holdings", ""), (name, ""))) == 3


def test_a_branch_joins_the_one_company_of_several_with_its_first_word_that_has_the_rest_of_its_name_too() -> None:
    accounts = accounts_of(("Globex Technologies", ""), ("Globex Consulting", ""), ("Globex Technologies India", ""))
    assert [accounts.rows_of(number) for number in range(len(accounts))] == [[0, 2], [1]]


def test_the_airline_and_the_tap_maker_do_not_meet_by_more_than_possibility() -> None:
    assert tiers(DELTAS[:1], DELTAS[1:]) == [Tier.POSSIBLE]


def test_a_company_keeps_its_name_among_its_many_subsidiaries() -> None:
    places = ("Norway", "India", "Japan", "Canada", "Chile", "Kenya", "Spain")
    group = [("Globex", ""), *((f"Globex {place}", "") for place in places)]
    assert tiers(group, [("Globex Inc.", "globex.com")]) == [Tier.LIKELY]
