"""The certificate that HTTPS is served with, and its renewal while the service runs."""

from __future__ import annotations

import logging
import signal
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.errors import ServiceFault

if TYPE_CHECKING:
    from escrow.settings import ServerSettings

__all__ = ["Certificate", "check_certificate", "renewing"]

_log = logging.getLogger(__name__)


class Certificate:
    """A certificate chain and its key, and the context that new connections are served with.

    A context that is in use is never changed: a handshake meanwhile could meet a certificate with another's key. Each
    new connection is handed over to the newest one.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._files = chain, key
        self._seen = self._state()
        self._newest = self._loaded()
        self.context = self._loaded()
        self.context.sni_callback = self._hand_over

    def renew(self) -> bool:
        """Serve new connections with the files as they are now, if they changed; tell whether they did.

        Raises:
            ServiceFault: they do not belong together; what was served until now is served on.
        """
        state = self._state()
        if state == self._seen:
            return False
        self._newest = self._loaded()
        self._seen = state
        return True

    def _hand_over(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _by: ssl.SSLContext) -> None:
        connection.context = self._newest

    def _state(self) -> tuple[tuple[int, int, int], ...]:
        try:
            return tuple((found.st_mtime_ns, found.st_size, found.st_ino) for found in (f.stat() for f in self._files))
        except OSError:
            return ()

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        chain, key = self._files
        try:
            # Without a way to ask for a passphrase, an encrypted key would ask at the terminal.
            context.load_cert_chain(chain, key, password="")
        except (OSError, ValueError):  # an SSLError is an OSError too
            raise ServiceFault(
                f"The certificate {chain} cannot be used with the key {key}: "
                "give two PEM files that belong together, the key without a passphrase."
            ) from None
        return context


def check_certificate(settings: ServerSettings) -> Certificate | None:
    """Read the certificate that is to be served with, or refuse one that cannot be."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_certificate, settings.tls_key)


@contextmanager
def renewing(certificate: Certificate | None, every: float) -> Iterator[None]:
    """Look for a renewed certificate beside the block, now and then and at once on ``SIGHUP``."""
    asked, done = threading.Event(), threading.Event()
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda _number, _frame: asked.set())
    if certificate is None:
        yield
        return
    thread = threading.Thread(target=_watch, args=(certificate, every, asked, done), name="certificate", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        asked.set()
        thread.join(timeout=5)


def _watch(certificate: Certificate, every: float, asked: threading.Event, done: threading.Event) -> None:
    while not done.is_set():
        asked.wait(every)
        asked.clear()
        try:
            if certificate.renew():
                _log.info("the renewed certificate is served from now on")
        except ServiceFault as refusal:
            _log.error("the certificate was not renewed: %s", refusal.message)
