"""What the worker has to do: one row per piece of work, claimed by lease.

Asking twice for the same work is asking once; asking while it runs makes it run again. Work whose worker died is
claimed by another when the lease is over. Doing a job twice is harmless: that is the verbs' promise, not this module's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, insert, or_, select, update

from escrow.store.database import WORK_ASKED, Transaction
from escrow.store.states import JobType
from escrow.store.tables import jobs

__all__ = ["Job", "claim", "enqueue", "finish", "give_back", "put_off", "renew", "take_over"]

#: A job that runs is due no more, until somebody asks for it again.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work under lease."""

    partnership_id: UUID
    type: JobType
    argument: str
    asked: int
    attempts: int
    leased_until: datetime


def enqueue(tx: Transaction, job_type: JobType, partnership_id: UUID, *, due_at: datetime, argument: str = "") -> None:
    """Ask for work at a time; of two times the earlier counts."""
    tx.info[WORK_ASKED] = True
    place = _place(job_type, partnership_id, argument)
    earlier = case((jobs.c.due_at < due_at, jobs.c.due_at), else_=due_at)
    known = tx.execute(update(jobs).where(place).values(asked=jobs.c.asked + 1, due_at=earlier))
    if not known.rowcount:
        tx.execute(
            insert(jobs).values(
                partnership_id=partnership_id,
                type=job_type.value,
                argument=argument,
                asked=1,
                due_at=due_at,
                attempts=0,
            )
        )


def claim(tx: Transaction, *, now: datetime, lease: timedelta) -> Job | None:
    """Lease the work that has been due for longest, or tell that there is none."""
    due = and_(jobs.c.leased_until.is_(None), jobs.c.due_at <= now)
    row = tx.execute(
        select(jobs)
        .where(or_(due, jobs.c.leased_until <= now))
        .order_by(jobs.c.due_at, jobs.c.partnership_id, jobs.c.type, jobs.c.argument)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    job = Job(row.partnership_id, JobType(row.type), row.argument, row.asked, row.attempts + 1, now + lease)
    tx.execute(
        update(jobs)
        .where(_place(job.type, job.partnership_id, job.argument))
        .values(leased_until=job.leased_until, attempts=job.attempts, due_at=_NEVER)
    )
    return job


def renew(tx: Transaction, job: Job, *, now: datetime, lease: timedelta) -> Job | None:
    """Lengthen the lease of work that goes on, and give it anew; nothing if another worker has the work by now."""
    renewed = replace(job, leased_until=now + lease)
    held = tx.execute(update(jobs).where(_held(job)).values(leased_until=renewed.leased_until))
    return renewed if held.rowcount else None


def finish(tx: Transaction, job: Job) -> None:
    """Strike the work off, unless somebody asked for it again or another worker has it by now."""
    tx.execute(delete(jobs).where(_held(job), jobs.c.asked == job.asked))
    tx.execute(update(jobs).where(_held(job)).values(leased_until=None, attempts=0))


def put_off(tx: Transaction, job: Job, *, until: datetime) -> None:
    """Give the lease back after a failure, to try again later."""
    earlier = case((jobs.c.due_at < until, jobs.c.due_at), else_=until)
    tx.execute(update(jobs).where(_held(job)).values(leased_until=None, due_at=earlier))


def give_back(tx: Transaction, job: Job, *, now: datetime) -> None:
    """Give the lease back undone, as when the worker is told to stop."""
    tx.execute(update(jobs).where(_held(job)).values(leased_until=None, due_at=now, attempts=job.attempts - 1))


def take_over(tx: Transaction, *, now: datetime) -> None:
    """Void every lease: only for a database that no other worker uses, when a process starts."""
    tx.execute(update(jobs).where(jobs.c.leased_until.is_not(None)).values(leased_until=None, due_at=now))


def _place(job_type: JobType, partnership_id: UUID, argument: str) -> ColumnElement[bool]:
    return and_(jobs.c.partnership_id == partnership_id, jobs.c.type == job_type.value, jobs.c.argument == argument)


def _held(job: Job) -> ColumnElement[bool]:
    return and_(_place(job.type, job.partnership_id, job.argument), jobs.c.leased_until == job.leased_until)
