"""Signed releases: the chain, what a party is given to check it with, and what it is not given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from escrow import partnerships
from escrow.psi.records import ListRecords, pack_chunk
from escrow.releases import Report, Signed, releases_of, report_of
from escrow.reports.matrix import CellState
from escrow.reports.statement import (
    FIRST_PREVIOUS,
    CellOpening,
    ListOpening,
    read_statement,
    rule_digest,
    statement_digest,
    verify_signature,
)
from escrow.store.database import Database
from escrow.store.release_keys import ReleaseKey, published
from escrow.store.states import SubmissionType
from escrow.store.tables import releases
from escrow.submissions import Head
from escrow.terms import CELLS, Level, Side, Terms, meet, uniform_levels
from escrow.worker import Worker
from tests.partnership_makers import RELEASE_KEY, seat
from tests.psi.making_lists import records_of
from tests.submission_makers import TRUSTED, Desk, new_desk
from tests.test_releases import CUSTOMERS, DAY, LEFT, RIGHT, many


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, who share counts, with both lists applied and one release."""
    database = Database(database_url)
    made = new_desk(database, tmp_path)
    made.share(Level.COUNTS)
    made.applied(Side.LEFT, records_of(LEFT))
    made.applied(Side.RIGHT, records_of(RIGHT))
    yield made
    database.close()


def report(desk: Desk, side: Side = Side.LEFT) -> Report:
    with desk.database.transaction("read report") as tx:
        return report_of(tx, seat(tx, desk.couple, side), None, service_key=desk.couple.service_key, now=desk.clock())


def history(desk: Desk) -> list[Signed | None]:
    """Give what is signed of every release, the oldest first."""
    with desk.database.snapshot("list releases") as tx:
        page = releases_of(tx, seat(tx, desk.couple, Side.LEFT), before=None, limit=10)
    return [item.signed for item in page.items][::-1]


def changed(desk: Desk, row: int) -> None:
    """Change a list, and let the next release be made."""
    more: ListRecords = records_of(many(CUSTOMERS, row, 1, domains_from=100 + row))
    desk.applied(Side.LEFT, more, type=SubmissionType.DELTA)
    desk.clock.move(DAY)
    desk.drain()


def signed(release: Signed | None) -> Signed:
    assert release is not None
    return release


def test_both_sides_open_the_same_commitments_from_their_own_seat(desk: Desk) -> None:
    for side in Side:
        shown = report(desk, side)
        statement = read_statement(signed(shown.signed).statement)
        verify_signature(signed(shown.signed).statement, signed(shown.signed).signature, RELEASE_KEY.public_key)
        assert shown.salts
        for cell, salt in shown.salts.items():
            place = cell if side is Side.LEFT else cell.transposed
            count = shown.matrix[cell]
            assert CellOpening(salt, place, count.state, count.number).commitment == statement.commitment(place)


def test_each_side_opens_its_own_list_only(desk: Desk) -> None:
    left, right = report(desk, Side.LEFT), report(desk, Side.RIGHT)
    statement = read_statement(signed(left.signed).statement)
    for shown, commitment in ((left, statement.left_list), (right, statement.right_list)):
        assert shown.list_salt is not None
        assert ListOpening(shown.list_salt, shown.our_list.number, shown.list_digest).commitment == commitment
    assert left.list_salt != right.list_salt


def test_salts_of_closed_cells_are_not_told(desk: Desk) -> None:
    public = {cell for cell in CELLS if report(desk).matrix[cell].state is CellState.PUBLIC}
    assert set(report(desk).salts) == public
    desk.state(Side.RIGHT, Terms(levels=uniform_levels(Level.HIDDEN), disclosure=TRUSTED))
    assert report(desk).salts == {}
    desk.share(Level.COUNTS, disclosure=replace(TRUSTED, threshold=9))
    assert report(desk).salts == {}


def test_the_statement_holds_the_terms_of_then(desk: Desk) -> None:
    terms = Terms(levels=uniform_levels(Level.COUNTS), disclosure=TRUSTED)
    desk.share(Level.HIDDEN)
    assert read_statement(signed(report(desk).signed).statement).rule == rule_digest(meet(terms, terms))
    assert set(report(desk).levels_then.values()) == {Level.COUNTS}


def test_each_release_holds_the_one_before(desk: Desk) -> None:
    changed(desk, 900)
    changed(desk, 901)
    first, second, third = [signed(each).statement for each in history(desk)]
    assert read_statement(first).previous == FIRST_PREVIOUS
    assert read_statement(second).previous == statement_digest(first)
    assert read_statement(third).previous == statement_digest(second)


def test_the_chain_begins_after_releases_that_were_never_signed(desk: Desk) -> None:
    with desk.database.transaction("as an earlier version left it") as tx:
        tx.execute(update(releases).values(statement=None, signature=None, key_id=None))
    assert report(desk).signed is None
    changed(desk, 900)
    first, second = history(desk)
    assert first is None
    assert read_statement(signed(second).statement).previous == FIRST_PREVIOUS


def test_keys_that_signed_stay_published(desk: Desk, tmp_path: Path) -> None:
    new_key = ReleaseKey.make()
    settings = desk.worker._settings
    rotated = replace(
        desk,
        worker=Worker(desk.database, desk.couple.service_key, settings, release_key=new_key, now=desk.clock),
    )
    changed(rotated, 900)
    with desk.database.snapshot("release keys") as tx:
        assert [each.public_key for each in published(tx)] == [new_key.public_key, RELEASE_KEY.public_key]
    assert [signed(each).key_id for each in history(desk)] == [RELEASE_KEY.key_id, new_key.key_id]
    read = tmp_path / "release.key"
    new_key.write(read)
    assert ReleaseKey.read(read).public_key == new_key.public_key


def test_the_partner_is_passed_the_head_of_what_was_applied_last(desk: Desk) -> None:
    more = records_of(many(CUSTOMERS, 900, 1, domains_from=1_106))
    chunks = [pack_chunk(more)]
    announced = desk.next(Side.LEFT, chunks, accounts=1, type=SubmissionType.DELTA)
    desk.announce(Side.LEFT, replace(announced, head=Head(1, b"h" * 32)))
    desk.send(Side.LEFT, announced.number, 0, chunks[0])
    desk.complete(Side.LEFT, announced.number)
    assert their_head(desk, Side.RIGHT) is None
    desk.drain()
    found = their_head(desk, Side.RIGHT)
    assert found is not None
    assert (found.generation, found.release, found.head) == (0, 1, b"h" * 32)
    assert their_head(desk, Side.LEFT) is None


def their_head(desk: Desk, side: Side) -> partnerships.TheirHead | None:
    with desk.database.snapshot("show") as tx:
        return partnerships.show(
            tx, seat(tx, desk.couple, side), service_key=desk.couple.service_key, now=desk.clock()
        ).their_list.head


def test_the_release_key_is_one_that_only_its_owner_reads(tmp_path: Path) -> None:
    ReleaseKey.make().write(tmp_path / "release.key")
    assert (tmp_path / "release.key").stat().st_mode & 0o777 == 0o600
