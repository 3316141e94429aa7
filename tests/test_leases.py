"""The lease of a job is kept while the job goes on, and given back when its process cannot end it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import select

from escrow.leases import Lease
from escrow.store import jobs
from escrow.store.database import Database
from escrow.store.jobs import Job
from escrow.store.states import JobType, SubmissionState
from escrow.store.tables import jobs as rows
from escrow.terms import Side
from tests.submission_makers import Desk, new_desk
from tests.test_worker import LIST

SHORT = timedelta(seconds=1.5)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Two partners, and a worker that would look for jobs once an hour if it were not woken."""
    database = Database(database_url)
    yield new_desk(database, tmp_path, poll_seconds=3_600)
    database.close()


def claimed(database: Database) -> Job | None:
    with database.transaction("claim") as tx:
        return jobs.claim(tx, now=now(), lease=SHORT)


def asked_and_claimed(desk: Desk) -> Job:
    with desk.database.transaction("ask") as tx:
        jobs.enqueue(tx, JobType.MATCH, desk.couple.partnership_id, due_at=now())
    job = claimed(desk.database)
    assert job is not None
    return job


def test_a_job_that_takes_longer_than_its_lease_is_not_run_by_another_worker(desk: Desk) -> None:
    job = asked_and_claimed(desk)
    signs: list[datetime] = []
    lease = Lease(desk.database, job, lasting=SHORT, now=now)
    with lease.renewed(lambda: signs.append(now())):
        while now() < job.leased_until + SHORT:
            assert claimed(desk.database) is None
            Event().wait(0.05)
    lease.finish()
    assert signs
    with desk.database.snapshot("look") as tx:
        assert tx.execute(select(rows)).one_or_none() is None


def test_a_job_that_a_process_cannot_end_is_given_back_at_once(desk: Desk) -> None:
    lease = Lease(desk.database, asked_and_claimed(desk), lasting=timedelta(days=1), now=now)
    with lease.renewed(lambda: None):
        lease.give_back()
        assert claimed(desk.database) is not None


def test_a_worker_beside_the_api_begins_when_a_list_is_handed_over(desk: Desk) -> None:
    stop = Event()
    thread = Thread(target=desk.worker.run, args=(stop,))
    thread.start()
    desk.submit(Side.LEFT, LIST)
    try:
        for _ in range(500):
            if desk.submission(Side.LEFT, 1).state is SubmissionState.APPLIED:
                break
            stop.wait(0.05)
        assert desk.submission(Side.LEFT, 1).state is SubmissionState.APPLIED
        assert desk.worker.silence() < 3_600
    finally:
        stop.set()
        desk.worker.wake()
        thread.join()
