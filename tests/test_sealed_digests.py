"""Digests at rest: the database holds none that a guess could be compared with, and everybody is answered as before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, func, select, update

from escrow import partnerships
from escrow.errors import ChunkDigestMismatch, SealBroken
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.records import ListRecords, chunk_digest, pack_chunk
from escrow.store.database import Database
from escrow.store.digests import open_digest, open_submission_digest, seal_digest, submission_place
from escrow.store.sealing import SealingKey
from escrow.store.tables import chunks, lists, releases, submissions
from escrow.submissions import Announcement
from escrow.terms import Level, Population, Side
from tests.partnership_makers import seat
from tests.psi.making_lists import records_of
from tests.submission_makers import Desk, new_desk

COLUMNS: tuple[Column[bytes], ...] = (
    submissions.c.digest,
    chunks.c.digest,
    lists.c.applied_digest,
    releases.c.left_digest,
    releases.c.right_digest,
)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def some_accounts() -> ListRecords:
    """Make a list that is long enough for a release."""
    return records_of(
        {row: (Population.CUSTOMERS, frozenset({(MatchKeyClass.DOMAIN, row)})) for row in range(1, 61)},
    )


def applied_on_both_sides(desk: Desk) -> dict[Side, Announcement]:
    """Take a list of each side to the first release, and say what was announced."""
    desk.share(Level.COUNTS)
    announced = {side: desk.next(side, [pack_chunk(some_accounts())], accounts=60) for side in Side}
    for side in Side:
        desk.applied(side, some_accounts())
    return announced


def stored(desk: Desk) -> list[bytes]:
    """Give all digests as they lie in the database."""
    with desk.database.snapshot("read digests") as tx:
        return [bytes(digest) for column in COLUMNS for digest in tx.execute(select(column)).scalars()]


def shown_digest(desk: Desk, side: Side) -> bytes | None:
    with desk.database.snapshot("show") as tx:
        party = seat(tx, desk.couple, side)
        shown = partnerships.show(tx, party, service_key=desk.couple.service_key, now=desk.clock())
    return shown.our_list.applied_digest


def lay_open(desk: Desk, announced: dict[Side, Announcement]) -> None:
    """Write digests as the release before did."""
    with desk.database.transaction("lay open") as tx:
        for side, said in announced.items():
            tx.execute(update(submissions).where(submissions.c.side == side.value).values(digest=said.digest))
            tx.execute(update(chunks).where(chunks.c.side == side.value).values(digest=said.chunk_digests[0]))
            tx.execute(update(lists).where(lists.c.side == side.value).values(applied_digest=said.digest))
            tx.execute(update(releases).values({f"{side.value}_digest": said.digest}))


def test_no_digest_of_a_list_lies_in_the_database(desk: Desk) -> None:
    announced = applied_on_both_sides(desk)
    kept = stored(desk)
    assert len(kept) == 8
    said = [digest for each in announced.values() for digest in (each.digest, *each.chunk_digests)]
    assert not [digest for digest in said if any(digest in each for each in kept)]


def test_a_party_is_shown_the_digest_that_it_announced(desk: Desk) -> None:
    announced = applied_on_both_sides(desk)
    assert {side: shown_digest(desk, side) for side in Side} == {side: announced[side].digest for side in Side}


def test_the_digests_of_a_release_open_as_those_of_its_submissions(desk: Desk) -> None:
    announced = applied_on_both_sides(desk)
    with desk.database.snapshot("read a release") as tx:
        release = tx.execute(select(releases)).one()
        place = (tx, desk.couple.partnership_id, Side.RIGHT, release.right_submission)
        opened = open_submission_digest(*place, release.right_digest, service_key=desk.couple.service_key)
    assert opened == announced[Side.RIGHT].digest


def test_a_digest_opens_for_its_own_submission_alone(desk: Desk) -> None:
    key, digest = SealingKey.make(), chunk_digest(b"a chunk")
    place = submission_place(desk.couple.partnership_id, Side.LEFT, 1)
    sealed = seal_digest(key, digest, place=place)
    assert open_digest(key, sealed, place=place) == digest
    for side, number in ((Side.LEFT, 2), (Side.RIGHT, 1)):
        with pytest.raises(SealBroken):
            open_digest(key, sealed, place=submission_place(desk.couple.partnership_id, side, number))


def test_digests_that_an_older_release_left_in_the_open_are_read(desk: Desk) -> None:
    announced = applied_on_both_sides(desk)
    before = desk.submission(Side.LEFT, 1)
    lay_open(desk, announced)
    assert desk.announce(Side.LEFT, announced[Side.LEFT]) == before
    assert shown_digest(desk, Side.LEFT) == announced[Side.LEFT].digest
    with pytest.raises(ChunkDigestMismatch):
        desk.send(Side.LEFT, 1, 0, pack_chunk(ListRecords.empty()))


def test_digests_that_an_older_release_left_in_the_open_are_sealed_by_the_worker(desk: Desk) -> None:
    announced = applied_on_both_sides(desk)
    lay_open(desk, announced)
    desk.worker.tidy()
    said = {digest for each in announced.values() for digest in (each.digest, *each.chunk_digests)}
    assert not said & set(stored(desk))
    assert shown_digest(desk, Side.RIGHT) == announced[Side.RIGHT].digest
    assert desk.announce(Side.LEFT, announced[Side.LEFT]) == desk.submission(Side.LEFT, 1)
    desk.send(Side.LEFT, 1, 0, pack_chunk(some_accounts()))


def test_digests_left_in_the_open_are_erased_where_the_key_is(desk: Desk) -> None:
    announced = applied_on_both_sides(desk)
    with desk.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, desk.couple, Side.LEFT), now=desk.clock())
    lay_open(desk, announced)
    desk.worker.tidy()
    assert set(stored(desk)) == {b""}
    assert shown_digest(desk, Side.LEFT) is None


def test_a_submission_received_before_its_digest_was_sealed_is_applied(desk: Desk) -> None:
    desk.submit(Side.LEFT, some_accounts())
    announced = desk.next(Side.LEFT, [pack_chunk(some_accounts())], accounts=60)
    with desk.database.transaction("lay open") as tx:
        tx.execute(update(submissions).values(digest=announced.digest))
    desk.worker.tidy()
    desk.drain()
    with desk.database.snapshot("read lists") as tx:
        assert tx.execute(select(lists.c.accounts, func.length(lists.c.applied_digest) == 32)).one() == (60, False)
