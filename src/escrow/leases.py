"""The lease of one job, kept for as long as the job goes on: no other worker runs it meanwhile, however long it takes.

A worker that dies renews nothing, so its lease runs out. On SQLite a long transaction holds up the renewal, and every
other claim with it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from escrow.store import jobs
from escrow.store.database import Database, Transaction
from escrow.store.jobs import Job

__all__ = ["Lease"]

_log = logging.getLogger(__name__)

#: A renewal that fails has two more before the lease is over.
_RENEWALS = 3


class Lease:
    """A claimed job, renewed beside the work on it and given back once."""

    def __init__(self, database: Database, job: Job, *, lasting: timedelta, now: Callable[[], datetime]) -> None:
        self._database = database
        self._job = job
        self._lasting = lasting
        self._now = now
        self._lock = threading.Lock()
        self._is_over = False

    @contextmanager
    def renewed(self, give_sign: Callable[[], None]) -> Iterator[None]:
        """Renew the lease beside the block, and give a sign of life each time."""
        done = threading.Event()
        thread = threading.Thread(target=self._renew_until, args=(done, give_sign), name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def finish(self) -> None:
        """Strike the job off."""
        with self._ending("finish a job") as tx:
            jobs.finish(tx, self._job)

    def put_off(self, backoff: timedelta) -> None:
        """Try the job again later."""
        with self._ending("put a job off") as tx:
            jobs.put_off(tx, self._job, until=self._now() + backoff)

    def give_back(self) -> None:
        """Leave the job to whoever comes next."""
        with self._ending("give a job back") as tx:
            jobs.give_back(tx, self._job, now=self._now())

    @contextmanager
    def _ending(self, name: str) -> Iterator[Transaction]:
        with self._lock, self._database.transaction(name) as tx:
            self._is_over = True
            yield tx

    def _renew_until(self, done: threading.Event, give_sign: Callable[[], None]) -> None:
        while not done.wait(self._lasting.total_seconds() / _RENEWALS):
            give_sign()
            try:
                self._renew()
            except SQLAlchemyError:
                _log.exception("a lease could not be renewed: %s of %s", self._job.type.value, self._job.partnership_id)

    def _renew(self) -> None:
        with self._lock:
            if self._is_over:
                return
            with self._database.transaction("renew a lease") as tx:
                renewed = jobs.renew(tx, self._job, now=self._now(), lease=self._lasting)
        if renewed is None:
            _log.warning("a lease was lost: %s of %s", self._job.type.value, self._job.partnership_id)
        else:
            self._job = renewed
