"""The processes: the API on a socket, the worker beside it or alone, and how both are told to stop."""

from __future__ import annotations

import gc
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
    import uvicorn
    from starlette.types import ASGIApp

    from escrow.server.certificates import Certificate
    from escrow.settings import ServerSettings
    from escrow.store.database import Database
    from escrow.store.sealing import SealingKey

__all__ = [
    "alone_on",
    "check_port",
    "gather_garbage",
    "listen",
    "on_stop_signals",
    "work_until",
    "working",
]


def work_until(stop: threading.Event, database: Database, key: SealingKey, settings: ServerSettings) -> None:
    """Apply, match and release until told to stop."""
    from escrow.worker import Worker

    Worker(database, key, settings).run(stop)


@contextmanager
def working(database: Database, key: SealingKey, settings: ServerSettings) -> Iterator[None]:
    """Work in a thread beside the block, and finish the piece at hand when the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=_work_or_stop, args=(database, key, settings, stop), name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)


def _work_or_stop(database: Database, key: SealingKey, settings: ServerSettings, stop: threading.Event) -> None:
    """Work; a service whose worker has died stops too, rather than look well and apply nothing."""
    try:
        work_until(stop, database, key, settings)
    finally:
        if not stop.is_set():
            signal.raise_signal(signal.SIGTERM)


def listen(database: Database, key: SealingKey, settings: ServerSettings, certificate: Certificate | None) -> None:
    """Answer the API until told to stop."""
    import uvicorn

    from escrow.api.app import create_app
    from escrow.api.dependencies import Service

    # Once it has stopped, uvicorn raises the signal again: the worker is then still to be stopped.
    on_stop_signals(lambda: None)
    app = create_app(Service(database, key, settings))
    gather_garbage()
    with renewing(certificate, settings.tls_reload_seconds):
        uvicorn.Server(_listener(app, settings, certificate)).run()


def _listener(app: ASGIApp, settings: ServerSettings, certificate: Certificate | None) -> uvicorn.Config:
    """Everything that uvicorn would otherwise read from the environment is said here."""
    import uvicorn

    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        workers=1,
        ssl_context_factory=(lambda _config, _default: certificate.context) if certificate else None,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=settings.stop_seconds,
    )


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
