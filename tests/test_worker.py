"""The worker: leases, failures that hold up nobody, and work that is done once though it is claimed twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from escrow.psi.matchkeys import MatchKeyClass
from escrow.settings import ServerSettings
from escrow.store.database import Database
from escrow.store.jobs import Job, claim, enqueue, finish, give_back, put_off, take_over
from escrow.store.states import JobType, SubmissionState
from escrow.store.tables import chunks, jobs
from escrow.terms import Population, Side
from escrow.worker import Worker
from tests.partnership_makers import NOON, RELEASE_KEY
from tests.psi.making_lists import records_of
from tests.submission_makers import Desk, new_desk

LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
LIST = records_of({7: (Population.CUSTOMERS, frozenset({(MatchKeyClass.DOMAIN, 1)}))})


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Acme and Globex, paired."""
    database = Database(database_url)
    yield new_desk(database, tmp_path)
    database.close()


def ask(desk: Desk, job_type: JobType = JobType.MATCH, *, due_in: timedelta = timedelta(0)) -> None:
    """Ask for a job."""
    with desk.database.transaction("ask") as tx:
        enqueue(tx, job_type, desk.couple.partnership_id, due_at=desk.clock() + due_in)


def claimed(desk: Desk) -> Job | None:
    """Claim what is due."""
    with desk.database.transaction("claim") as tx:
        return claim(tx, now=desk.clock(), lease=LEASE)


def waiting(desk: Desk) -> int:
    """Count the jobs that are not done."""
    with desk.database.snapshot("count jobs") as tx:
        return tx.execute(select(func.count()).select_from(jobs)).scalar_one()


def test_a_job_is_claimed_once_when_it_is_due(desk: Desk) -> None:
    ask(desk, due_in=SECOND)
    assert claimed(desk) is None
    desk.clock.move(SECOND)
    assert claimed(desk) is not None
    assert claimed(desk) is None


def test_of_two_times_a_job_is_asked_for_the_earlier_counts(desk: Desk) -> None:
    for due_in in (2 * SECOND, timedelta(0), SECOND):
        ask(desk, due_in=due_in)
    job = claimed(desk)
    assert job is not None
    assert job.asked == 3


def test_a_job_whose_worker_died_is_claimed_again_when_its_lease_is_over(desk: Desk) -> None:
    ask(desk)
    assert claimed(desk) is not None
    desk.clock.move(LEASE)
    again = claimed(desk)
    assert again is not None
    assert again.attempts == 2


def test_a_job_that_is_asked_for_while_it_runs_runs_again(desk: Desk) -> None:
    ask(desk)
    job = claimed(desk)
    assert job is not None
    ask(desk)
    with desk.database.transaction("finish") as tx:
        finish(tx, job)
    assert claimed(desk) is not None


def test_a_worker_whose_lease_ran_out_does_not_finish_the_job_of_another(desk: Desk) -> None:
    ask(desk)
    late = claimed(desk)
    desk.clock.move(LEASE)
    assert claimed(desk) is not None
    assert late is not None
    with desk.database.transaction("finish too late") as tx:
        finish(tx, late)
        put_off(tx, late, until=desk.clock())
    assert waiting(desk) == 1
    assert claimed(desk) is None


def test_a_lease_that_is_given_back_or_taken_over_is_due_at_once(desk: Desk) -> None:
    ask(desk)
    job = claimed(desk)
    assert job is not None
    with desk.database.transaction("give back") as tx:
        give_back(tx, job, now=desk.clock())
    assert claimed(desk) == job
    with desk.database.transaction("take over") as tx:
        take_over(tx, now=desk.clock())
    assert claimed(desk) is not None


def test_a_job_that_fails_is_tried_later_and_holds_up_no_other(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.submit(Side.LEFT, LIST)
    desk.submit(Side.RIGHT, LIST)
    with desk.database.transaction("spoil a chunk") as tx:
        tx.execute(update(chunks).where(chunks.c.side == "left").values(sealed=b"\x01" + bytes(64)))
    with caplog.at_level(logging.ERROR):
        desk.drain()
    assert desk.submission(Side.LEFT, 1).state is SubmissionState.RECEIVED
    assert desk.submission(Side.RIGHT, 1).state is SubmissionState.APPLIED
    (line,) = (record.getMessage() for record in caplog.records)
    assert line == f"job failed: apply of {desk.couple.partnership_id}, attempt 1"
    desk.clock.move(2 * SECOND)
    desk.drain()
    desk.clock.move(3 * SECOND)
    assert claimed(desk) is None
    desk.clock.move(SECOND)
    failing = claimed(desk)
    assert failing is not None
    assert failing.attempts == 3


def test_work_done_twice_is_done_once(desk: Desk) -> None:
    desk.submit(Side.LEFT, LIST)
    desk.drain()
    for job_type, argument in (
        (JobType.APPLY, "left"),
        (JobType.MATCH, ""),
        (JobType.RELEASE, ""),
        (JobType.PURGE, ""),
    ):
        with desk.database.transaction("ask again") as tx:
            enqueue(tx, job_type, desk.couple.partnership_id, due_at=desk.clock(), argument=argument)
    desk.drain()
    assert waiting(desk) == 0
    assert desk.list_of(Side.LEFT).rows.tolist() == [7]
    assert desk.submission(Side.LEFT, 1).state is SubmissionState.APPLIED


class _Interrupted(BaseException):
    """What a signal raises in the middle of a job."""


class _ClockThatIsInterrupted:
    """The second question for the time, which a job asks, is interrupted."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> datetime:
        self.asked += 1
        if self.asked == 2:
            raise _Interrupted
        return NOON


def test_a_worker_that_is_interrupted_in_a_job_gives_its_lease_back(desk: Desk) -> None:
    desk.submit(Side.LEFT, LIST)
    worker = Worker(
        desk.database, desk.couple.service_key, ServerSettings(), release_key=RELEASE_KEY, now=_ClockThatIsInterrupted()
    )
    with pytest.raises(_Interrupted):
        worker.run_once()
    desk.drain()
    assert desk.submission(Side.LEFT, 1).state is SubmissionState.APPLIED


def test_a_running_worker_takes_over_what_a_dead_one_left_and_stops_when_told(
    migrated_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / f"{uuid4()}.sqlite"
    file.write_bytes(migrated_file.read_bytes())
    database = Database(f"sqlite:///{file}")
    desk = new_desk(database, tmp_path, poll_seconds=0.01)
    desk.submit(Side.LEFT, LIST)
    assert claimed(desk) is not None
    stop = Event()
    thread = Thread(target=desk.worker.run, args=(stop,))
    thread.start()
    for _ in range(500):
        if desk.submission(Side.LEFT, 1).state is SubmissionState.APPLIED:
            break
        stop.wait(0.01)
    stop.set()
    thread.join()
    assert desk.submission(Side.LEFT, 1).state is SubmissionState.APPLIED
    database.close()
