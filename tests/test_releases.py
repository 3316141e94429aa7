"""Releases: when they are made, that they stay, and what each side sees of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from escrow import audit, partnerships
from escrow.errors import NotFound, PartnershipNotActive
from escrow.psi.matchkeys import MatchKeyClass
from escrow.releases import ReleasePage, Report, make_release, releases_of, report_of
from escrow.reports.matrix import CellCount
from escrow.reports.trail import shared_trail
from escrow.store.database import Database
from escrow.store.states import SubmissionType
from escrow.store.tables import release_cells, releases
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Side, Terms, Tier, uniform_levels
from tests.partnership_makers import NOON, RELEASE_KEY, seat
from tests.psi.making_lists import Account, records_of
from tests.submission_makers import Desk, new_desk

DOMAIN, NAME = MatchKeyClass.DOMAIN, MatchKeyClass.NAME
CUSTOMERS, OPPORTUNITIES, PROSPECTS = Population
DAY = timedelta(days=1)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def many(population: Population, start: int, size: int, *, domains_from: int) -> dict[int, Account]:
    """Make accounts with one domain each."""
    return {start + each: (population, frozenset({(DOMAIN, domains_from + each)})) for each in range(size)}


#: Twelve shared customers of 60 on each side; seven of our customers are among their 50 prospects.
LEFT = many(CUSTOMERS, 1, 60, domains_from=1_000)
RIGHT = many(CUSTOMERS, 1, 60, domains_from=1_048) | many(PROSPECTS, 101, 50, domains_from=1_020 - 43)


def both_apply(desk: Desk) -> None:
    """Apply a list on each side, said to be right, and let what follows be done."""
    desk.applied(Side.LEFT, records_of(LEFT))
    desk.applied(Side.RIGHT, records_of(RIGHT))


def report(desk: Desk, side: Side, number: int | None = None) -> Report:
    """Read a report."""
    with desk.database.transaction("read report") as tx:
        return report_of(tx, seat(tx, desk.couple, side), number, service_key=desk.couple.service_key, now=desk.clock())


def numbers(desk: Desk) -> list[int]:
    """List the releases, newest first."""
    return [item.number for item in listed(desk).items]


def listed(desk: Desk, *, before: int | None = None, limit: int = 10) -> ReleasePage:
    """Read a page of releases."""
    with desk.database.snapshot("list releases") as tx:
        return releases_of(tx, seat(tx, desk.couple, Side.LEFT), before=before, limit=limit)


def test_both_sides_see_transposes_of_the_same_release(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    ours, theirs = report(desk, Side.LEFT), report(desk, Side.RIGHT)
    assert ours.matrix == theirs.matrix.transposed
    assert ours.matrix[Cell(CUSTOMERS, CUSTOMERS)] == CellCount.public(Level.COUNTS, 12)
    assert ours.matrix[Cell(CUSTOMERS, PROSPECTS)] == CellCount.public(Level.COUNTS, 27)
    assert ours.matrix[Cell(PROSPECTS, PROSPECTS)] == CellCount.withheld(Level.COUNTS)
    assert (ours.our_list.accounts, theirs.our_list.accounts) == (60, 110)


def test_the_first_release_waits_until_both_sides_have_said_that_their_counts_are_right(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    desk.submit(Side.LEFT, records_of(LEFT), ready=False)
    desk.submit(Side.RIGHT, records_of(RIGHT))
    desk.drain()
    with pytest.raises(NotFound):
        report(desk, Side.LEFT)
    with desk.database.transaction("say so") as tx:
        partnerships.say_ready(tx, seat(tx, desk.couple, Side.LEFT), now=desk.clock())
    desk.drain()
    assert numbers(desk) == [1]


def test_the_first_release_waits_until_some_cell_is_shared(desk: Desk) -> None:
    both_apply(desk)
    assert numbers(desk) == []
    desk.share(Level.COUNTS)
    desk.drain()
    assert numbers(desk) == [1]


def test_the_next_release_waits_for_the_interval_and_for_a_change_of_a_list(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    desk.applied(Side.LEFT, records_of(many(CUSTOMERS, 900, 1, domains_from=1_106)), type=SubmissionType.DELTA)
    assert numbers(desk) == [1]
    desk.clock.move(DAY - timedelta(seconds=1))
    desk.drain()
    assert numbers(desk) == [1]
    desk.clock.move(timedelta(seconds=1))
    desk.drain()
    assert numbers(desk) == [2, 1]
    assert report(desk, Side.LEFT).matrix[Cell(CUSTOMERS, CUSTOMERS)].number == 13
    assert report(desk, Side.LEFT, 1).matrix[Cell(CUSTOMERS, CUSTOMERS)].number == 12
    desk.clock.move(2 * DAY)
    desk.drain()
    assert numbers(desk) == [2, 1]


def test_a_change_of_terms_starts_no_release(desk: Desk) -> None:
    desk.share({Cell(CUSTOMERS, CUSTOMERS): Level.COUNTS})
    both_apply(desk)
    desk.clock.move(2 * DAY)
    desk.share(Level.COUNTS)
    desk.drain()
    assert numbers(desk) == [1]
    assert report(desk, Side.LEFT).matrix[Cell(CUSTOMERS, PROSPECTS)] == CellCount.hidden()


def test_a_tightening_closes_cells_of_the_releases_that_are_there(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    desk.state(Side.RIGHT, Terms(levels={**uniform_levels(Level.HIDDEN), Cell(PROSPECTS, CUSTOMERS): Level.COUNTS}))
    for side in Side:
        matrix = report(desk, side).matrix
        seen = matrix if side is Side.LEFT else matrix.transposed
        assert {cell for cell in CELLS if seen[cell] != CellCount.hidden()} == {Cell(CUSTOMERS, PROSPECTS)}


def test_nothing_is_shown_of_a_release_made_under_looser_terms_or_a_looser_rule_than_now(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    desk.share(Level.COUNTS, disclosure=DisclosureRule(6))
    assert all(count.number is None for count in report(desk, Side.LEFT).matrix.values())
    desk.share(Level.COUNTS, counts_from=Tier.CERTAIN)
    assert all(count.number is None for count in report(desk, Side.LEFT).matrix.values())


def test_a_cell_at_accounts_shows_the_number_listed_however_small(desk: Desk) -> None:
    desk.share({Cell(CUSTOMERS, CUSTOMERS): Level.ACCOUNTS})
    desk.applied(Side.LEFT, records_of({1: (CUSTOMERS, frozenset({(DOMAIN, 1), (NAME, 5)}))}))
    right = {1: (CUSTOMERS, frozenset({(DOMAIN, 1)})), 2: (CUSTOMERS, frozenset({(NAME, 5)}))}
    desk.applied(Side.RIGHT, records_of(right))
    assert report(desk, Side.LEFT).matrix[Cell(CUSTOMERS, CUSTOMERS)] == CellCount.public(Level.ACCOUNTS, 1)


def test_a_release_made_twice_is_made_once(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    make_release(
        desk.database,
        desk.couple.partnership_id,
        service_key=desk.couple.service_key,
        key=RELEASE_KEY,
        now=desk.clock(),
    )
    assert numbers(desk) == [1]


def test_a_withheld_number_is_not_stored(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    left, right = many(CUSTOMERS, 1, 60, domains_from=1), many(CUSTOMERS, 1, 60, domains_from=57)
    desk.applied(Side.LEFT, records_of(left))
    desk.applied(Side.RIGHT, records_of(right))
    with desk.database.snapshot("cells") as tx:
        assert set(tx.execute(select(release_cells.c.count)).scalars()) == {None}


def test_a_list_that_is_resubmitted_as_it_was_gives_the_same_numbers(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    desk.applied(Side.LEFT, records_of(LEFT | many(CUSTOMERS, 900, 1, domains_from=9_900)))
    desk.applied(Side.LEFT, records_of(LEFT))
    desk.clock.move(DAY)
    desk.drain()
    assert numbers(desk) == [2, 1]
    assert report(desk, Side.LEFT, 1).matrix == report(desk, Side.LEFT, 2).matrix


def test_releases_are_listed_newest_first_and_by_page(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    for row in (900, 901):
        desk.clock.move(DAY)
        desk.applied(Side.LEFT, records_of(LEFT | many(CUSTOMERS, row, 1, domains_from=9_000 + row)))
    first = listed(desk, limit=2)
    assert [item.number for item in first.items] == [3, 2]
    rest = listed(desk, before=first.next, limit=2)
    assert ([item.number for item in rest.items], rest.next) == ([1], None)
    assert rest.items[0].made_at == NOON


def test_reading_a_report_again_leaves_one_entry_in_the_trail(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    for side in (Side.LEFT, Side.LEFT, Side.RIGHT):
        report(desk, side)
    with desk.database.snapshot("trail") as tx:
        told = list(audit.trail(tx, shared_trail(desk.couple.partnership_id)))
    read = [entry for entry in told if entry.action == audit.Action.REPORT_READ]
    assert [entry.organization_id for entry in read] == [
        desk.couple.left.organization_id,
        desk.couple.right.organization_id,
    ]
    assert [entry.detail for entry in read] == [{"release": 1}, {"release": 1}]


def test_an_end_stops_reports_and_purges_releases(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    both_apply(desk)
    with desk.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, desk.couple, Side.LEFT), now=desk.clock())
    with pytest.raises(PartnershipNotActive):
        report(desk, Side.RIGHT)
    with pytest.raises(PartnershipNotActive):
        listed(desk)
    make_release(
        desk.database,
        desk.couple.partnership_id,
        service_key=desk.couple.service_key,
        key=RELEASE_KEY,
        now=desk.clock() + 2 * DAY,
    )
    desk.drain()
    with desk.database.snapshot("count releases") as tx:
        assert tx.execute(select(func.count()).select_from(releases)).scalar_one() == 0


def test_under_steps_whose_common_multiple_no_list_reaches_a_release_shows_no_count(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    for side, step in zip(Side, (999_983, 1_000_000), strict=True):
        desk.state(side, Terms(uniform_levels(Level.COUNTS), disclosure=DisclosureRule(5, step, DAY)))
    both_apply(desk)
    seen = report(desk, Side.LEFT)
    assert set(seen.matrix.values()) == {CellCount.withheld(Level.COUNTS)}
    assert seen.made_under.rule.shows_no_count
