"""The dispatcher: one loop claims what is due, and a few threads post it, outside of any transaction.

A receiver that is slow or dead holds one thread for as long as one post may take, and endpoints that failed last
together hold no more than half of the threads: the others are posted to meanwhile.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from escrow.deliveries import outbox
from escrow.deliveries.outbox import Attempt, Claim, Claimed
from escrow.deliveries.rendering import Rendered, Rendering, is_echo
from escrow.deliveries.rules import egress_limits, egress_rule
from escrow.deliveries.schedule import outcome_of_status, retry_after
from escrow.deliveries.sealed import open_url
from escrow.deliveries.settling import settle
from escrow.errors import WebhookUrlInvalid
from escrow.settings import ServerSettings
from escrow.store.database import Database
from escrow.store.sealing import SealingKey
from escrow.store.states import AttemptOutcome, DeliveryKind, EndpointState
from escrow.webhooks.egress import Answer, Egress, Posting
from escrow.webhooks.targets import Target

__all__ = ["Dispatcher"]

_log = logging.getLogger(__name__)

#: An answer to a challenge is short.
_ECHO_BYTES = 1_024


class Dispatcher:
    """Posts to the endpoints of one database; several may share a PostgreSQL."""

    def __init__(
        self,
        database: Database,
        service_key: SealingKey,
        settings: ServerSettings,
        *,
        egress: Egress | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        make_octets: Callable[[int], bytes] = os.urandom,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._service_key = service_key
        self._settings = settings
        self._egress = egress or Egress(egress_rule(settings), egress_limits(settings))
        self._rendering = Rendering(service_key, link=settings.webhook_link, random=make_octets)
        self._now = now
        self._chance = chance
        self._lock = threading.Lock()
        self._under_way = 0
        self._failing = 0

    def run(self, stop: threading.Event) -> None:
        """Post until told to stop, and then wait for what is under way, which ends by itself."""
        if self._settings.on_sqlite:
            with self._database.transaction("take over endpoints") as tx:
                outbox.take_over(tx, now=self._now())
        with ThreadPoolExecutor(self._settings.webhook_threads, thread_name_prefix="webhook") as threads:
            while not stop.is_set():
                self._database.event_told.clear()  # before looking, so that what is told meanwhile is not overheard
                if not self._begun(threads) and not stop.is_set():
                    self._database.event_told.wait(self._settings.poll_seconds)

    def wake(self) -> None:
        """Let an idle dispatcher look at once whether it should stop, or has something to post."""
        self._database.event_told.set()

    def run_once(self) -> bool:
        """Do what is due for one endpoint; tell whether there was one."""
        claimed = self._claimed(healthy=False)
        if isinstance(claimed, Claim):
            self.deliver(claimed)
        return claimed is not None

    def deliver(self, made: Claim) -> None:
        """Post one delivery that was claimed, and note how that ended."""
        started_at, started = self._now(), time.monotonic()
        answer = self._posted(made)
        attempt = None
        if answer is not None:
            attempt = self._attempt(answer, started_at, timedelta(seconds=time.monotonic() - started))
        with self._database.transaction("settle a delivery") as tx:
            settle(
                tx,
                made,
                attempt,
                chance=self._chance(),
                give_up_after=timedelta(seconds=self._settings.webhook_give_up_seconds),
                now=self._now(),
            )

    def _begun(self, threads: ThreadPoolExecutor) -> bool:
        """Begin with one endpoint, unless every thread is busy; tell whether there may be another."""
        most = self._settings.webhook_threads
        if self._under_way >= most:
            return False
        try:
            claimed = self._claimed(healthy=self._failing >= max(1, most // 2))
        except Exception:  # noqa: BLE001 - a loop of a process; a database that is away is waited for
            _log.exception("deliveries could not be claimed")
            return False
        if isinstance(claimed, Claim):
            self._count(claimed, 1)
            threads.submit(self._deliver_safely, claimed)
        return claimed is not None

    def _deliver_safely(self, made: Claim) -> None:
        try:
            self.deliver(made)
        except Exception:  # noqa: BLE001 - a thread's outermost frame; the lease runs out, and the delivery is made again
            _log.exception("delivery failed: %d of endpoint %s", made.number, made.endpoint.endpoint_id)
        finally:
            self._count(made, -1)
            self.wake()

    def _count(self, made: Claim, more: int) -> None:
        with self._lock:
            self._under_way += more
            self._failing += more if made.row.failing_since else 0

    def _claimed(self, *, healthy: bool) -> Claim | Claimed | None:
        lease = timedelta(seconds=self._settings.webhook_lease_seconds)
        with self._database.transaction("claim a delivery") as tx:
            return outbox.claim(tx, now=self._now(), lease=lease, healthy=healthy)

    def _posted(self, made: Claim) -> Answer | AttemptOutcome | None:
        """Post what there is to tell once the connection stands; None where there is nothing."""
        target = self._target(made)
        if target is None:
            return AttemptOutcome.FORBIDDEN  # the operator's rule is another one by now
        rendered: list[Rendered] = []

        def make() -> Posting | None:
            now = self._rendered(made)
            if now is None:
                return None
            rendered.append(now)
            return now.posting

        answer_bytes = _ECHO_BYTES if made.kind is DeliveryKind.CHALLENGE else 0
        answer = self._egress.post(target, make, answer_bytes=answer_bytes)
        challenge = rendered[0].challenge if rendered else None
        if isinstance(answer, Answer) and challenge is not None and not is_echo(challenge, answer.body):
            return AttemptOutcome.GARBLED if 200 <= answer.status < 300 else answer
        return answer

    def _target(self, made: Claim) -> Target | None:
        url = open_url(made.row, service_key=self._service_key)
        try:
            return Target.parse(url, self._egress.rule)
        except WebhookUrlInvalid:
            return None

    def _rendered(self, made: Claim) -> Rendered | None:
        with self._database.transaction("make a body") as tx:
            row = outbox.held(tx, made.endpoint)
            if row is None or row.state == EndpointState.DISABLED.value:
                return None
            return self._rendering.render(tx, row, made, now=self._now())

    def _attempt(self, answer: Answer | AttemptOutcome, started_at: datetime, lasted: timedelta) -> Attempt:
        if isinstance(answer, AttemptOutcome):
            return Attempt(answer, None, started_at, lasted)
        asked = retry_after(answer.retry_after, now=self._now())
        return Attempt(outcome_of_status(answer.status, asked=asked), answer.status, started_at, lasted, asked)
