"""Processes that deliver, killed while they do: no event is missing or out of order, and by its id none counts twice.

Real processes, real sockets and real time; receivers that are posted to kill who posts, at a moment of their own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from escrow.store.database import Database
from escrow.store.release_keys import ReleaseKey
from escrow.store.states import AttemptOutcome, DeliveryState
from escrow.webhooks.egress import Egress, EgressLimits
from tests.deliveries.posting import DEVELOPING, Desk, desk_of
from tests.journeys.processes import Running, start
from tests.journeys.programs import bare_environment, eventually, free_port
from tests.webhooks.receivers import Behave, Posted, Receiver, answers, receiving

EVENTS = 6
#: What a process that is killed has in hand is made again after a second or so.
SHORT_LEASES = {"ESCROW_WEBHOOK_TOTAL_SECONDS": "0.4", "ESCROW_LEASE_SECONDS": "0.05"}
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def desk(database: Database) -> Desk:
    """An organization, in the time of the machine."""
    desk = desk_of(database)
    desk.now = datetime.now(UTC)
    return desk


@dataclass(slots=True)
class Deliverers:
    """What delivers: `serve` on SQLite, and on PostgreSQL as many of `work` as asked for."""

    desk: Desk
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    processes: list[Running] = field(default_factory=list)

    def start(self, many: int = 1) -> None:
        """Start so many more."""
        url = self.desk.database.engine.url
        is_file = url.drivername.startswith("sqlite")
        role = ["serve", "--port", str(free_port())] if is_file else ["work"]
        names = [{} if is_file else {"application_name": f"deliverer {each}"} for each in range(many)]
        environment = bare_environment() | {
            "ESCROW_DATA_FOLDER": str(self.folder / "data"),
            "ESCROW_SEALING_KEY_FILE": str(self.folder / "sealing.key"),
            "ESCROW_WEBHOOK_LOOPBACK": "true",
            "ESCROW_POLL_SECONDS": "0.05",
            **self.settings,
        }
        for name in names:
            named = url.update_query_dict(name).set(drivername=url.drivername.partition("+")[0])
            environment["ESCROW_DATABASE_URL"] = named.render_as_string(hide_password=False)
            self.processes.append(start(role, environment, self.folder / "log"))

    def kill(self) -> None:
        """End every process as a power cut would, from any thread: how they ended is for one thread to look at."""
        for each in self.processes:
            os.kill(each.pid, signal.SIGKILL)

    def revive(self) -> None:
        """Start one for each that was killed."""
        ended = [each for each in self.processes if each.poll() is not None]
        self.processes = [each for each in self.processes if each.poll() is None]
        assert all(each.poll() == -signal.SIGKILL for each in ended), (self.folder / "log").read_text("utf-8")
        self.start(len(ended))


@pytest.fixture
def deliverers(desk: Desk, tmp_path: Path) -> Iterator[Deliverers]:
    """None yet; all are ended with the test."""
    (tmp_path / "log").touch()
    (tmp_path / "data").mkdir(mode=0o700)
    desk.key.write(tmp_path / "sealing.key")
    ReleaseKey.make().write(tmp_path / "release.key")
    made = Deliverers(desk, tmp_path)
    yield made
    for each in made.processes:
        each.send_signal(signal.SIGKILL)
        each.wait(30)


def take(connection: socket.socket, posted: Posted) -> None:
    """Take every post, and answer a challenge."""
    echo = {"challenge": json.loads(posted.body)["data"].get("challenge")}
    answers(200, body=json.dumps(echo).encode())(connection, posted)


def before_the_answer(kill: Callable[[], None], connection: socket.socket, posted: Posted) -> None:
    """The post arrived, and nobody heard so."""
    kill()
    take(connection, posted)


def after_the_answer(kill: Callable[[], None], connection: socket.socket, posted: Posted) -> None:
    """The post was answered, and this may not be noted yet."""
    take(connection, posted)
    kill()


def a_moment_later(kill: Callable[[], None], connection: socket.socket, posted: Posted) -> None:
    """It is being noted, or was."""
    take(connection, posted)
    time.sleep(0.008)
    kill()


MOMENTS = (before_the_answer, after_the_answer, a_moment_later)


def killing(moment: Callable[[Callable[[], None], socket.socket, Posted], None], kill: Callable[[], None]) -> Behave:
    """Take every post, and at the second event kill who posts it, once."""
    seen = 0

    def behave(connection: socket.socket, posted: Posted) -> None:
        nonlocal seen
        seen += b"endpoint.challenge" not in posted.body
        if seen == 2:
            seen += 1
            moment(kill, connection, posted)
        else:
            take(connection, posted)

    return behave


def told(receiver: Receiver) -> list[tuple[str, int]]:
    """Ids and numbers of the events that a receiver was posted, each once, as it first came."""
    bodies = [json.loads(each.body) for each in receiver.posted]
    events = [(body["id"], body["number"]) for body in bodies if body["type"] != "endpoint.challenge"]
    return list(dict.fromkeys(events))


def test_processes_that_are_killed_while_they_deliver_lose_reorder_and_double_nothing(
    desk: Desk, deliverers: Deliverers
) -> None:
    deliverers.settings = SHORT_LEASES
    with ExitStack() as receivers:
        posted = [receivers.enter_context(receiving(killing(moment, deliverers.kill))) for moment in MOMENTS]
        endpoint_ids = confirmed(desk, posted)
        for _ in range(EVENTS):
            desk.tell()
        deliverers.start()

        def all_is_told() -> bool:
            deliverers.revive()
            return all(is_settled(desk, each) for each in endpoint_ids)

        eventually(all_is_told)
    for receiver in posted:
        events = told(receiver)
        assert [number for _, number in events] == list(range(1, EVENTS + 1))
        assert len({event_id for event_id, _ in events}) == EVENTS
    unanswered = [made.outcome for each in desk.log(endpoint_ids[0]) for made in each.attempts]
    assert AttemptOutcome.CUT_OFF in unanswered


class OneAtATime:
    """Take every post, and count how many at most there were at once."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, posted: Posted) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.02)
        with self._lock:
            self._now -= 1
        take(connection, posted)


@ON_POSTGRESQL
def test_two_processes_on_one_database_post_every_event_once_and_never_two_at_once_to_one_endpoint(
    desk: Desk, deliverers: Deliverers
) -> None:
    with ExitStack() as receivers:
        behaved = [OneAtATime() for _ in range(3)]
        posted = [receivers.enter_context(receiving(each)) for each in behaved]
        endpoint_ids = confirmed(desk, posted)
        deliverers.start(2)
        eventually(lambda: both_look_for_work(desk))
        for _ in range(EVENTS):
            desk.tell()
        eventually(lambda: all(is_settled(desk, each) for each in endpoint_ids))
    for receiver in posted:
        assert [json.loads(each.body).get("number") for each in receiver.posted] == [None, *range(1, EVENTS + 1)]
    assert [each.most for each in behaved] == [1, 1, 1]


def both_look_for_work(desk: Desk) -> bool:
    """Whether two processes have asked the database for something."""
    with desk.database.snapshot("look") as tx:
        asked = (
            "SELECT count(DISTINCT application_name) FROM pg_stat_activity WHERE application_name LIKE 'deliverer%%'"
        )
        return bool(tx.exec_driver_sql(asked).scalar_one() == 2)


def is_settled(desk: Desk, endpoint_id: UUID) -> bool:
    """Whether everything was delivered."""
    log = desk.log(endpoint_id)
    return len(log) == EVENTS + 1 and {each.state for each in log} == {DeliveryState.DELIVERED}


def confirmed(desk: Desk, receivers: list[Receiver]) -> list[UUID]:
    """Add endpoints there, which answer their challenges."""
    endpoint_ids = [desk.add(url=each.url)[0] for each in receivers]
    for endpoint_id in endpoint_ids:
        desk.confirm(endpoint_id, Egress(DEVELOPING, EgressLimits()))
    return endpoint_ids
