"""Receivers of webhooks on loopback, well behaved and hostile, over real sockets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from escrow.webhooks.targets import Address

__all__ = ["LOOPBACK", "Behave", "Posted", "Receiver", "answers", "certified", "receiving", "resolves"]

LOOPBACK = ip_address("127.0.0.1")

#: What a receiver does with a connection that it has read a request from.
Behave = Callable[[socket.socket, "Posted"], None]


@dataclass(frozen=True, slots=True)
class Posted:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """A server that remembers what it was sent."""

    port: int
    posted: list[Posted] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        """Where to post to, over plain HTTP."""
        return f"http://127.0.0.1:{self.port}/hook"


def answers(status: int, *lines: str, body: bytes = b"") -> Behave:
    """Answer with a status, and these header lines."""

    def behave(connection: socket.socket, _posted: Posted) -> None:
        head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *lines))
        connection.sendall(head.encode() + b"\r\n" + body)

    return behave


@contextmanager
def receiving(behave: Behave, *, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Serve on a free port of loopback until the block ends; each connection has a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        receiver = Receiver(listener.getsockname()[1])
        over = threading.Event()
        threads: list[threading.Thread] = []

        def handle(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                secured = tls.wrap_socket(connection, server_side=True) if tls else connection
                with secured:
                    posted = _read(secured)
                    receiver.posted.append(posted)
                    receiver.arrived.release()
                    behave(secured, posted)

        def accept() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    threads.append(threading.Thread(target=handle, args=(connection,), daemon=True))
                    threads[-1].start()

        listener.settimeout(0.1)
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            over.set()
            thread.join()
            for each in threads:
                each.join()


def resolves(*addresses: Address) -> Callable[[str], tuple[Address, ...]]:
    """A resolver for which every name has these addresses."""
    return lambda _host: addresses


@cache
def _made_certificate(host: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            subject, subject, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = certificate.public_bytes(Encoding.PEM)
    return chain, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certified(folder: Path, host: str = "hooks.example.com") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give the context of a server that has this name, and that of a client who trusts it."""
    chain, key = _made_certificate(host)
    (folder / "hooks.pem").write_bytes(key + chain)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "hooks.pem")
    return server, ssl.create_default_context(cadata=chain.decode())


def _read(connection: socket.socket) -> Posted:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    return Posted(first.split(" ")[1], headers, body)


def _more(connection: socket.socket) -> bytes:
    """Receive something; who posts may be killed in the middle."""
    piece = connection.recv(65_536)
    if not piece:
        raise ConnectionError
    return piece
