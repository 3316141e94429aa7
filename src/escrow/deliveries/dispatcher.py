"""The dispatcher: one loop claims what is due and settles what has ended, and threads post in between.

The loop does both in one transaction, for as many deliveries as there are: the more is to be done, the less of it is
waiting for the disk. Posts lie outside of any transaction. Receivers that are slow or dead have places of their own
(``lanes``), and the others do not wait for them.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue

from escrow.deliveries import outbox
from escrow.deliveries.claiming import Taken, claim
from escrow.deliveries.lanes import Lane, Room, UnderWay, most_threads, room
from escrow.deliveries.outbox import Claim, Claimed
from escrow.deliveries.posting import EndpointDisabled, Poster
from escrow.deliveries.rendering import Rendering
from escrow.deliveries.rules import egress_limits, egress_rule
from escrow.deliveries.settling import Ended, Settling, settle_alone, settle_together
from escrow.settings import ServerSettings
from escrow.store.database import Database, Transaction
from escrow.store.sealing import SealingKey
from escrow.webhooks.egress import Egress

__all__ = ["Dispatcher"]

_log = logging.getLogger(__name__)

#: For how long, in seconds, ends of posts are gathered.
_GATHERING = 0.005

_NO_ROOM = Room(0, 0)


@dataclass(frozen=True, slots=True)
class _Returned:
    """A thread is free again; without an end, the lease runs out, and the delivery is made again."""

    made: Claim
    ended: Ended | None


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
        self._settings = settings
        rendering = Rendering(service_key, link=settings.webhook_link, random=make_octets)
        egress = egress or Egress(egress_rule(settings), egress_limits(settings))
        self._poster = Poster(database, service_key, rendering, egress=egress, now=now)
        self._now = now
        self._chance = chance
        self._under_way: dict[Claimed, UnderWay] = {}
        self._returned: SimpleQueue[_Returned] = SimpleQueue()

    def run(self, stop: threading.Event) -> None:
        """Post until told to stop, and then wait for what is under way, which ends by itself."""
        if self._settings.on_sqlite:
            with self._database.transaction("take over endpoints") as tx:
                outbox.take_over(tx, now=self._now())
        with ThreadPoolExecutor(most_threads(self._settings.webhook_threads), thread_name_prefix="webhook") as threads:
            while not stop.is_set() or self._under_way:
                self._database.event_told.clear()  # before looking, so that what is told meanwhile is not overheard
                if not self._turned(threads, _NO_ROOM if stop.is_set() else self._room()):
                    self._wait()

    def wake(self) -> None:
        """Let an idle dispatcher look at once whether it should stop, or has something to post."""
        self._database.event_told.set()

    def run_once(self) -> bool:
        """Do what is due for one endpoint; tell whether there was one."""
        taken = self.claim()
        for made in taken.claims:
            self.deliver(made)
        return bool(taken.looked_at)

    def claim(self, lane: Lane = Lane.ALL) -> Taken:
        """Claim what is due for one endpoint."""
        with self._database.transaction("claim a delivery") as tx:
            return self._claimed(tx, lane, 1)

    def deliver(self, made: Claim) -> None:
        """Post one delivery that was claimed, and note how that ended."""
        ended = [self._posted(made)]
        with self._database.transaction("settle a delivery") as tx:
            decisive = settle_together(tx, ended, by=self._settling())
        self._settle_alone(decisive)

    def _turned(self, threads: ThreadPoolExecutor, free: Room) -> bool:
        """Settle what has ended and begin with what is due; tell whether there may be more."""
        ended = self._come_back()
        if not ended and free == _NO_ROOM:
            return False
        try:
            decisive, taken = self._settled_and_claimed(ended, free)
        except Exception:  # noqa: BLE001 - a loop of a process; a database that is away is waited for
            _log.exception("deliveries could not be settled and claimed")
            self._settle_safely(ended)
            return False
        for lane, some in taken.items():
            for made in some.claims:
                self._begin(threads, lane, made)
        self._settle_safely(decisive)
        return bool(decisive) or any(some.looked_at for some in taken.values())

    def _wait(self) -> None:
        """Wait for something to do, and a little more for what else is about to end: it is settled together."""
        told = self._database.event_told.wait(self._settings.poll_seconds)
        if told and self._returned.qsize() < len(self._under_way):
            time.sleep(_GATHERING)

    def _come_back(self) -> Sequence[Ended]:
        """Take what threads have ended with since."""
        ended = []
        with suppress(Empty):
            while True:
                returned = self._returned.get_nowait()
                del self._under_way[returned.made.endpoint]
                ended += [returned.ended] if returned.ended else []
        return ended

    def _settled_and_claimed(self, ended: Sequence[Ended], free: Room) -> tuple[Sequence[Ended], Mapping[Lane, Taken]]:
        with self._database.transaction("settle and claim deliveries") as tx:
            decisive = settle_together(tx, ended, by=self._settling()) if ended else ()
            return decisive, {lane: self._claimed(tx, lane, most) for lane, most in free.by_lane if most}

    def _claimed(self, tx: Transaction, lane: Lane, most: int) -> Taken:
        lease = timedelta(seconds=self._settings.webhook_lease_seconds)
        return claim(tx, most=most, lane=lane, now=self._now(), lease=lease)

    def _begin(self, threads: ThreadPoolExecutor, lane: Lane, made: Claim) -> None:
        self._under_way[made.endpoint] = UnderWay(lane, time.monotonic())
        threads.submit(self._post_and_return, made)

    def _post_and_return(self, made: Claim) -> None:
        ended = None
        try:
            ended = self._posted(made)
        except Exception:  # noqa: BLE001 - a thread's outermost frame; the lease runs out, and the delivery is made again
            _log.exception("delivery failed: %d of endpoint %s", made.number, made.endpoint.endpoint_id)
        finally:
            self._returned.put(_Returned(made, ended))
            self.wake()

    def _posted(self, made: Claim) -> Ended:
        try:
            return Ended(made, self._poster.post(made), self._chance())
        except EndpointDisabled:
            return Ended(made, None, self._chance(), waits=True)

    def _settle_safely(self, ended: Sequence[Ended]) -> None:
        """Settle each alone, so that what keeps one from being settled keeps no other from it."""
        for each in ended:
            try:
                self._settle_alone([each])
            except Exception:  # noqa: BLE001 - the lease runs out, and the delivery is made again
                _log.exception("delivery not settled: %d of endpoint %s", each.made.number, each.endpoint_id)

    def _settle_alone(self, ended: Sequence[Ended]) -> None:
        for each in ended:
            with self._database.transaction("settle a delivery alone") as tx:
                settle_alone(tx, each, by=self._settling())

    def _settling(self) -> Settling:
        return Settling(timedelta(seconds=self._settings.webhook_give_up_seconds), self._now())

    def _room(self) -> Room:
        return room(self._under_way.values(), places=self._settings.webhook_threads, now=time.monotonic())
