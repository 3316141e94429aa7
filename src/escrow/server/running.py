"""The processes: the API on a socket, the worker beside it or alone, and how both are told to stop."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.errors import ServiceFault
from escrow.server.certificates import renewing

if TYPE_CHECKING:
    from escrow.api.dependencies import Service
    from escrow.deliveries.dispatcher import Dispatcher
    from escrow.mail_digests.postman import Postman
    from escrow.server.certificates import Certificate
    from escrow.settings import ServerSettings
    from escrow.store.database import Database
    from escrow.store.release_keys import ReleaseKey
    from escrow.store.sealing import SealingKey
    from escrow.worker import Worker

__all__ = [
    "alone_on",
    "check_port",
    "delivering",
    "gather_garbage",
    "listen",
    "mailing",
    "make_dispatcher",
    "make_postman",
    "make_worker",
    "on_stop_signals",
    "working",
]


_log = logging.getLogger(__name__)


def make_worker(database: Database, key: SealingKey, settings: ServerSettings, *, release_key: ReleaseKey) -> Worker:
    """Make the worker of this process."""
    from escrow.worker import Worker

    return Worker(database, key, settings, release_key=release_key)


def make_dispatcher(database: Database, key: SealingKey, settings: ServerSettings) -> Dispatcher:
    """Make what posts webhooks in this process."""
    from escrow.deliveries.dispatcher import Dispatcher

    return Dispatcher(database, key, settings)


def make_postman(database: Database, key: SealingKey, settings: ServerSettings) -> Postman | None:
    """Make what sends mail digests in this process, if there is a mail server."""
    if not settings.mail_host:
        return None
    from escrow.mail_digests.postman import Postman

    return Postman(database, key, settings)


@contextmanager
def mailing(postman: Postman | None, stop: threading.Event, settings: ServerSettings) -> Iterator[None]:
    """Send mail digests beside the block; a mail that is under way when it ends is otherwise sent again."""
    if postman is None:
        yield
        return
    with _beside(postman.run, stop, settings, name="postman"):
        yield


@contextmanager
def delivering(dispatcher: Dispatcher, stop: threading.Event, settings: ServerSettings) -> Iterator[None]:
    """Post webhooks beside the block; what is under way when it ends is waited for, and otherwise made again."""
    with _beside(dispatcher.run, stop, settings, name="dispatcher", wake=dispatcher.wake):
        yield


@contextmanager
def working(worker: Worker, stop: threading.Event, settings: ServerSettings) -> Iterator[None]:
    """Work in a thread beside the block; when the block ends, finish the job at hand or give it back in time."""
    with _beside(worker.run, stop, settings, name="worker", wake=worker.wake, give_up=worker.let_go):
        yield


@contextmanager
def _beside(
    run: Callable[[threading.Event], None],
    stop: threading.Event,
    settings: ServerSettings,
    *,
    name: str,
    wake: Callable[[], None] = lambda: None,
    give_up: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Run something in a thread until the block ends; ``give_up`` is for what does not stop in the time it has."""
    thread = threading.Thread(target=_until_stopped, args=(run, stop), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        wake()
        thread.join(settings.stop_seconds)
        if thread.is_alive():
            give_up()


def _until_stopped(run: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Run; a process whose worker or dispatcher has died stops too, rather than look well and do nothing."""
    try:
        run(stop)
    except Exception as failure:  # noqa: BLE001 - a thread's outermost loop: nobody else would log it as a line
        _log.exception("the %s ended", threading.current_thread().name, exc_info=failure)
    finally:
        if not stop.is_set():
            signal.raise_signal(signal.SIGTERM)


def listen(service: Service, certificate: Certificate | None, stop: threading.Event) -> None:
    """Answer the API until told to stop, and tell the worker so at once."""
    from escrow.api.app import create_app
    from escrow.server.listening import listener

    # Once it has stopped, uvicorn raises the signal again: the worker is then still to be stopped.
    on_stop_signals(lambda: None)
    app = create_app(service)
    gather_garbage()
    with renewing(certificate, service.settings.tls_reload_seconds):
        listener(app, service.settings, certificate, stopping=stop.set).run()


@contextmanager
def alone_on(settings: ServerSettings) -> Iterator[None]:
    """Refuse to be the second process that serves one SQLite file: its workers would do each other's jobs."""
    if not settings.on_sqlite or os.name != "posix":
        yield
        return
    import fcntl

    file = Path(f"{settings.database_url.removeprefix('sqlite:///')}.serving")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceFault(
                "Another 'escrow-server serve' runs on this SQLite file: stop it first, or use PostgreSQL."
            ) from None
        yield


def check_port(settings: ServerSettings) -> None:
    """Refuse an address that cannot be listened on."""
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as failure:
        raise ServiceFault(
            f"Cannot listen on {settings.host}, port {settings.port}: {failure.strerror}. "
            "Stop what listens there, or choose others with --host and --port."
        ) from None


def gather_garbage() -> None:
    """Collect garbage from now on, and never look again at what was loaded until now."""
    gc.freeze()
    gc.enable()


def on_stop_signals(act: Callable[[], None]) -> None:
    """Do this when the process is told to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: act())
