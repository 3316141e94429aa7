"""Withdrawing a list: what it stops, what it leaves, and what cannot be withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from escrow import audit, partnerships, submissions
from escrow.allowance import ListLimits
from escrow.applying import commit, prepare
from escrow.errors import ListMissing, NotFound, SubmissionInProgress, SubmissionNotWithdrawable
from escrow.overlaps import overlaps_page
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import pack_chunk
from escrow.releases import report_of
from escrow.reports.matrix import CellState
from escrow.reports.trail import own_trail
from escrow.store.blocks import load_ever_seen
from escrow.store.database import Database
from escrow.store.states import SubmissionState, SubmissionType
from escrow.store.tables import chunks as chunks_table
from escrow.store.tables import matches
from escrow.submissions import Submission
from escrow.terms import Cell, Level, Population, Side
from tests.partnership_makers import seat
from tests.psi.making_lists import Account, records_of
from tests.submission_makers import Desk, new_desk

DOMAIN = MatchKeyClass.DOMAIN
CUSTOMERS = Population.CUSTOMERS
WITHDRAWN = SubmissionState.WITHDRAWN
DAY = timedelta(days=1)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def withdraw(desk: Desk, number: int, side: Side = Side.LEFT) -> Submission:
    """Withdraw a submission; the worker does not work yet."""
    with desk.database.transaction("withdraw") as tx:
        party = seat(tx, desk.couple, side)
        return submissions.withdraw(tx, party, number, service_key=desk.couple.service_key, now=desk.clock())


def customers(*domains: int) -> dict[int, Account]:
    """Make customers, each with one domain and the row of the same number."""
    return {each: (CUSTOMERS, frozenset({(DOMAIN, each)})) for each in domains}


def overlapping_rows(desk: Desk, side: Side) -> int:
    """Count the rows that a side reads as overlapping."""
    with desk.database.transaction("read") as tx:
        page = overlaps_page(
            tx,
            seat(tx, desk.couple, side),
            after=None,
            limit=100,
            service_key=desk.couple.service_key,
            now=desk.clock(),
        )
        return len(page.items)


def stored_matches(desk: Desk) -> int:
    with desk.database.snapshot("count") as tx:
        return tx.execute(select(func.count()).select_from(matches)).scalar_one()


def test_an_upload_that_is_under_way_is_dropped_and_its_number_is_used_up(desk: Desk) -> None:
    chunk = pack_chunk(records_of(customers(1)))
    desk.announce(Side.LEFT, desk.next(Side.LEFT, [chunk], accounts=1))
    desk.send(Side.LEFT, 1, 0, chunk)
    assert withdraw(desk, 1).state is WITHDRAWN
    with desk.database.snapshot("chunks") as tx:
        assert tx.execute(select(chunks_table.c.sealed)).scalars().all() == [None]
    assert desk.complete(Side.LEFT, 1).state is WITHDRAWN
    assert desk.applied(Side.LEFT, records_of(customers(2))).number == 2


def test_a_received_list_is_not_applied_any_more(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of(customers(1)))
    desk.submit(Side.LEFT, records_of(customers(2)))
    withdraw(desk, 2)
    desk.drain()
    assert desk.submission(Side.LEFT, 2).state is WITHDRAWN
    assert desk.list_of(Side.LEFT).rows.tolist() == [1]
    assert desk.standing().sides[Side.LEFT].ready


def test_a_list_withdrawn_while_it_was_prepared_is_not_applied(desk: Desk) -> None:
    desk.submit(Side.LEFT, records_of(customers(1)))
    prepared = prepare(desk.database, desk.couple.partnership_id, Side.LEFT, service_key=desk.couple.service_key)
    assert prepared is not None
    withdraw(desk, 1)
    with desk.database.transaction("commit") as tx:
        commit(tx, prepared, limits=ListLimits(100), now=desk.clock())
    assert desk.standing().applied == {}


def test_nothing_of_a_withdrawn_list_is_read_from_then_on(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    desk.applied(Side.LEFT, records_of(customers(1, 2)))
    desk.applied(Side.RIGHT, records_of(customers(1, 2)))
    assert (overlapping_rows(desk, Side.LEFT), overlapping_rows(desk, Side.RIGHT)) == (2, 2)
    withdraw(desk, 1)
    assert (overlapping_rows(desk, Side.LEFT), overlapping_rows(desk, Side.RIGHT)) == (0, 0)
    assert stored_matches(desk) == 0
    desk.drain()
    assert stored_matches(desk) == 0


def test_matching_that_ran_into_a_withdrawal_writes_nothing(desk: Desk) -> None:
    desk.share(Level.ACCOUNTS)
    desk.applied(Side.LEFT, records_of(customers(1)))
    desk.applied(Side.RIGHT, records_of(customers(1)))
    withdraw(desk, 1)
    desk.submit(Side.RIGHT, records_of(customers(1, 2)))
    while desk.worker.run_once():
        assert stored_matches(desk) == 0


def test_the_list_becomes_empty_under_the_next_number_and_its_tokens_stay_known(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of(customers(1, 2)))
    withdraw(desk, 1)
    desk.drain()
    applied = desk.standing().applied[Side.LEFT]
    assert (applied.number, applied.accounts, applied.is_withdrawn) == (2, 0, False)
    with desk.database.snapshot("ever seen") as tx:
        assert load_ever_seen(tx, desk.couple.partnership_id, 0, Side.LEFT).size == 2
    assert desk.applied(Side.LEFT, records_of(customers(3))).number == 3
    assert desk.list_of(Side.LEFT).rows.tolist() == [3]


def test_a_delta_that_was_applied_is_withdrawn_with_the_whole_list(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of(customers(1)))
    desk.applied(Side.LEFT, records_of(customers(2)), type=SubmissionType.DELTA)
    withdraw(desk, 2)
    desk.drain()
    assert desk.list_of(Side.LEFT).accounts.size == 0


def test_withdrawing_again_changes_nothing(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of(customers(1)))
    assert withdraw(desk, 1) == withdraw(desk, 1)
    desk.drain()
    assert withdraw(desk, 1).state is WITHDRAWN
    desk.drain()
    assert desk.standing().applied[Side.LEFT].number == 2


def test_an_upload_that_was_begun_after_the_applied_list_gives_way(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of(customers(1)))
    desk.announce(Side.LEFT, desk.next(Side.LEFT, [pack_chunk(records_of(customers(2)))], accounts=1))
    withdraw(desk, 1)
    desk.drain()
    assert desk.submission(Side.LEFT, 2).accounts == 0


def test_what_was_rejected_replaced_or_never_sent_cannot_be_withdrawn(desk: Desk) -> None:
    with pytest.raises(NotFound):
        withdraw(desk, 1)
    desk.applied(Side.LEFT, records_of(customers(1)))
    desk.applied(Side.LEFT, records_of(customers(2)))
    with pytest.raises(SubmissionNotWithdrawable, match="later list"):
        withdraw(desk, 1)
    desk.applied(Side.LEFT, records_of(dict.fromkeys(range(1, 8), (CUSTOMERS, frozenset({(DOMAIN, 1)})))))
    with pytest.raises(SubmissionNotWithdrawable, match="rejected"):
        withdraw(desk, 3)


def test_an_applied_list_waits_for_the_one_after_it(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of(customers(1)))
    desk.submit(Side.LEFT, records_of(customers(2)))
    with pytest.raises(SubmissionInProgress):
        withdraw(desk, 1)


def test_the_next_release_shows_nothing_of_it_and_those_after_wait_for_the_word_again(desk: Desk) -> None:
    desk.share(Level.COUNTS)
    many = records_of(customers(*range(1, 61)))
    desk.applied(Side.LEFT, many)
    desk.applied(Side.RIGHT, records_of(customers(*range(49, 109))))
    assert states_of_cells(desk)[Cell(CUSTOMERS, CUSTOMERS)] is CellState.PUBLIC
    withdraw(desk, 1)
    assert not desk.standing().sides[Side.LEFT].ready
    desk.drain()
    desk.clock.move(DAY)
    desk.drain()
    assert set(states_of_cells(desk).values()) == {CellState.WITHHELD}
    desk.submit(Side.LEFT, many, ready=False)
    desk.clock.move(DAY)
    desk.drain()
    assert set(states_of_cells(desk).values()) == {CellState.WITHHELD}
    with desk.database.transaction("say so") as tx:
        partnerships.say_ready(tx, seat(tx, desk.couple, Side.LEFT), now=desk.clock())
    desk.drain()
    assert states_of_cells(desk)[Cell(CUSTOMERS, CUSTOMERS)] is CellState.PUBLIC


def test_a_withdrawn_list_cannot_be_called_right(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of(customers(1)))
    withdraw(desk, 1)
    with pytest.raises(ListMissing), desk.database.transaction("say so") as tx:
        partnerships.say_ready(tx, seat(tx, desk.couple, Side.LEFT), now=desk.clock())


def test_a_withdrawal_is_in_the_trail_once(desk: Desk) -> None:
    desk.applied(Side.LEFT, records_of(customers(1)))
    withdraw(desk, 1)
    withdraw(desk, 1)
    with desk.database.snapshot("trail") as tx:
        entries = list(audit.trail(tx, own_trail(desk.couple.partnership_id, Side.LEFT)))
    found = [entry for entry in entries if entry.action == audit.Action.SUBMISSION_WITHDRAWN]
    assert [dict(entry.detail) for entry in found] == [{"number": 1, "from": "applied"}]


def states_of_cells(desk: Desk) -> dict[Cell, CellState]:
    """Read the latest report."""
    with desk.database.transaction("read report") as tx:
        report = report_of(
            tx, seat(tx, desk.couple, Side.LEFT), None, service_key=desk.couple.service_key, now=desk.clock()
        )
    return {cell: count.state for cell, count in report.matrix.items()}
