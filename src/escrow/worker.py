"""The worker: claims due jobs by lease and calls the verb that does each.

A verb does its own transactions, and doing one twice is harmless. A job that fails is tried again later, a little later
each time, and holds up no other. A worker that dies leaves a lease that runs out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

from escrow import changes, partnerships
from escrow.applying import apply_submission
from escrow.deliveries.log import forget_old_deliveries
from escrow.leases import Lease
from escrow.mail_digests.digests import forget_unconfirmed
from escrow.matching import match_lists
from escrow.releases import make_release
from escrow.settings import ServerSettings
from escrow.store import idempotency, jobs
from escrow.store.database import Database, Transaction
from escrow.store.jobs import Job
from escrow.store.release_keys import ReleaseKey
from escrow.store.sealing import SealingKey
from escrow.store.states import JobType
from escrow.submissions import forget_abandoned, seal_open_digests
from escrow.terms import Side
from escrow.webhooks import events

__all__ = ["Worker"]

_log = logging.getLogger(__name__)

_LONGEST_BACKOFF = timedelta(minutes=5)

#: For how long an address is kept that nobody confirms.
_UNCONFIRMED_FOR = timedelta(days=7)

#: How often what has expired is looked for.
_TIDIED_EVERY = timedelta(minutes=1)


class Worker:
    """One worker on one database; several may share a PostgreSQL."""

    def __init__(
        self,
        database: Database,
        service_key: SealingKey,
        settings: ServerSettings,
        *,
        release_key: ReleaseKey,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._service_key = service_key
        self._settings = settings
        self._release_key = release_key
        self._now = now
        self._tidied_at: datetime | None = None
        self._digests_are_sealed = False
        self._alive_at = time.monotonic()
        self._lease: Lease | None = None

    def run(self, stop: Event) -> None:
        """Work until told to stop; on SQLite, where no other worker can be, take over what a dead one left."""
        if self._settings.on_sqlite:
            with self._database.transaction("take over leases") as tx:
                jobs.take_over(tx, now=self._now())
        asked = self._database.work_asked
        while not stop.is_set():
            asked.clear()  # before looking, so that what is asked for meanwhile is not overheard
            self._give_sign()
            self._tidy_now_and_then()
            if not self._worked() and not stop.is_set():
                asked.wait(self._settings.poll_seconds)

    def wake(self) -> None:
        """Let an idle worker look at once whether it should stop, or has a job."""
        self._database.work_asked.set()

    def silence(self) -> float:
        """Tell for how many seconds this worker gave no sign of life."""
        return time.monotonic() - self._alive_at

    def let_go(self) -> None:
        """Give the job at hand back, for a process that ends before it is done."""
        if self._lease is not None:
            self._lease.give_back()

    def _give_sign(self) -> None:
        self._alive_at = time.monotonic()

    def run_once(self) -> bool:
        """Do the job that has been due for longest; tell whether there was one."""
        with self._database.transaction("claim a job") as tx:
            job = jobs.claim(tx, now=self._now(), lease=timedelta(seconds=self._settings.lease_seconds))
        if job is None:
            return False
        lasting = timedelta(seconds=self._settings.lease_seconds)
        self._lease = lease = Lease(self._database, job, lasting=lasting, now=self._now)
        try:
            with lease.renewed(self._give_sign):
                self._do(job)
        except Exception:  # noqa: BLE001 - a process's outermost loop; one bad job must not hold up the others
            _log.exception("job failed: %s of %s, attempt %d", job.type.value, job.partnership_id, job.attempts)
            lease.put_off(min(timedelta(seconds=2 ** min(job.attempts, 10)), _LONGEST_BACKOFF))
        except BaseException:
            lease.give_back()
            raise
        else:
            lease.finish()
        finally:
            self._lease = None
        return True

    def _worked(self) -> bool:
        """Do one job; a database that is away for a while is waited for."""
        try:
            return self.run_once()
        except Exception:  # noqa: BLE001 - a process's outermost loop; one bad job must not hold up the others
            _log.exception("the worker could not reach its jobs")
            return False

    def tidy(self) -> None:
        """Delete what has expired: answers, uploads that rest for too long, old events; seal what lies in the open."""
        done = False
        while not done:
            with self._database.transaction("forget expired answers") as tx:
                done = idempotency.forget_expired(tx, now=self._now())
        self._forget_abandoned()
        self._forget_told()
        self._forget_deliveries()
        self._forget_addresses()
        self._seal_digests()

    def _forget_told(self) -> None:
        before = self._now() - timedelta(seconds=self._settings.events_seconds)
        for forget in (events.forget_old_events, changes.forget_old_changes):
            done = False
            while not done:
                with self._database.transaction("forget old events and changes") as tx:
                    done = forget(tx, before=before)

    def _seal_digests(self) -> None:
        while not self._digests_are_sealed:
            with self._database.transaction("seal digests of an older release") as tx:
                is_done = seal_open_digests(tx, service_key=self._service_key)
            self._digests_are_sealed = is_done

    def _forget_deliveries(self) -> None:
        done = False
        while not done:
            before = self._now() - timedelta(seconds=self._settings.webhook_log_seconds)
            with self._database.transaction("forget old deliveries") as tx:
                done = forget_old_deliveries(tx, before=before)

    def _forget_addresses(self) -> None:
        done = False
        while not done:
            now = self._now()
            with self._database.transaction("forget addresses that nobody confirmed") as tx:
                done = forget_unconfirmed(tx, now=now, resting_since=now - _UNCONFIRMED_FOR)

    def _forget_abandoned(self) -> None:
        done = False
        while not done:
            now = self._now()
            resting_since = now - timedelta(seconds=self._settings.upload_seconds)
            with self._database.transaction("forget abandoned uploads") as tx:
                done = forget_abandoned(tx, resting_since=resting_since, now=now)

    def _tidy_now_and_then(self) -> None:
        now = self._now()
        if self._tidied_at is not None and now < self._tidied_at + _TIDIED_EVERY:
            return
        self._tidied_at = now
        try:
            self.tidy()
        except Exception:  # noqa: BLE001 - a process's outermost loop; a database that is away is waited for
            _log.exception("what has expired could not be deleted")

    def _do(self, job: Job) -> None:
        match job.type:
            case JobType.APPLY:
                apply_submission(
                    self._database,
                    job.partnership_id,
                    Side(job.argument),
                    service_key=self._service_key,
                    limits=self._settings.list_limits,
                    now=self._now(),
                )
            case JobType.MATCH:
                match_lists(
                    self._database,
                    job.partnership_id,
                    service_key=self._service_key,
                    most_changes=self._settings.reset_changes,
                    now=self._now(),
                )
            case JobType.RELEASE:
                make_release(
                    self._database,
                    job.partnership_id,
                    service_key=self._service_key,
                    key=self._release_key,
                    now=self._now(),
                )
            case JobType.PURGE:
                self._purge(job)

    def _purge(self, job: Job) -> None:
        done = False
        while not done:
            with self._database.transaction("purge") as tx:
                done = _purged(tx, job, now=self._now())
        self._database.forget_overwritten()


def _purged(tx: Transaction, job: Job, *, now: datetime) -> bool:
    """Delete some of what a partnership, or the generation that the job names, has left behind."""
    if job.argument:
        return partnerships.purge_generation(tx, job.partnership_id, int(job.argument), now=now)
    return partnerships.purge(tx, job.partnership_id, now=now)
