"""Overlaps: what each side reads of its own rows, and what it never does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from escrow import audit, partnerships
from escrow.access import party_of
from escrow.errors import NotFound, PartnershipNotActive
from escrow.matching import match_lists
from escrow.overlaps import OverlapPage, OverlappingRow, overlaps_page
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import ListRecords, difference
from escrow.reports.trail import shared_trail
from escrow.store.database import Database
from escrow.store.states import SubmissionType
from escrow.store.tables import matches
from escrow.terms import CELLS, Cell, Level, Population, Side, Terms, Tier, uniform_levels
from tests.partnership_makers import new_caller, seat
from tests.psi.making_lists import Account, records_of
from tests.submission_makers import Desk, new_desk

DOMAIN, NAME = MatchKeyClass.DOMAIN, MatchKeyClass.NAME
CUSTOMERS, OPPORTUNITIES, PROSPECTS = Population


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def account(population: Population, *domains: int, names: tuple[int, ...] = ()) -> Account:
    """Make an account by its domains and names."""
    return population, frozenset({*((DOMAIN, each) for each in domains), *((NAME, each) for each in names)})


def row(number: int) -> bytes:
    """Write a row as it travels."""
    return number.to_bytes(8)


def lists_apply(desk: Desk, left: dict[int, Account], right: dict[int, Account]) -> None:
    """Apply a list on each side, and let what follows be done."""
    desk.applied(Side.LEFT, records_of(left))
    desk.applied(Side.RIGHT, records_of(right))


def read(
    desk: Desk,
    side: Side,
    *,
    after: bytes | None = None,
    limit: int = 100,
    ours: Population | None = None,
    theirs: Population | None = None,
) -> OverlapPage:
    """Read a page of overlaps."""
    with desk.database.transaction("read overlaps") as tx:
        return overlaps_page(
            tx,
            seat(tx, desk.couple, side),
            after=after,
            limit=limit,
            ours=ours,
            theirs=theirs,
            service_key=desk.couple.service_key,
            now=desk.clock(),
        )


def rows_read(desk: Desk, side: Side) -> list[bytes]:
    """Read the rows alone."""
    return [item.row for item in read(desk, side).items]


def all_matches(desk: Desk) -> set[tuple[object, ...]]:
    """Read what is stored, whoever may read it."""
    with desk.database.snapshot("all matches") as tx:
        return {tuple(match) for match in tx.execute(select(matches))}


def stored_matches(desk: Desk) -> int:
    """Count what is stored, whoever may read it."""
    with desk.database.snapshot("count matches") as tx:
        return tx.execute(select(func.count()).select_from(matches)).scalar_one()


#: At most five accounts, so that no key can stand on too many.
MATCHED_LISTS = st.dictionaries(
    st.integers(1, 9),
    st.tuples(
        st.sampled_from(Population),
        st.frozensets(st.tuples(st.sampled_from([DOMAIN, NAME]), st.integers(0, 4)), max_size=3),
    ),
    max_size=5,
)

LEFT = {1: account(CUSTOMERS, 10), 2: account(PROSPECTS, 11), 3: account(CUSTOMERS, 12)}
RIGHT = {21: account(OPPORTUNITIES, 10), 22: account(CUSTOMERS, 11), 23: account(PROSPECTS, 99)}


def test_each_side_reads_its_own_overlapping_rows_in_the_same_overlaps(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, LEFT, RIGHT)
    ours, theirs = read(desk, Side.LEFT).items, read(desk, Side.RIGHT).items
    assert [item.row for item in ours] == [row(1), row(2)]
    assert [item.row for item in theirs] == [row(21), row(22)]
    assert [item.overlap for item in ours] == [item.overlap for item in theirs]
    assert [item.cell for item in ours] == [item.cell.transposed for item in theirs]
    assert ours[0] == OverlappingRow(
        row(1), ours[0].match_id, ours[0].overlap, Tier.CERTAIN, Cell(CUSTOMERS, OPPORTUNITIES), Level.ACCOUNTS
    )


def test_an_overlap_has_a_name_that_tells_no_row(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, LEFT, RIGHT)
    names = {item.overlap for item in read(desk, Side.RIGHT).items}
    assert len(names) == 2
    assert not names & {row(number) for number in (*LEFT, *RIGHT)}


def test_a_partnership_that_shares_counts_only_stores_no_matches(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    lists_apply(desk, LEFT, RIGHT)
    assert stored_matches(desk) == 0
    assert rows_read(desk, Side.LEFT) == []


def test_a_row_is_told_by_the_strongest_cell_of_its_own_matches(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: account(CUSTOMERS, 10, 11)}, {21: account(PROSPECTS, 10), 22: account(OPPORTUNITIES, 11)})
    assert [item.cell for item in read(desk, Side.LEFT).items] == [Cell(CUSTOMERS, OPPORTUNITIES)]
    cells = [item.cell for item in read(desk, Side.RIGHT).items]
    assert cells == [Cell(PROSPECTS, CUSTOMERS), Cell(OPPORTUNITIES, CUSTOMERS)]
    assert len({item.overlap for item in read(desk, Side.RIGHT).items}) == 1


def test_a_row_whose_own_cell_is_not_open_is_not_told_though_its_group_is(desk: Desk) -> None:
    desk.share({Cell(CUSTOMERS, CUSTOMERS): Level.ACCOUNTS, Cell(PROSPECTS, CUSTOMERS): Level.COUNTS})
    lists_apply(desk, {1: account(CUSTOMERS, 10), 2: account(PROSPECTS, 10)}, {21: account(CUSTOMERS, 10)})
    assert rows_read(desk, Side.LEFT) == [row(1)]
    assert rows_read(desk, Side.RIGHT) == [row(21)]


def test_a_name_reveals_an_account_only_where_terms_let_it_and_the_name_is_on_one_account(desk: Desk) -> None:
    left = {1: account(CUSTOMERS, names=(5,)), 2: account(CUSTOMERS, names=(6,)), 3: account(CUSTOMERS, names=(6,))}
    right = {21: account(CUSTOMERS, names=(5,)), 22: account(CUSTOMERS, names=(6,))}
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, left, right)
    assert rows_read(desk, Side.LEFT) == []
    desk.share(Level.ACCOUNTS, reveals_from=Tier.LIKELY)
    desk.drain()
    assert rows_read(desk, Side.LEFT) == [row(1)]
    assert rows_read(desk, Side.RIGHT) == [row(21)]


def test_pages_follow_each_other_by_the_last_row(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    many = {number: account(CUSTOMERS, number) for number in range(1, 6)}
    lists_apply(desk, many, many)
    first = read(desk, Side.LEFT, limit=2)
    second = read(desk, Side.LEFT, after=first.next, limit=2)
    third = read(desk, Side.LEFT, after=second.next, limit=2)
    assert [item.row for page in (first, second, third) for item in page.items] == [row(each) for each in many]
    assert (first.next, second.next, third.next) == (row(2), row(4), None)


def test_a_page_keeps_to_the_populations_asked_for(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, LEFT, RIGHT)
    assert [item.row for item in read(desk, Side.LEFT, ours=PROSPECTS).items] == [row(2)]
    assert [item.row for item in read(desk, Side.LEFT, theirs=OPPORTUNITIES).items] == [row(1)]
    assert read(desk, Side.LEFT, ours=PROSPECTS, theirs=OPPORTUNITIES).items == ()


def test_a_tightening_by_one_side_hides_at_once_for_both(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, LEFT, RIGHT)
    levels = {**uniform_levels(Level.ACCOUNTS), Cell(CUSTOMERS, OPPORTUNITIES): Level.COUNTS}
    desk.state(Side.LEFT, Terms(levels=levels))
    assert rows_read(desk, Side.LEFT) == [row(2)]
    assert rows_read(desk, Side.RIGHT) == [row(22)]
    assert stored_matches(desk) == 1


def test_loosening_takes_both_sides_and_then_the_worker(desk: Desk) -> None:
    lists_apply(desk, LEFT, RIGHT)
    desk.state(Side.LEFT, Terms(levels=uniform_levels(Level.ACCOUNTS)))
    desk.drain()
    assert rows_read(desk, Side.LEFT) == []
    desk.state(Side.RIGHT, Terms(levels=uniform_levels(Level.ACCOUNTS)))
    desk.drain()
    assert rows_read(desk, Side.LEFT) == [row(1), row(2)]


def test_a_list_that_changes_takes_its_matches_with_it(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, LEFT, RIGHT)
    kept = read(desk, Side.LEFT).items[1]
    gone_and_new = records_of({3: account(CUSTOMERS, 99), 1: account(CUSTOMERS, 50)})
    desk.applied(Side.LEFT, gone_and_new, type=SubmissionType.DELTA)
    items = read(desk, Side.LEFT).items
    assert [item.row for item in items] == [row(2), row(3)]
    assert items[0] == kept


def test_matching_twice_changes_nothing(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, LEFT, RIGHT)
    before = read(desk, Side.LEFT)
    match_lists(desk.database, desk.couple.partnership_id, service_key=desk.couple.service_key, now=desk.clock())
    assert read(desk, Side.LEFT) == before
    assert stored_matches(desk) == 2


def test_a_snapshot_gives_the_same_overlaps_as_its_deltas(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, {1: LEFT[1]}, RIGHT)
    desk.applied(Side.LEFT, records_of({2: LEFT[2], 3: LEFT[3]}), type=SubmissionType.DELTA)
    by_deltas = read(desk, Side.LEFT)
    desk.applied(Side.LEFT, records_of(LEFT))
    assert read(desk, Side.LEFT) == by_deltas


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=MATCHED_LISTS, now=MATCHED_LISTS, theirs=MATCHED_LISTS)
def test_stored_matches_depend_on_the_lists_alone_and_not_on_how_they_came_about(
    desk: Desk, before: dict[int, Account], now: dict[int, Account], theirs: dict[int, Account]
) -> None:
    desk.share(Level.DETAILS, reveals_from=Tier.LIKELY)
    first, last = records_of(before), records_of(now)
    desk.applied(Side.RIGHT, records_of(theirs))
    desk.applied(Side.LEFT, first)
    desk.applied(Side.LEFT, difference(first, last), type=SubmissionType.DELTA)
    by_deltas = all_matches(desk)
    with desk.database.transaction("forget all matches") as tx:
        tx.execute(delete(matches))
    match_lists(desk.database, desk.couple.partnership_id, service_key=desk.couple.service_key, now=desk.clock())
    assert all_matches(desk) == by_deltas


def test_an_end_stops_all_reading_and_the_worker_purges(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, LEFT, RIGHT)
    with desk.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, desk.couple, Side.LEFT), now=desk.clock())
    for side in Side:
        with pytest.raises(PartnershipNotActive):
            read(desk, side)
    desk.drain()
    assert stored_matches(desk) == 0
    assert desk.list_of(Side.LEFT) == ListRecords.empty()


def test_a_stranger_finds_nothing(desk: Desk) -> None:
    with desk.database.transaction("a stranger asks") as tx:
        stranger = new_caller(tx, "Initech")
        with pytest.raises(NotFound):
            party_of(tx, stranger, desk.couple.partnership_id)


def test_every_reading_is_in_the_trail(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    lists_apply(desk, LEFT, RIGHT)
    read(desk, Side.LEFT)
    desk.clock.move(timedelta(seconds=1))
    read(desk, Side.LEFT)
    with desk.database.snapshot("trail") as tx:
        entries = [
            entry.detail
            for entry in audit.trail(tx, shared_trail(desk.couple.partnership_id))
            if entry.action == audit.Action.OVERLAPS_READ
        ]
        audit.verify(tx, shared_trail(desk.couple.partnership_id))
    assert entries == [{}, {}]


def test_no_cell_but_the_open_ones_is_ever_told(desk: Desk) -> None:
    left = {index: account(cell.ours, index) for index, cell in enumerate(CELLS, start=1)}
    right = {index: account(cell.theirs, index) for index, cell in enumerate(CELLS, start=1)}
    levels = dict(zip(CELLS, [Level(index % 4) for index in range(9)], strict=True))
    desk.share(levels)
    lists_apply(desk, left, right)
    told = {item.cell: item.level for item in read(desk, Side.LEFT).items}
    assert told == {cell: level for cell, level in levels.items() if level >= Level.ACCOUNTS}


def test_a_tightening_parts_the_overlaps_that_it_took_a_bridge_from(desk: Desk) -> None:
    open_cells = {Cell(CUSTOMERS, CUSTOMERS): Level.ACCOUNTS, Cell(PROSPECTS, PROSPECTS): Level.ACCOUNTS}
    desk.share({**open_cells, Cell(CUSTOMERS, PROSPECTS): Level.ACCOUNTS})
    lists_apply(
        desk,
        {1: account(CUSTOMERS, 10, 11), 2: account(PROSPECTS, 12), 3: account(CUSTOMERS, 13)},
        {21: account(CUSTOMERS, 10), 22: account(PROSPECTS, 11, 12), 23: account(CUSTOMERS, 13)},
    )
    before = [item.overlap for item in read(desk, Side.RIGHT).items]
    assert (before[0] == before[1], len(set(before))) == (True, 2)
    desk.state(Side.LEFT, Terms(levels=dict.fromkeys(CELLS, Level.HIDDEN) | open_cells))
    after = [item.overlap for item in read(desk, Side.RIGHT).items]
    assert (len(set(after)), after[2], before[0] in after) == (3, before[2], False)
