"""Work is done at least once, by one worker at a time, and asking twice is asking once."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from escrow.store import jobs
from escrow.store.database import Database, Transaction
from escrow.store.jobs import Job
from escrow.store.states import JobType
from escrow.store.tables import jobs as rows
from tests.partnership_makers import NOON, invited_partnership

LEASE = timedelta(seconds=60)
LATER = NOON + timedelta(seconds=1)
AFTER_THE_LEASE = NOON + LEASE


@pytest.fixture
def partnership_id(database: Database) -> UUID:
    """A partnership for which there is something to do."""
    return invited_partnership(database).partnership_id


def _claim(tx: Transaction) -> Job:
    job = jobs.claim(tx, now=NOON, lease=LEASE)
    assert job is not None
    return job


def _claimed_types(tx: Transaction) -> list[JobType]:
    found = []
    while (job := jobs.claim(tx, now=LATER, lease=LEASE)) is not None:
        found.append(job.type)
    return found


def test_asking_twice_is_asking_once(database: Database, partnership_id: UUID) -> None:
    with database.transaction("ask") as tx:
        for _ in range(2):
            jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        assert _claimed_types(tx) == [JobType.MATCH]


def test_a_worker_of_this_process_is_woken_once_the_asking_is_committed(
    database: Database, partnership_id: UUID
) -> None:
    database.work_asked.clear()
    with suppress(ZeroDivisionError), database.transaction("ask and fail") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        raise ZeroDivisionError
    with database.transaction("ask for nothing"):
        pass
    assert not database.work_asked.is_set()
    with database.transaction("ask") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        assert not database.work_asked.is_set()
    assert database.work_asked.is_set()


def test_a_lease_is_renewed_only_by_who_holds_it(database: Database, partnership_id: UUID) -> None:
    with database.transaction("ask") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        first = _claim(tx)
        renewed = jobs.renew(tx, first, now=LATER, lease=LEASE)
        assert renewed is not None
        assert jobs.claim(tx, now=AFTER_THE_LEASE, lease=LEASE) is None
        assert jobs.claim(tx, now=AFTER_THE_LEASE + LEASE, lease=LEASE) is not None
        assert jobs.renew(tx, renewed, now=AFTER_THE_LEASE, lease=LEASE) is None


def test_another_argument_is_other_work(database: Database, partnership_id: UUID) -> None:
    with database.transaction("ask") as tx:
        for side in ("left", "right"):
            jobs.enqueue(tx, JobType.APPLY, partnership_id, due_at=NOON, argument=side)
        assert {_claim(tx).argument, _claim(tx).argument} == {"left", "right"}


def test_what_is_due_first_is_claimed_first_and_what_is_not_due_waits(database: Database, partnership_id: UUID) -> None:
    with database.transaction("ask") as tx:
        jobs.enqueue(tx, JobType.RELEASE, partnership_id, due_at=LATER)
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        jobs.enqueue(tx, JobType.PURGE, partnership_id, due_at=LATER + timedelta(seconds=1))
        assert _claimed_types(tx) == [JobType.MATCH, JobType.RELEASE]


def test_of_two_times_the_earlier_counts(database: Database, partnership_id: UUID) -> None:
    with database.transaction("ask") as tx:
        jobs.enqueue(tx, JobType.RELEASE, partnership_id, due_at=NOON)
        jobs.enqueue(tx, JobType.RELEASE, partnership_id, due_at=NOON + timedelta(days=1))
        assert _claim(tx).type is JobType.RELEASE


def test_leased_work_is_claimed_again_only_when_its_lease_is_over(database: Database, partnership_id: UUID) -> None:
    with database.transaction("claim") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        first = _claim(tx)
        assert jobs.claim(tx, now=AFTER_THE_LEASE - timedelta(seconds=1), lease=LEASE) is None
        second = jobs.claim(tx, now=AFTER_THE_LEASE, lease=LEASE)
    assert second is not None
    assert (first.attempts, second.attempts) == (1, 2)


def test_finished_work_is_gone(database: Database, partnership_id: UUID) -> None:
    with database.transaction("finish") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        jobs.finish(tx, _claim(tx))
        assert tx.execute(select(rows)).all() == []


def test_work_asked_for_while_it_runs_is_done_again(database: Database, partnership_id: UUID) -> None:
    with database.transaction("finish") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        job = _claim(tx)
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        assert jobs.claim(tx, now=NOON, lease=LEASE) is None
        jobs.finish(tx, job)
        assert _claim(tx).attempts == 1


def test_a_worker_that_lost_its_lease_strikes_nothing_off(database: Database, partnership_id: UUID) -> None:
    with database.transaction("finish late") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        late = _claim(tx)
        again = jobs.claim(tx, now=AFTER_THE_LEASE, lease=LEASE)
        jobs.finish(tx, late)
        assert len(tx.execute(select(rows)).all()) == 1
        assert again is not None
        jobs.finish(tx, again)
        assert tx.execute(select(rows)).all() == []


def test_work_that_failed_is_tried_again_later(database: Database, partnership_id: UUID) -> None:
    with database.transaction("put off") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        jobs.put_off(tx, _claim(tx), until=LATER)
        assert jobs.claim(tx, now=NOON, lease=LEASE) is None
        again = jobs.claim(tx, now=LATER, lease=LEASE)
    assert again is not None
    assert again.attempts == 2


def test_work_given_back_undone_is_due_at_once(database: Database, partnership_id: UUID) -> None:
    with database.transaction("give back") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        jobs.give_back(tx, _claim(tx), now=NOON)
        assert _claim(tx).attempts == 1


def test_the_only_worker_takes_over_every_lease_when_it_starts(database: Database, partnership_id: UUID) -> None:
    with database.transaction("start") as tx:
        jobs.enqueue(tx, JobType.MATCH, partnership_id, due_at=NOON)
        _claim(tx)
        jobs.take_over(tx, now=LATER)
        assert _claimed_types(tx) == [JobType.MATCH]


def test_no_two_workers_hold_the_same_work(database: Database, partnership_id: UUID) -> None:
    with database.transaction("ask") as tx:
        for number in range(12):
            jobs.enqueue(tx, JobType.APPLY, partnership_id, due_at=NOON, argument=str(number))
    held: list[str] = []

    def work() -> None:
        while True:
            with database.transaction("claim") as tx:
                job = jobs.claim(tx, now=NOON, lease=LEASE)
            if job is None:
                return
            held.append(job.argument)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(held, key=int) == [str(number) for number in range(12)]
