"""While either party pauses nothing is matched, released or read; only who paused resumes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from escrow import audit, partnerships
from escrow.errors import PartnershipNotActive, PartnershipPaused
from escrow.overlaps import overlaps_page
from escrow.psi.matchkeys import MatchKeyClass
from escrow.releases import releases_of
from escrow.reports.trail import shared_trail
from escrow.store.database import Database
from escrow.store.states import SubmissionState
from escrow.terms import Level, Population, Side
from tests.partnership_makers import NOON, accepted_partnership, seat
from tests.psi.making_lists import Account, records_of
from tests.submission_makers import Desk, new_desk

LEFT, RIGHT = Side


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired, with every cell at accounts."""
    database = Database(database_url)
    desk = new_desk(database, tmp_path)
    desk.share(Level.ACCOUNTS)
    yield desk
    database.close()


def accounts(*domains: int) -> dict[int, Account]:
    return {domain: (Population.CUSTOMERS, frozenset({(MatchKeyClass.DOMAIN, domain)})) for domain in domains}


def pause(desk: Desk, side: Side) -> None:
    with desk.database.transaction("pause") as tx:
        partnerships.pause(tx, seat(tx, desk.couple, side), now=desk.clock())


def resume(desk: Desk, side: Side) -> None:
    with desk.database.transaction("resume") as tx:
        partnerships.resume(tx, seat(tx, desk.couple, side), now=desk.clock())


def paused(desk: Desk) -> tuple[bool, bool]:
    """Who pauses as left sees it: itself, the other."""
    with desk.database.snapshot("look") as tx:
        shown = partnerships.show(
            tx, seat(tx, desk.couple, LEFT), service_key=desk.couple.service_key, now=desk.clock()
        )
    return shown.paused_by_us, shown.paused_by_them


def rows_read(desk: Desk) -> list[int]:
    with desk.database.transaction("read overlaps") as tx:
        page = overlaps_page(
            tx,
            seat(tx, desk.couple, LEFT),
            after=None,
            limit=100,
            service_key=desk.couple.service_key,
            now=desk.clock(),
        )
    return [int.from_bytes(item.row) for item in page.items]


def releases_made(desk: Desk) -> int:
    with desk.database.snapshot("list releases") as tx:
        return len(releases_of(tx, seat(tx, desk.couple, LEFT), before=None, limit=100).items)


def test_what_is_submitted_in_a_pause_is_applied_and_matched_only_afterwards(desk: Desk) -> None:
    pause(desk, RIGHT)
    for side in (LEFT, RIGHT):
        assert desk.applied(side, records_of(accounts(1, 2))).state is SubmissionState.APPLIED
    with desk.database.snapshot("look at the trail") as tx:
        at = desk.couple.partnership_id
        told = {entry.action for each in (at, shared_trail(at)) for entry in audit.trail(tx, each)}
    assert not told & {audit.Action.MATCHED, audit.Action.RELEASED}
    resume(desk, RIGHT)
    assert (rows_read(desk), releases_made(desk)) == ([], 0)
    desk.drain()
    assert (rows_read(desk), releases_made(desk)) == ([1, 2], 1)


def test_a_pause_leaves_what_was_matched_as_it_is(desk: Desk) -> None:
    for side in (LEFT, RIGHT):
        desk.applied(side, records_of(accounts(1, 2)))
    pause(desk, LEFT)
    desk.applied(LEFT, records_of(accounts(2, 3)))
    desk.applied(RIGHT, records_of(accounts(2, 3)))
    resume(desk, LEFT)
    assert rows_read(desk) == [1, 2]
    desk.drain()
    assert rows_read(desk) == [2, 3]


@pytest.mark.parametrize("side", Side)
def test_while_either_pauses_neither_reads(desk: Desk, side: Side) -> None:
    pause(desk, side)
    for reader in Side:
        with desk.database.snapshot("read") as tx, pytest.raises(PartnershipPaused):
            seat(tx, desk.couple, reader).must_be_readable()
        with desk.database.snapshot("look") as tx:
            seat(tx, desk.couple, reader).must_be_active()


def test_a_pause_of_one_side_is_not_lifted_by_the_other(desk: Desk) -> None:
    pause(desk, LEFT)
    pause(desk, RIGHT)
    assert paused(desk) == (True, True)
    resume(desk, LEFT)
    resume(desk, LEFT)
    assert paused(desk) == (False, True)
    with pytest.raises(PartnershipPaused):
        rows_read(desk)
    resume(desk, RIGHT)
    assert paused(desk) == (False, False)


def test_a_pause_and_its_end_are_each_audited_once(desk: Desk) -> None:
    for change in (pause, pause, resume, resume):
        change(desk, RIGHT)
    with desk.database.snapshot("look at the trail") as tx:
        told = list(audit.trail(tx, shared_trail(desk.couple.partnership_id)))[-2:]
    assert [entry.action for entry in told] == [audit.Action.PAUSED, audit.Action.RESUMED]
    assert {entry.organization_id for entry in told} == {desk.couple.right.organization_id}


def test_terms_may_be_tightened_in_a_pause(desk: Desk) -> None:
    for side in (LEFT, RIGHT):
        desk.applied(side, records_of(accounts(1)))
    pause(desk, RIGHT)
    desk.share(Level.HIDDEN)
    resume(desk, RIGHT)
    assert rows_read(desk) == []


def test_a_partnership_that_compares_no_lists_is_not_paused(database: Database) -> None:
    couple = accepted_partnership(database)
    for change in (partnerships.pause, partnerships.resume):
        with database.transaction("pause") as tx, pytest.raises(PartnershipNotActive):
            change(tx, seat(tx, couple, LEFT), now=NOON)
