"""From an accepted delta to the delivered webhook, at 10 endpoints and at 1,000, one of them dead.

Two partners share a service (SQLite, worker and dispatcher inside) that runs as a process of its own; the endpoints are
one partner's, and each is told of changed overlaps. The clock starts when the service has accepted a delta over HTTP,
and stops when a receiver, a third process, has the webhook: in between the delta is applied and matched, the event
written, fanned out, signed and posted. Then events are written straight into the feed, many at once, to see how many
deliveries a second there are. The baseline posts as many signed bodies straight to the same receiver, with as many
threads and no database. The last line is the median ratio of the two rates, `1.2 x`; all ends by itself.

    python -m benchmarks.events
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import secrets
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID, uuid4

from benchmarks.end_to_end import PROGRAMS, free_port, partner, run, settings_of, wait_until_healthy
from escrow import wire
from escrow.access import Caller, authenticate
from escrow.client.sdk import Escrow
from escrow.deliveries import endpoints
from escrow.deliveries.endpoints import Endpoints
from escrow.deliveries.filters import Filter
from escrow.deliveries.rules import egress_limits, egress_rule
from escrow.psi.profile_ids import LATEST_PROFILE
from escrow.settings import ServerSettings
from escrow.signing import SigningSecret, sign
from escrow.store.database import Database
from escrow.store.sealing import SealingKey
from escrow.store.states import EndpointKind, EventType
from escrow.terms import Population
from escrow.webhooks import events
from escrow.webhooks.egress import Egress, Posting
from escrow.webhooks.targets import Target

PATIENCE_SECONDS = 60.0
#: An organization may have as many endpoints.
MOST_ENDPOINTS = 1_000
#: Companies on both lists once every delta is in; a delta adds one of them.
COMPANIES = 400


@dataclass(slots=True)
class Arrivals:
    """When the receiver had each webhook, by a clock that all processes of a machine share."""

    seen: list[tuple[str, float]] = field(default_factory=list)
    more: threading.Condition = field(default_factory=threading.Condition)

    def listen(self, told: Connection) -> None:
        """Take in what the receiver tells, until it ends."""
        while True:
            try:
                some = told.recv()
            except (EOFError, OSError):
                return
            with self.more:
                self.seen += some
                self.more.notify_all()

    def wait(self, wanted: int, *, after: int) -> Sequence[tuple[str, float]]:
        """Give as many arrivals as wanted, from number ``after`` on."""
        with self.more:
            if not self.more.wait_for(lambda: len(self.seen) >= after + wanted, PATIENCE_SECONDS):
                raise SystemExit(f"only {len(self.seen) - after} of {wanted} deliveries arrived")
            return self.seen[after : after + wanted]


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds from accepted delta to each webhook, and deliveries a second where many events come at once."""

    late: Sequence[float]
    a_second: float

    def __str__(self) -> str:
        median, last = _ms(self.late, 0.5), _ms(self.late, 0.99)
        return f"accepted to delivered median {median}, 99th percentile {last}; {self.a_second:.0f} deliveries a second"


@dataclass(frozen=True, slots=True)
class Bench:
    """One service with two partners, and what delivers to one of them."""

    settings: ServerSettings
    database: Database
    key: SealingKey
    ours: Escrow
    theirs: Escrow
    caller: Caller
    partnership_id: UUID
    arrivals: Arrivals
    url: str
    tokens: Sequence[bytes] = field(default_factory=lambda: [secrets.token_bytes(16) for _ in range(COMPANIES)])


def main() -> None:
    """Measure at each size, print the figures and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, nargs="+", default=[10, 1_000], help="how many (default 10 1000)")
    parser.add_argument("--deltas", type=int, nargs="+", default=[40, 3], help="how many at each (default 40 3)")
    parser.add_argument("--deliveries", type=int, default=2_000, help="about how many at once (default 2000)")
    asked = parser.parse_args()
    ratios, there, number = [], 0, 1
    with benched() as bench, unused() as dead:
        first_lists(bench)
        for many, deltas in sorted(zip(asked.endpoints, asked.deltas, strict=True)):
            enable(bench, [dead if there + each == 0 else bench.url for each in range(many - there)])
            late = [seconds for delta in range(deltas) for seconds in delivered(bench, number + delta, many - 1)]
            there, number = many, number + deltas
            at_once = max(1, asked.deliveries // many)
            ours, plain = Figures(late, burst(bench, at_once, many - 1)), straight(bench, at_once * (many - 1))
            print(f"{many:,} endpoints, one dead, {deltas} deltas: {ours}", flush=True)
            print(f"  straight posts of as many bodies: {plain:.0f} a second", flush=True)
            ratios.append(plain / ours.a_second)
    print(f"{statistics.median(ratios):.1f} x")


def first_lists(bench: Bench) -> None:
    """Put every company on their list, and one on ours."""
    submit(bench, bench.theirs, 1, bench.tokens)
    submit(bench, bench.ours, 1, bench.tokens[:1])
    _until(lambda: len(list(bench.ours.overlaps(bench.partnership_id))) == 1)


def delivered(bench: Bench, delta: int, living: int) -> list[float]:
    """Have a delta accepted, which adds one company that overlaps, and give how long each webhook took from there."""
    before = len(bench.arrivals.seen)
    submit(bench, bench.ours, delta + 1, [bench.tokens[delta]])
    accepted = time.monotonic()
    return [max(0.0, at - accepted) for _, at in bench.arrivals.wait(living, after=before)]


def burst(bench: Bench, told: int, living: int) -> float:
    """Write events into the feed, all at once; give how many deliveries a second follow."""
    before, started = len(bench.arrivals.seen), time.monotonic()
    data = {bench.caller.organization_id: {"after": None, "through": None, "reset": True}}
    with bench.database.transaction("tell") as tx:
        for _ in range(told):
            events.tell(tx, EventType.OVERLAPS_CHANGED, data, partnership_id=bench.partnership_id, now=_now())
    arrived = bench.arrivals.wait(told * living, after=before)
    return len(arrived) / (arrived[-1][1] - started)


def straight(bench: Bench, many: int) -> float:
    """Post as many bodies straight; give how many a second."""
    egress = Egress(egress_rule(bench.settings), egress_limits(bench.settings))
    target, secret = Target.parse(bench.url, egress.rule), SigningSecret.make(random=os.urandom)

    def make() -> Posting:
        event_id, now = str(uuid4()), _now()
        said = {"number": 1, "id": event_id, "occurred_at": now.isoformat(), "type": "overlaps.changed"}
        told = {"partnership_id": event_id, "data": {"after": None, "through": None, "reset": True}}
        body = json.dumps(said | told).encode()
        return Posting(body, sign(body, message_id=event_id, secrets=[secret], at=now))

    before, started = len(bench.arrivals.seen), time.monotonic()
    with ThreadPoolExecutor(bench.settings.webhook_threads) as threads:
        for done in [threads.submit(egress.post, target, make) for _ in range(many)]:
            done.result()
    return many / (bench.arrivals.wait(many, after=before)[-1][1] - started)


def submit(bench: Bench, who: Escrow, number: int, tokens: Sequence[bytes]) -> None:
    """Have a list accepted, or a delta of it; each account has one token."""
    accounts = tuple(
        wire.ListedAccount(
            row=secrets.token_bytes(8), population=Population.CUSTOMERS, tokens=wire.AccountTokens(domain=(token,))
        )
        for token in tokens
    )
    listed = wire.RowSubmission(
        number=number,
        type="snapshot" if number == 1 else "delta",
        base=number - 1,
        generation=0,
        suite=1,
        profile=LATEST_PROFILE,
        accounts=accounts,
        ready=number == 1,
    )
    who.submit_rows(bench.partnership_id, listed)


def enable(bench: Bench, urls: Sequence[str]) -> None:
    """Add endpoints for changed overlaps, and take them as confirmed."""
    by = Endpoints(egress_rule(bench.settings), MOST_ENDPOINTS, bench.key, os.urandom, _now())
    wanted = Filter(types=frozenset({EventType.OVERLAPS_CHANGED}))
    with bench.database.transaction("add endpoints") as tx:
        for url in urls:
            endpoints.add_endpoint(
                *(tx, bench.caller),
                kind=EndpointKind.STANDARD,
                unverified_url=url,
                description="",
                wanted=wanted,
                by=by,
            )
        tx.exec_driver_sql("UPDATE endpoints SET state = 'enabled', confirmed_at = created_at")


@contextmanager
def benched() -> Iterator[Bench]:
    """Start a service and a receiver, and pair two partners who share everything."""
    with tempfile.TemporaryDirectory(prefix="escrow-benchmark-") as name, receiving() as (arrivals, url):
        folder = Path(name)
        key_file = folder / "sealing.key"
        operator = settings_of(DATA_FOLDER=folder / "data", SEALING_KEY_FILE=key_file, WEBHOOK_LOOPBACK="true")
        run("escrow-server", "init", environment=operator)
        settings = ServerSettings(data_folder=folder / "data", webhook_loopback=True)
        with serving(folder, operator) as address:
            left, right = (partner(folder, each, address, operator) for each in ("left", "right"))
            partnership_id = paired(left, right)
            database = Database(settings.database_url)
            with database.snapshot("look") as tx:
                caller = authenticate(tx, left["ESCROW_API_KEY"], now=_now())
            with _sdk(left) as ours, _sdk(right) as theirs:
                key = SealingKey.read(key_file)
                yield Bench(settings, database, key, ours, theirs, caller, partnership_id, arrivals, url)
            database.close()


def paired(left: Mapping[str, str], right: Mapping[str, str]) -> UUID:
    """Pair both partners; both share every cell."""
    acceptor = json.loads(run("escrow", "status", "--json", environment=right))["organization_id"]
    code = json.loads(run("escrow", "invite", "--to", acceptor, "--json", environment=left))["code"]
    run("escrow", "accept", code, "--json", environment=right)
    for environment in (left, right):
        run("escrow", "terms", "set", "--preset", "full", "--json", environment=environment)
    with _sdk(left) as ours:
        return next(iter(ours.partnerships())).partnership_id


@contextmanager
def serving(folder: Path, operator: Mapping[str, str]) -> Iterator[str]:
    """Run the service as a process of its own."""
    port = free_port()
    command = [str(PROGRAMS / "escrow-server"), "serve", "--port", str(port)]
    with (folder / "service.log").open("wb") as log:
        service = subprocess.Popen(command, env=dict(operator), stdout=log, stderr=log)
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            service.terminate()
            service.wait(timeout=60)


@contextmanager
def receiving() -> Iterator[tuple[Arrivals, str]]:
    """Take every webhook in a process of its own."""
    told, telling = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=receive, args=(telling,), daemon=True)
    process.start()
    telling.close()
    arrivals, port = Arrivals(), told.recv()
    thread = threading.Thread(target=arrivals.listen, args=(told,), daemon=True)
    thread.start()
    try:
        yield arrivals, f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.join()
        thread.join()


def receive(telling: Connection) -> None:
    """Answer every post with 204, and tell its id and when it came."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        telling.send([(json.loads(body)["id"], time.monotonic())])
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        telling.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def unused() -> Iterator[str]:
    """Give a URL of which the port is taken and never answered at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def _sdk(environment: Mapping[str, str]) -> Escrow:
    return Escrow(environment["ESCROW_URL"], environment["ESCROW_API_KEY"])


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    raise SystemExit("the first lists were not matched")


def _now() -> datetime:
    return datetime.now(UTC)


def _ms(seconds: Sequence[float], share: float) -> str:
    ordered = sorted(seconds)
    return f"{ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1_000:.0f} ms"


if __name__ == "__main__":
    main()
