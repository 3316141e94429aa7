"""Change feeds: replayed from any cursor they give the list of overlaps, and they tell nothing that it never told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from escrow import audit, changes, disputes, overlaps, partnerships, submissions
from escrow.changes import ChangeItem, ChangePage
from escrow.details import DetailsBatch, SealedDetails, store_details
from escrow.disputes import NamedMatch
from escrow.errors import PartnershipNotActive, PartnershipPaused
from escrow.overlaps import OverlappingRow
from escrow.psi.envelope_format import PADDED_SIZES, WRAP_BYTES, Body, pack_body, uploaded
from escrow.psi.matchkeys import MatchKeyClass
from escrow.reports.trail import shared_trail
from escrow.store.database import Database
from escrow.store.states import ChangeKind, DisputeReason, EventType
from escrow.terms import CELLS, Cell, Level, Population, Side, Terms, Tier, uniform_levels
from escrow.webhooks import events
from tests.partnership_makers import seat
from tests.psi.making_lists import Account, records_of, token_of
from tests.submission_makers import TRUSTED, Desk, new_desk

DOMAIN, NAME = MatchKeyClass.DOMAIN, MatchKeyClass.NAME
CUSTOMERS, OPPORTUNITIES, PROSPECTS = Population
LEFT, RIGHT = Side
ENTERED, MOVED, CHANGED, GONE, DETAILS, RESET = ChangeKind
SECOND = timedelta(seconds=1)
OPEN_CELL = Cell(CUSTOMERS, CUSTOMERS)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired; more than six changes at once are a reset."""
    database = Database(database_url)
    yield new_desk(database, tmp_path, reset_changes=6)
    database.close()


def account(population: Population, *domains: int) -> Account:
    """Make an account by its domains."""
    return population, frozenset((DOMAIN, each) for each in domains)


def row(number: int) -> bytes:
    """Write a row as it travels."""
    return number.to_bytes(8)


def page(desk: Desk, side: Side, after: int = 0, *, limit: int = 100) -> ChangePage:
    """Read a page of a side's change feed."""
    with desk.database.transaction("read changes") as tx:
        party, key = seat(tx, desk.couple, side), desk.couple.service_key
        return changes.changes_page(tx, party, after=after, limit=limit, service_key=key, now=desk.clock())


def cursor(desk: Desk, side: Side) -> int:
    """Tell where a side's feed ends."""
    with desk.database.snapshot("where it ends") as tx:
        return changes.last_change(tx, seat(tx, desk.couple, side))


def listing(desk: Desk, side: Side) -> dict[bytes, OverlappingRow]:
    """Read the list of overlaps."""
    with desk.database.transaction("list overlaps") as tx:
        party, key = seat(tx, desk.couple, side), desk.couple.service_key
        found = overlaps.overlaps_page(tx, party, after=None, limit=100, service_key=key, now=desk.clock())
    return {item.row: item for item in found.items}


def told(desk: Desk, side: Side, after: int) -> list[tuple[ChangeKind, int, Cell | None, Cell | None]]:
    """Read what changed: kind, row, cell and the cell before."""
    return [(each.kind, int.from_bytes(each.row or b""), each.cell, each.was) for each in page(desk, side, after).items]


def ranges(desk: Desk, side: Side) -> list[dict[str, Any]]:
    """Read what the events of a side say of its change feed."""
    with desk.database.snapshot("read events") as tx:
        found = events.feed(tx, desk.couple.caller(side), after=None, limit=1_000).items
    return [dict(each.data) for each in found if each.type is EventType.OVERLAPS_CHANGED]


def begun(desk: Desk, left: dict[int, Account], right: dict[int, Account]) -> dict[Side, int]:
    """Apply first lists at accounts, and give where the feeds end."""
    desk.share(Level.ACCOUNTS)
    desk.applied(LEFT, records_of(left))
    desk.applied(RIGHT, records_of(right))
    return {side: cursor(desk, side) for side in Side}


def dispute(desk: Desk, side: Side, number: int) -> int:
    """Dispute all that a row overlaps with; the worker does not work yet."""
    match_id = listing(desk, side)[row(number)].match_id
    with desk.database.transaction("dispute") as tx:
        party, key = seat(tx, desk.couple, side), desk.couple.service_key
        wrong, reason = NamedMatch(row(number), match_id), DisputeReason.OTHER
        made = disputes.dispute(tx, party, wrong, reason, most_open=9_999, service_key=key, now=desk.clock())
    return made.number


def pause(desk: Desk, side: Side, *, resumed: bool = False) -> None:
    """Let a side pause, or resume."""
    with desk.database.transaction("pause or resume") as tx:
        move = partnerships.resume if resumed else partnerships.pause
        move(tx, seat(tx, desk.couple, side), now=desk.clock())


LEFT_LIST = {1: account(CUSTOMERS, 10), 2: account(PROSPECTS, 11), 3: account(CUSTOMERS, 12)}
RIGHT_LIST = {21: account(OPPORTUNITIES, 10), 22: account(CUSTOMERS, 11), 23: account(PROSPECTS, 99)}


def test_a_first_load_is_one_reset_however_many_overlap(desk: Desk) -> None:
    begun(desk, LEFT_LIST, RIGHT_LIST)
    for side in Side:
        (only,) = page(desk, side).items
        assert only == ChangeItem(cursor(desk, side), RESET, desk.clock())
        assert ranges(desk, side) == [{"after": only.number - 1, "through": only.number, "reset": True}]


def test_each_side_is_told_what_became_of_its_own_rows(desk: Desk) -> None:
    after = begun(desk, LEFT_LIST, RIGHT_LIST)
    desk.applied(LEFT, records_of({1: account(PROSPECTS, 10), 3: account(CUSTOMERS, 99)}))
    assert told(desk, LEFT, after[LEFT]) == [
        (MOVED, 1, Cell(PROSPECTS, OPPORTUNITIES), Cell(CUSTOMERS, OPPORTUNITIES)),
        (GONE, 2, None, Cell(PROSPECTS, CUSTOMERS)),
        (ENTERED, 3, Cell(CUSTOMERS, PROSPECTS), None),
    ]
    assert told(desk, RIGHT, after[RIGHT]) == [
        (MOVED, 21, Cell(OPPORTUNITIES, PROSPECTS), Cell(OPPORTUNITIES, CUSTOMERS)),
        (GONE, 22, None, Cell(CUSTOMERS, PROSPECTS)),
        (ENTERED, 23, Cell(PROSPECTS, CUSTOMERS), None),
    ]
    for side in Side:
        assert ranges(desk, side)[-1] == {"after": after[side], "through": after[side] + 3, "reset": False}


def test_what_changes_nothing_that_a_side_reads_is_told_to_the_other_side_alone(desk: Desk) -> None:
    after = begun(desk, {1: account(CUSTOMERS, 10)}, {21: account(CUSTOMERS, 10)})
    desk.applied(RIGHT, records_of({22: account(CUSTOMERS, 10)}))
    assert told(desk, LEFT, after[LEFT]) == []
    assert len(ranges(desk, LEFT)) == 1
    assert [each[:2] for each in told(desk, RIGHT, after[RIGHT])] == [(GONE, 21), (ENTERED, 22)]


def test_more_changes_at_once_than_are_worth_reading_are_a_reset(desk: Desk) -> None:
    many = {number: account(CUSTOMERS, number) for number in range(1, 8)}
    after = begun(desk, {1: many[1]}, many)
    desk.clock.move(SECOND)
    desk.applied(LEFT, records_of(many))
    assert [kind for kind, *_ in told(desk, LEFT, after[LEFT])] == [ENTERED] * 6
    desk.clock.move(SECOND)
    desk.applied(LEFT, records_of({}))
    assert told(desk, LEFT, after[LEFT]) == [(RESET, 0, None, None)]
    assert [each["through"] for each in ranges(desk, LEFT)] == [None, None, cursor(desk, LEFT)]


def test_a_partnership_at_counts_has_no_changes(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    desk.applied(LEFT, records_of(LEFT_LIST))
    desk.applied(RIGHT, records_of(RIGHT_LIST))
    assert [page(desk, side) for side in Side] == [ChangePage((), 0, more=False)] * 2
    assert [ranges(desk, side) for side in Side] == [[], []]


def test_a_cell_at_counts_is_told_of_neither_by_an_entry_nor_by_an_event(desk: Desk) -> None:
    desk.share({cell: Level.ACCOUNTS if cell == OPEN_CELL else Level.COUNTS for cell in CELLS})
    desk.applied(LEFT, records_of({1: account(CUSTOMERS, 10), 2: account(PROSPECTS, 11)}))
    desk.applied(RIGHT, records_of({21: account(CUSTOMERS, 10)}))
    after = {side: (cursor(desk, side), len(ranges(desk, side))) for side in Side}
    desk.applied(RIGHT, records_of({21: account(CUSTOMERS, 10), 22: account(CUSTOMERS, 11)}))
    desk.applied(RIGHT, records_of({21: account(CUSTOMERS, 10)}))
    assert {side: (cursor(desk, side), len(ranges(desk, side))) for side in Side} == after


def test_a_move_into_or_out_of_a_cell_at_counts_reads_as_left_or_entered(desk: Desk) -> None:
    desk.share({cell: Level.ACCOUNTS if cell == OPEN_CELL else Level.COUNTS for cell in CELLS})
    desk.applied(LEFT, records_of({1: account(CUSTOMERS, 10)}))
    desk.applied(RIGHT, records_of({21: account(CUSTOMERS, 10)}))
    after = cursor(desk, RIGHT)
    desk.applied(LEFT, records_of({1: account(PROSPECTS, 10)}))
    desk.applied(LEFT, records_of({1: account(CUSTOMERS, 10)}))
    assert told(desk, RIGHT, after) == [(GONE, 21, None, OPEN_CELL), (ENTERED, 21, OPEN_CELL, None)]


def test_closing_a_cell_is_a_reset_at_once_and_opening_it_one_once_it_is_matched(desk: Desk) -> None:
    after = begun(desk, LEFT_LIST, RIGHT_LIST)
    desk.clock.move(SECOND)
    levels = {**uniform_levels(Level.ACCOUNTS), Cell(CUSTOMERS, OPPORTUNITIES): Level.COUNTS}
    desk.state(LEFT, Terms(levels=levels, disclosure=TRUSTED))
    for side in Side:
        assert told(desk, side, after[side]) == [(RESET, 0, None, None)]
    closed = cursor(desk, LEFT)
    desk.drain()
    assert cursor(desk, LEFT) == closed
    desk.state(LEFT, Terms(levels=uniform_levels(Level.ACCOUNTS), disclosure=TRUSTED))
    assert cursor(desk, LEFT) == closed
    desk.drain()
    assert told(desk, LEFT, closed) == [(RESET, 0, None, None)]


def test_after_a_tightening_no_byte_depends_on_what_the_closed_cell_had_shown(desk: Desk) -> None:
    """Two lives of one feed, one with changes in the cell and one without, read the same once it is closed."""
    bytes_read = []
    for has_changes in (True, False):
        begun(desk, LEFT_LIST, RIGHT_LIST)
        desk.clock.move(SECOND)
        desk.applied(LEFT, records_of({} if has_changes else LEFT_LIST))
        desk.applied(LEFT, records_of(LEFT_LIST))
        desk.clock.move(SECOND)
        for side in Side:
            desk.state(side, Terms(levels=uniform_levels(Level.COUNTS), disclosure=TRUSTED))
        desk.drain()
        bytes_read.append([(len(page(desk, side).items), ranges(desk, side)[-1]["reset"]) for side in Side])
        for side in Side:
            (only,) = page(desk, side).items
            assert only.number == int(desk.clock().timestamp() * 1_000_000)
            assert {each["through"] for each in ranges(desk, side)} == {None, only.number}
        desk.clock.move(SECOND)
    assert bytes_read[0] == bytes_read[1]


def test_a_withdrawn_list_takes_the_feeds_with_it(desk: Desk) -> None:
    after = begun(desk, LEFT_LIST, RIGHT_LIST)
    desk.clock.move(SECOND)
    with desk.database.transaction("withdraw") as tx:
        key = desk.couple.service_key
        submissions.withdraw(tx, seat(tx, desk.couple, LEFT), 1, service_key=key, now=desk.clock())
    for side in Side:
        assert told(desk, side, after[side]) == [(RESET, 0, None, None)]
        assert listing(desk, side) == {}


def test_a_new_generation_is_a_reset(desk: Desk) -> None:
    after = begun(desk, LEFT_LIST, RIGHT_LIST)
    desk.clock.move(SECOND)
    desk.start_generation(LEFT)
    desk.start_generation(RIGHT)
    desk.applied(LEFT, records_of(LEFT_LIST), generation=1)
    desk.applied(RIGHT, records_of(RIGHT_LIST), generation=1)
    for side in Side:
        assert told(desk, side, after[side]) == [(RESET, 0, None, None)]


def test_a_dispute_makes_the_rows_leave_on_both_sides_and_come_back_with_its_withdrawal(desk: Desk) -> None:
    after = begun(desk, LEFT_LIST, RIGHT_LIST)
    number = dispute(desk, LEFT, 1)
    assert [each[:2] for each in told(desk, LEFT, after[LEFT])] == [(GONE, 1)]
    assert [each[:2] for each in told(desk, RIGHT, after[RIGHT])] == [(GONE, 21)]
    desk.drain()
    with desk.database.transaction("withdraw the dispute") as tx:
        disputes.withdraw(tx, seat(tx, desk.couple, LEFT), number, now=desk.clock())
    desk.drain()
    assert [each[:2] for each in told(desk, LEFT, after[LEFT])] == [(GONE, 1), (ENTERED, 1)]
    assert [each[:2] for each in told(desk, RIGHT, after[RIGHT])] == [(GONE, 21), (ENTERED, 21)]


def test_nothing_is_read_while_either_party_pauses_and_nothing_is_lost(desk: Desk) -> None:
    after = begun(desk, LEFT_LIST, RIGHT_LIST)
    pause(desk, RIGHT)
    desk.applied(LEFT, records_of({1: LEFT_LIST[1]}))
    with pytest.raises(PartnershipPaused):
        page(desk, LEFT)
    pause(desk, RIGHT, resumed=True)
    desk.drain()
    assert [each[:2] for each in told(desk, LEFT, after[LEFT])] == [(GONE, 2)]


def test_an_end_ends_all_reading_and_leaves_nothing(desk: Desk) -> None:
    begun(desk, LEFT_LIST, RIGHT_LIST)
    with desk.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, desk.couple, LEFT), now=desk.clock())
    for side in Side:
        with pytest.raises(PartnershipNotActive):
            page(desk, side)
        assert ranges(desk, side) == [{"after": None, "through": None, "reset": True}]
    desk.drain()
    assert [cursor(desk, side) for side in Side] == [0, 0]


def test_old_changes_go_and_whoever_had_not_read_them_is_told_to_list_again(desk: Desk) -> None:
    after = begun(desk, LEFT_LIST, RIGHT_LIST)
    desk.clock.move(SECOND)
    desk.applied(LEFT, records_of({1: LEFT_LIST[1]}))
    desk.clock.move(timedelta(days=60))
    desk.applied(LEFT, records_of(LEFT_LIST))
    desk.clock.move(timedelta(days=60))
    desk.worker.tidy()
    assert [each[:2] for each in told(desk, LEFT, 0)] == [(RESET, 0), (ENTERED, 2)]
    assert [each[:2] for each in told(desk, LEFT, after[LEFT])] == [(RESET, 0), (ENTERED, 2)]
    assert [each[:2] for each in told(desk, LEFT, after[LEFT] + 1)] == [(ENTERED, 2)]
    desk.worker.tidy()
    assert [each[:2] for each in told(desk, LEFT, 0)] == [(RESET, 0), (ENTERED, 2)]


def test_a_cursor_that_the_feed_does_not_reach_reads_a_reset(desk: Desk) -> None:
    last = begun(desk, LEFT_LIST, RIGHT_LIST)[LEFT]
    assert page(desk, LEFT, last + 1) == ChangePage((ChangeItem(last, RESET, desk.clock()),), last, more=False)


def test_reading_what_names_accounts_is_in_the_trail(desk: Desk) -> None:
    after = begun(desk, LEFT_LIST, RIGHT_LIST)[LEFT]
    page(desk, LEFT)
    desk.applied(LEFT, records_of({1: LEFT_LIST[1]}))
    page(desk, LEFT, after)
    page(desk, LEFT, after + 1)
    with desk.database.snapshot("trail") as tx:
        entries = audit.trail(tx, shared_trail(desk.couple.partnership_id))
        assert [each.detail for each in entries if each.action == audit.Action.CHANGES_READ] == [{}]


def stored(desk: Desk, number: int, domain: int, *, population: Population = CUSTOMERS) -> None:
    """Let left seal the details of one of its accounts."""
    body = pack_body(Body(bytes(12), bytes(32), bytes(PADDED_SIZES[0] + 16)))
    sealed = SealedDetails(row(number), population, uploaded(body, [(token_of(domain), bytes(WRAP_BYTES))]))
    standing = desk.standing().sides[LEFT]
    assert standing.applied is not None
    batch = DetailsBatch(standing.terms_number, standing.applied.number, (sealed,))
    with desk.database.transaction("store details") as tx:
        key = desk.couple.service_key
        store_details(tx, seat(tx, desk.couple, LEFT), batch, service_key=key, now=desk.clock())


def test_the_reader_alone_is_told_of_details_that_were_sealed_anew(desk: Desk) -> None:
    desk.share({OPEN_CELL: Level.DETAILS}, fields=("domain",))
    desk.applied(LEFT, records_of({1: account(CUSTOMERS, 10)}))
    desk.applied(RIGHT, records_of({21: account(CUSTOMERS, 10)}))
    after = {side: cursor(desk, side) for side in Side}
    stored(desk, 1, 10)
    assert told(desk, RIGHT, after[RIGHT]) == [(DETAILS, 21, OPEN_CELL, None)]
    assert told(desk, LEFT, after[LEFT]) == []
    assert ranges(desk, RIGHT)[-1] == {"after": after[RIGHT], "through": after[RIGHT] + 1, "reset": False}


def test_the_reader_is_told_of_details_that_are_gone_though_its_list_says_the_same(desk: Desk) -> None:
    desk.share({OPEN_CELL: Level.DETAILS}, fields=("domain",))
    both = {1: account(CUSTOMERS, 10), 2: account(CUSTOMERS, 50), 3: account(CUSTOMERS, 60)}
    desk.applied(LEFT, records_of(both))
    desk.applied(RIGHT, records_of({21: account(CUSTOMERS, 10, 50, 60)}))
    stored(desk, 2, 50)
    after = cursor(desk, RIGHT)
    desk.applied(LEFT, records_of({1: both[1], 2: both[2]}))
    assert told(desk, RIGHT, after) == []
    desk.applied(LEFT, records_of({1: both[1]}))
    assert told(desk, RIGHT, after) == [(DETAILS, 21, OPEN_CELL, None)]


def test_details_that_are_gone_are_told_of_the_cell_that_the_row_is_in(desk: Desk) -> None:
    weaker = Cell(PROSPECTS, CUSTOMERS)
    desk.share({OPEN_CELL: Level.DETAILS, weaker: Level.DETAILS}, fields=("domain",))
    both = {1: account(CUSTOMERS, 10), 2: account(PROSPECTS, 50)}
    desk.applied(LEFT, records_of(both))
    desk.applied(RIGHT, records_of({21: account(CUSTOMERS, 10, 50)}))
    stored(desk, 2, 50, population=PROSPECTS)
    after = cursor(desk, RIGHT)
    desk.applied(LEFT, records_of({1: both[1]}))
    assert told(desk, RIGHT, after) == [(DETAILS, 21, OPEN_CELL, None)]


def test_sharing_fewer_fields_takes_back_what_was_told_of_details(desk: Desk) -> None:
    desk.share({OPEN_CELL: Level.DETAILS}, fields=("domain", "region"))
    desk.applied(LEFT, records_of({1: account(CUSTOMERS, 10)}))
    desk.applied(RIGHT, records_of({21: account(CUSTOMERS, 10)}))
    stored(desk, 1, 10)
    after = {side: cursor(desk, side) for side in Side}
    desk.clock.move(SECOND)
    levels = dict.fromkeys(CELLS, Level.HIDDEN) | {OPEN_CELL: Level.DETAILS}
    desk.state(LEFT, Terms(levels=levels, fields=("domain",), disclosure=TRUSTED))
    assert told(desk, RIGHT, after[RIGHT]) == [(RESET, 0, None, None)]
    assert told(desk, LEFT, after[LEFT]) == []


@dataclass(slots=True)
class Reader:
    """A CRM job: it keeps the list of overlaps by the feed alone, and reads the list when it is told to."""

    desk: Desk
    side: Side
    after: int = 0
    rows: dict[bytes, tuple[object, ...]] = field(default_factory=dict)

    def catch_up(self) -> None:
        """Read on from the cursor, in small pages."""
        more = True
        while more:
            read = page(self.desk, self.side, self.after, limit=2)
            for item in read.items:
                self._take(item)
            self.after, more = max(self.after, read.next_after), read.more

    def _take(self, item: ChangeItem) -> None:
        if item.kind is RESET:
            self.rows = {number: shown(each) for number, each in listing(self.desk, self.side).items()}
            # A list is of the moment of its first page, and so is the cursor beside it.
            self.after = cursor(self.desk, self.side)
        elif item.number > self.after:
            assert item.row is not None
            known = self.rows.pop(item.row, None)
            assert (known is None) == (item.was is None)
            assert item.kind is {(True, False): ENTERED, (False, True): GONE}.get(
                (known is None, item.cell is None), CHANGED if item.cell == item.was else MOVED
            )
            if item.cell is not None:
                self.rows[item.row] = (item.match_id, item.overlap, item.tier, item.cell, item.level)


def shown(item: OverlappingRow) -> tuple[object, ...]:
    """Give what is compared of a row of the list."""
    return item.match_id, item.overlap, item.tier, item.cell, item.level


LISTS = st.dictionaries(
    st.integers(1, 5),
    st.tuples(
        st.sampled_from(Population),
        st.frozensets(st.tuples(st.sampled_from([DOMAIN, NAME]), st.integers(0, 3)), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=5,
)
LEVELS = st.sampled_from([Level.COUNTS, Level.ACCOUNTS, Level.ACCOUNTS, Level.DETAILS])
TERMS = st.builds(
    Terms,
    levels=st.one_of(st.just(uniform_levels(Level.ACCOUNTS)), st.fixed_dictionaries(dict.fromkeys(CELLS, LEVELS))),
    reveals_from=st.sampled_from([Tier.CERTAIN, Tier.LIKELY]),
    disclosure=st.just(TRUSTED),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.one_of(LISTS, LISTS, LISTS, TERMS, st.just("dispute")),
        st.sets(st.sampled_from([0, 1, 2])),
    ),
    min_size=3,
    max_size=6,
)


def done(desk: Desk, side: Side, step: dict[int, Account] | Terms | str) -> None:
    """Do what a step says; the worker works afterwards."""
    if isinstance(step, Terms):
        desk.state(side, step)
    elif isinstance(step, dict):
        desk.submit(side, records_of(step))
    elif found := listing(desk, side):
        dispute(desk, side, int.from_bytes(min(found)))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=LISTS, steps=STEPS)
def test_the_feed_replayed_from_any_cursor_gives_the_list_as_it_is(
    desk: Desk, first: dict[int, Account], steps: list[tuple[Side, Any, set[int]]]
) -> None:
    desk.share(Level.ACCOUNTS, reveals_from=Tier.LIKELY)
    for side in Side:
        desk.applied(side, records_of(first))
    readers = [Reader(desk, side) for _ in range(3) for side in Side]
    for by, step, catching_up in steps:
        desk.clock.move(SECOND)
        done(desk, by, step)
        for reader in (readers[2 * each + (by is RIGHT)] for each in catching_up):
            reader.catch_up()
        desk.drain()
    for reader in readers:
        reader.catch_up()
        assert reader.rows == {number: shown(each) for number, each in listing(desk, reader.side).items()}


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.permutations(range(1, 7)), then=st.permutations(range(1, 7)))
def test_what_one_side_is_told_is_what_the_other_is_told_transposed(
    desk: Desk, first: list[int], then: list[int]
) -> None:
    populations = dict(enumerate([*Population, *Population], start=1))
    desk.share(Level.ACCOUNTS)
    desk.applied(RIGHT, records_of({number: account(populations[number], number) for number in range(1, 7)}))
    desk.applied(LEFT, records_of({each: account(populations[each], each) for each in first[:4]}))
    after = {side: cursor(desk, side) for side in Side}
    desk.applied(LEFT, records_of({each: account(populations[7 - each], each) for each in then[:3]}))
    left, right = (told(desk, side, after[side]) for side in Side)
    transposed = [(kind, number, cell and cell.transposed, was and was.transposed) for kind, number, cell, was in right]
    assert left == transposed
