"""The receiver's HTTP server: one path, POST alone, small bodies, slow senders cut off, a bounded number at once.

By the standard library, for a loopback address behind a proxy that ends TLS.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any

from escrow.client.receiving import LARGEST_BODY, Receiver, Reply
from escrow.errors import AddressUnusable

__all__ = ["PATH", "listening"]

PATH = "/webhooks"
_SECONDS = 10.0
_MOST_AT_ONCE = 32


class _Server(ThreadingHTTPServer):
    """Serves so many requests at once, and lets others wait in the system's queue."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], receiver: Receiver, wake: Callable[[], None]) -> None:
        super().__init__(address, _Handler)
        self.receiver = receiver
        self.wake = wake
        self._places = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def process_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:  # noqa: ANN401  # the base class's
        self._places.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as above
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as above
        """Say nothing: a sender that goes away is no fault, and what it sent is not for a log."""


class _Handler(BaseHTTPRequestHandler):
    """Reads one request; the server that made it knows who receives."""

    timeout = _SECONDS
    server_version, sys_version = "escrow", ""
    server: _Server

    def do_POST(self) -> None:  # a name that the base class looks for
        self.close_connection = True
        reply = self._reply()
        self.send_response(reply.status)
        if reply.status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(reply.body)
        if reply.is_new:
            self.server.wake()

    def _reply(self) -> Reply:
        if self.path.partition("?")[0].rstrip("/") != PATH:
            return Reply(404)
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return Reply(411)
        if int(length) > LARGEST_BODY:
            return Reply(413)
        body = self.rfile.read(int(length))
        return self.server.receiver.receive(dict(self.headers), body) if len(body) == int(length) else Reply(400)

    def log_message(self, *_: object) -> None:
        """Log nothing: what was said stands in the answer of the sync."""


@contextmanager
def listening(host: str, port: int, receiver: Receiver, wake: Callable[[], None]) -> Iterator[int]:
    """Receive in threads of its own; give the port, and call ``wake`` where there is something to do.

    Raises:
        AddressUnusable: the address cannot be listened on.
    """
    with _server(host, port, receiver, wake) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _server(host: str, port: int, receiver: Receiver, wake: Callable[[], None]) -> _Server:
    try:
        return _Server((host, port), receiver, wake)
    except (OSError, OverflowError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "no such port"
        raise AddressUnusable(
            f"{host}:{port} cannot be listened on ({why}); say another under [listen] in escrow.toml, or with --host "
            "and --port"
        ) from None
