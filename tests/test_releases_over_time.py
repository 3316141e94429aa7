"""Releases over time: how much has to change before the next one, and before a cell's state changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from escrow.reports.matrix import CellCount
from escrow.store.database import Database
from escrow.terms import Cell, Level, Population, Side, Tier
from tests.psi.making_lists import Account, records_of
from tests.submission_makers import TRUSTED, Desk, new_desk
from tests.test_releases import CUSTOMERS, DAY, LEFT, RIGHT, both_apply, many, numbers, report

CC = Cell(CUSTOMERS, CUSTOMERS)
WITHHELD = CellCount.withheld(Level.COUNTS)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def rekeyed(accounts: dict[int, Account], rows: range) -> dict[int, Account]:
    """Give these customers other domains, which nobody shares."""
    domains_from = (50_000 if accounts is LEFT else 70_000) + rows.start
    return accounts | many(CUSTOMERS, rows.start, len(rows), domains_from=domains_from)


def next_release(desk: Desk, side: Side, accounts: dict[int, Account]) -> None:
    """Let one side submit its whole list, and an interval pass."""
    desk.applied(side, records_of(accounts))
    desk.clock.move(DAY)
    desk.drain()


def test_the_next_release_waits_until_one_side_has_changed_enough_accounts(desk: Desk) -> None:
    desk.share(Level.COUNTS, disclosure=replace(TRUSTED, least_changes=3))
    both_apply(desk)
    next_release(desk, Side.RIGHT, rekeyed(RIGHT, range(1, 3)))
    assert numbers(desk) == [1]
    next_release(desk, Side.RIGHT, rekeyed(RIGHT, range(1, 4)))
    assert numbers(desk) == [2, 1]
    next_release(desk, Side.RIGHT, rekeyed(RIGHT, range(1, 6)))
    assert numbers(desk) == [2, 1]


def test_who_changes_accounts_one_by_one_does_not_learn_how_many_the_partner_has_changed(desk: Desk) -> None:
    desk.share(Level.COUNTS, disclosure=replace(TRUSTED, least_changes=3))
    both_apply(desk)
    next_release(desk, Side.RIGHT, rekeyed(RIGHT, range(1, 3)))
    for changed in (1, 2):
        next_release(desk, Side.LEFT, rekeyed(LEFT, range(1, 1 + changed)))
        assert numbers(desk) == [1]


def test_the_same_list_again_starts_no_release(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    next_release(desk, Side.LEFT, LEFT)
    assert numbers(desk) == [1]


def test_a_cell_keeps_its_state_until_both_sides_have_changed_k_of_its_accounts(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    assert report(desk, Side.LEFT).matrix[CC] == CellCount.public(Level.COUNTS, 12)
    next_release(desk, Side.RIGHT, rekeyed(RIGHT, range(1, 10)))
    assert numbers(desk) == [2, 1]
    assert report(desk, Side.LEFT).matrix[CC] == CellCount.public(Level.COUNTS, 12)
    next_release(desk, Side.LEFT, rekeyed(LEFT, range(1, 6)))
    assert report(desk, Side.LEFT).matrix[CC] == WITHHELD
    assert report(desk, Side.LEFT, 2).matrix[CC] == CellCount.public(Level.COUNTS, 12)


def test_a_number_counted_with_weaker_matches_than_now_is_not_repeated(desk: Desk) -> None:
    desk.share(Level.COUNTS, counts_from=Tier.LIKELY)
    both_apply(desk)
    assert report(desk, Side.LEFT).matrix[CC] == CellCount.public(Level.COUNTS, 12)
    desk.share(Level.COUNTS, counts_from=Tier.CERTAIN)
    next_release(desk, Side.RIGHT, rekeyed(RIGHT, range(1, 10)))
    assert numbers(desk) == [2, 1]
    assert report(desk, Side.LEFT).matrix[CC] == WITHHELD


def test_a_number_moves_without_waiting_while_its_cell_stays_public(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    next_release(desk, Side.RIGHT, rekeyed(RIGHT, range(1, 3)))
    assert report(desk, Side.LEFT).matrix[CC] == CellCount.public(Level.COUNTS, 10)


def test_a_list_that_was_emptied_shows_nothing_and_its_state_is_taken_up_again(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    next_release(desk, Side.RIGHT, {})
    assert report(desk, Side.LEFT).matrix[CC] == WITHHELD
    next_release(desk, Side.RIGHT, RIGHT)
    assert report(desk, Side.LEFT).matrix[CC] == CellCount.public(Level.COUNTS, 12)


def test_changes_are_counted_for_each_population_and_outlive_the_list(desk: Desk) -> None:
    both_apply(desk)
    changed = desk.standing().sides[Side.RIGHT].changes
    assert (changed.accounts, changed.populations[CUSTOMERS]) == (110, 60)
    desk.applied(Side.RIGHT, records_of({}))
    changed = desk.standing().sides[Side.RIGHT].changes
    assert (changed.accounts, changed.populations[Population.PROSPECTS]) == (220, 50)
