"""From an event's commit to the delivered webhook, at 10 and at 1,000 endpoints, one of them dead.

The service's dispatcher posts to a receiver on loopback, on SQLite, with as many threads as by default; every endpoint
is told every event. The baseline posts the same signed bodies straight to the same receiver, with as many threads and
no database. The last line is the ratio of the two medians of deliveries a second, `1.2 x`; all is bounded in time.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID, uuid4

from escrow import organizations
from escrow.access import Caller, authenticate
from escrow.deliveries import endpoints
from escrow.deliveries.dispatcher import Dispatcher
from escrow.deliveries.endpoints import Endpoints
from escrow.deliveries.filters import EVERYTHING
from escrow.deliveries.rules import egress_limits, egress_rule
from escrow.settings import ServerSettings
from escrow.signing import SigningSecret, sign
from escrow.store.database import Database
from escrow.store.migrate import migrate
from escrow.store.sealing import SealingKey
from escrow.store.states import EndpointKind, EventType
from escrow.webhooks import events
from escrow.webhooks.egress import Egress, Posting
from escrow.webhooks.targets import Target

PATIENCE_SECONDS = 240.0
#: Each organization has as many endpoints as one may have.
OF_ONE = 1_000


@dataclass(slots=True)
class Arrivals:
    """When each event arrived, by its id."""

    wanted: int = 0
    seen: list[tuple[str, float]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, event_id: str) -> None:
        """Keep one arrival."""
        with self.lock:
            self.seen.append((event_id, time.monotonic()))
            if len(self.seen) >= self.wanted:
                self.done.set()

    def expect(self, wanted: int) -> None:
        """Begin anew."""
        with self.lock:
            self.wanted = wanted
            self.seen.clear()
            self.done.clear()


def main() -> None:
    """Measure both, print the figures and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, nargs="+", default=[10, 1_000], help="how many (default 10 1000)")
    parser.add_argument("--deliveries", type=int, default=2_000, help="about how many are made of each (default 2000)")
    asked = parser.parse_args()
    ratios = []
    for many in asked.endpoints:
        arrivals = Arrivals()
        with receiving(arrivals) as url, tempfile.TemporaryDirectory(prefix="escrow-benchmark-") as folder:
            told = max(1, asked.deliveries // many)
            ours = delivered(Path(folder), url, arrivals, many=many, told=told)
            plain = posted(url, arrivals, (many - 1) * told)
        print(f"{many:,} endpoints, one dead, {told} events: {ours}")
        print(f"  straight posts of the same bodies: {plain:.0f} a second")
        ratios.append(plain / ours.a_second)
    print(f"{statistics.median(ratios):.1f} x")


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds from commit to arrival, and deliveries a second."""

    single: Sequence[float]
    burst: Sequence[float]
    a_second: float

    def __str__(self) -> str:
        return (
            f"one event at a time median {_ms(self.single, 0.5)}, 99th percentile {_ms(self.single, 0.99)}; all at "
            f"once median {_ms(self.burst, 0.5)}, 99th percentile {_ms(self.burst, 0.99)}; {self.a_second:.0f} a second"
        )


def delivered(folder: Path, url: str, arrivals: Arrivals, *, many: int, told: int) -> Figures:
    """Tell events one by one, each once the one before has arrived everywhere, and then all at once."""
    settings = ServerSettings(data_folder=folder, webhook_loopback=True, webhook_endpoints=OF_ONE)
    migrate(settings.database_url)
    database, key = Database(settings.database_url), SealingKey.make()
    caller = organization(database)
    with unused() as dead:
        enable(database, key, settings, caller, [dead, *[url] * (many - 1)])
        with dispatching(Dispatcher(database, key, settings)):
            single = [late for _ in range(told) for late in arrived(database, caller, arrivals, many - 1, 1)]
            started = time.monotonic()
            burst = arrived(database, caller, arrivals, many - 1, told)
            lasted = time.monotonic() - started
    database.close()
    return Figures(single, burst, len(burst) / lasted)


def arrived(database: Database, caller: Caller, arrivals: Arrivals, many: int, told: int) -> list[float]:
    """Tell events, and give how long each took to each living endpoint."""
    arrivals.expect(many * told)
    committed = dict(tell(database, caller) for _ in range(told))
    if not arrivals.done.wait(PATIENCE_SECONDS):
        raise SystemExit(f"only {len(arrivals.seen)} of {arrivals.wanted} deliveries arrived")
    return [max(0.0, at - committed[event_id]) for event_id, at in arrivals.seen]


def tell(database: Database, caller: Caller) -> tuple[str, float]:
    """Tell one event, and when it was committed."""
    told = {caller.organization_id: {"endpoint_id": str(UUID(int=1))}}
    with database.transaction("tell") as tx:
        events.tell(tx, EventType.ENDPOINT_DISABLED, told, partnership_id=None, now=datetime.now(UTC))
        last = events.feed(tx, caller, after=None, limit=1_000_000).items[-1]
    return str(last.event_id), time.monotonic()


def posted(url: str, arrivals: Arrivals, many: int) -> float:
    """Post as many bodies straight; give how many a second."""
    settings = ServerSettings(webhook_loopback=True)
    egress = Egress(egress_rule(settings), egress_limits(settings))
    target, secret = Target.parse(url, egress.rule), SigningSecret.make(random=os.urandom)

    def make() -> Posting:
        event_id, now = str(uuid4()), datetime.now(UTC)
        said = {"number": 1, "id": event_id, "occurred_at": now.isoformat(), "type": "endpoint.disabled"}
        body = json.dumps({**said, "partnership_id": None, "data": {"endpoint_id": event_id}}).encode()
        return Posting(body, sign(body, message_id=event_id, secrets=[secret], at=now))

    arrivals.expect(many)
    started = time.monotonic()
    with ThreadPoolExecutor(settings.webhook_threads) as threads:
        for done in [threads.submit(egress.post, target, make) for _ in range(many)]:
            done.result()
    return many / (time.monotonic() - started)


def organization(database: Database) -> Caller:
    """Add one organization."""
    now = datetime.now(UTC)
    with database.transaction("add an organization") as tx:
        added = organizations.add_organization(tx, "Larkfield", organization_id=uuid4(), now=now)
        key = organizations.add_api_key(tx, added.organization_id, label="", random=os.urandom, now=now)
        return authenticate(tx, key.presented, now=now)


def enable(database: Database, key: SealingKey, settings: ServerSettings, caller: Caller, urls: Sequence[str]) -> None:
    """Add endpoints, and take them as confirmed."""
    rule, now = egress_rule(settings), datetime.now(UTC)
    by = Endpoints(rule, settings.webhook_endpoints, key, os.urandom, now)
    with database.transaction("add endpoints") as tx:
        for url in urls:
            endpoints.add_endpoint(
                tx,
                caller,
                kind=EndpointKind.STANDARD,
                unverified_url=url,
                description="",
                wanted=EVERYTHING,
                by=by,
            )
        tx.exec_driver_sql("UPDATE endpoints SET state = 'enabled', confirmed_at = created_at")


@contextmanager
def dispatching(dispatcher: Dispatcher) -> Iterator[None]:
    """Post until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=dispatcher.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        dispatcher.wake()
        thread.join()


@contextmanager
def receiving(arrivals: Arrivals) -> Iterator[str]:
    """Take every webhook."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            arrivals.note(json.loads(body)["id"])

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@contextmanager
def unused() -> Iterator[str]:
    """Give a URL of which the port is taken and never answered at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def _ms(seconds: Sequence[float], share: float) -> str:
    ordered = sorted(seconds)
    return f"{ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1_000:.0f} ms"


if __name__ == "__main__":
    main()
