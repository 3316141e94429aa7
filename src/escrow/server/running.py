"""The processes: the API on a socket, the worker beside it or alone, and how both are told to stop."""

from __future__ import annotations

import gc
import ipaddress
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from escrow.errors import ServiceFault

if TYPE_CHECKING:
    from escrow.settings import ServerSettings
    from escrow.store.database import Database
    from escrow.store.sealing import SealingKey

__all__ = [
    "check_certificate",
    "check_port",
    "gather_garbage",
    "is_loopback",
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


def listen(database: Database, key: SealingKey, settings: ServerSettings, *, behind_proxy: bool) -> None:
    """Answer the API until told to stop."""
    import uvicorn

    from escrow.api.app import create_app
    from escrow.api.dependencies import Service

    # Once it has stopped, uvicorn raises the signal again: the worker is then still to be stopped.
    on_stop_signals(lambda: None)
    app = create_app(Service(database, key, settings))
    gather_garbage()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        proxy_headers=behind_proxy,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=10,
    )


def check_certificate(settings: ServerSettings) -> None:
    """Refuse a certificate and a key that cannot be served with."""
    if settings.tls_certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError:  # an SSLError is one too
        raise ServiceFault(
            f"The certificate {settings.tls_certificate} cannot be used with the key {settings.tls_key}: "
            "give two PEM files that belong together."
        ) from None


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


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
