"""Dispatchers that run: over real sockets, several on one database, beside receivers that never answer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from escrow.deliveries.dispatcher import Dispatcher
from escrow.store.database import Database
from escrow.store.states import AttemptOutcome, DeliveryState
from escrow.webhooks.egress import Egress, EgressLimits
from tests.deliveries.posting import DEVELOPING, SETTINGS, Desk, desk_of
from tests.webhooks.receivers import Posted, answers, receiving

QUICK = EgressLimits(connect=1, read=1, total=2)
#: Where a receiver that does answer is posted to beside, on a machine that has other things to do.
PATIENT = EgressLimits(connect=5, read=5, total=5)


#: Of a database that several processes share: at its start, none takes over what another may be in the middle of.
SHARED = SETTINGS.model_copy(update={"database_url": "postgresql:///shared"})


@pytest.fixture
def desk(database: Database) -> Desk:
    """An organization."""
    return desk_of(database)


@contextmanager
def running(dispatchers: Sequence[Dispatcher]) -> Iterator[None]:
    """Let them post until the block ends."""
    stop = threading.Event()
    threads = [threading.Thread(target=each.run, args=(stop,)) for each in dispatchers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for dispatcher in dispatchers:
            dispatcher.wake()
        for thread in threads:
            thread.join()


def quick(connection: socket.socket, posted: Posted) -> None:
    """Take everything."""
    echo = json.dumps({"challenge": json.loads(posted.body)["data"].get("challenge")}).encode()
    answers(200, body=echo)(connection, posted)


class OneAtATime:
    """A receiver that counts how many posts it is in the middle of."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, posted: Posted) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        quick(connection, posted)
        with self._lock:
            self._now -= 1


def silent(connection: socket.socket, posted: Posted) -> None:
    """Answer the challenge, and then nothing any more."""
    body = json.loads(posted.body)
    if "challenge" in body["data"]:
        answers(200, body=json.dumps(body["data"]).encode())(connection, posted)
        return
    connection.recv(1)


def test_two_dispatchers_post_every_event_once_and_in_order_beside_a_receiver_that_never_answers(desk: Desk) -> None:
    one_at_a_time = OneAtATime()
    desk.settings = SHARED
    with receiving(one_at_a_time) as living, receiving(silent) as dead:
        egress = Egress(DEVELOPING, PATIENT)
        of_dead, of_living = (desk.add(url=each.url)[0] for each in (dead, living))
        for endpoint_id in (of_dead, of_living):
            desk.confirm(endpoint_id, egress)
        with running([desk.dispatcher(egress), desk.dispatcher(egress)]):
            for _ in range(12):
                desk.tell()
            for _ in range(13):
                assert living.arrived.acquire(timeout=30)
    numbers = [json.loads(each.body).get("number") for each in living.posted]
    assert numbers == [None, *range(1, 13)]
    assert one_at_a_time.most == 1
    assert {each.state for each in desk.log(of_living)} == {DeliveryState.DELIVERED}
    outcomes = {made.outcome for each in desk.log(of_dead)[1:] for made in each.attempts}
    assert outcomes == {AttemptOutcome.TIMEOUT}


def test_a_receiver_that_turns_slow_leaves_its_place_to_another(desk: Desk) -> None:
    over = threading.Event()

    def slow(connection: socket.socket, posted: Posted) -> None:
        if b"challenge" not in posted.body:
            over.wait(30)
        quick(connection, posted)

    desk.settings = SETTINGS.model_copy(update={"webhook_threads": 1})
    with receiving(slow) as holding, receiving(quick) as living:
        egress = Egress(DEVELOPING, PATIENT)
        for each in (holding, living):
            desk.confirm(desk.add(url=each.url)[0], egress)
        desk.tell()
        with running([desk.dispatcher(egress)]):
            for each in (holding, living):
                assert each.arrived.acquire(timeout=30)  # the challenge
                assert each.arrived.acquire(timeout=30)
            over.set()


@pytest.mark.parametrize("status", [200, 204, 299])
def test_an_answer_of_any_2xx_is_enough_and_a_doubled_one_harms_nothing(desk: Desk, status: int) -> None:
    def twice(connection: socket.socket, posted: Posted) -> None:
        if b"challenge" in posted.body:
            silent(connection, posted)
            return
        for _ in range(2):
            answers(status)(connection, posted)

    with receiving(twice) as receiver:
        egress = Egress(DEVELOPING, QUICK)
        endpoint_id, _ = desk.add(url=receiver.url)
        desk.confirm(endpoint_id, egress)
        desk.tell()
        desk.dispatch(egress)
    assert desk.log(endpoint_id)[-1].state is DeliveryState.DELIVERED
