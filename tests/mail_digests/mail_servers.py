"""Mail servers on loopback, well behaved and hostile, over real sockets: as much of SMTP as a sender meets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

__all__ = ["Hangs", "MailBox", "Said", "mail_server_on_loopback"]

#: What is answered to a command: lines of SMTP, something to do with the connection, or nothing at all, for ever.
Said = bytes | Callable[[socket.socket], None]


class Hangs(Exception):
    """Ends a connection."""


@dataclass(slots=True)
class MailBox:
    """A mail server that remembers what it was sent, command by command, and mail by mail."""

    port: int
    commands: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def mails(self) -> list[EmailMessage]:
        """What was sent, read."""
        return [message_from_bytes(each, policy=SMTP) for each in self.raw]


_USUAL: Mapping[str, Said] = {
    "CONNECT": b"220 mail.example.com\r\n",
    "EHLO": b"250 mail.example.com\r\n",
    "MAIL": b"250 2.1.0 fine\r\n",
    "RCPT": b"250 2.1.5 fine\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 2.0.0 taken\r\n",
    "QUIT": b"221 bye\r\n",
    "STARTTLS": b"220 go on\r\n",
    "AUTH": b"235 2.7.0 welcome\r\n",
}


@contextmanager
def mail_server_on_loopback(
    said: Mapping[str, Said] | None = None, *, tls: ssl.SSLContext | None = None, at_once: bool = False
) -> Iterator[MailBox]:
    """Serve until the block ends; ``said`` replaces usual answers, ``at_once`` begins with TLS."""
    answers = {**_USUAL, **(said or {})}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        box = MailBox(listener.getsockname()[1])
        threads: list[threading.Thread] = []

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError, Hangs), connection:
                connection.settimeout(10)
                first = tls.wrap_socket(connection, server_side=True) if tls and at_once else connection
                with first:
                    _converse(first, box, answers, tls)

        def accept() -> None:
            while not box.over.is_set():
                with contextlib.suppress(OSError):
                    threads.append(threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True))
                    threads[-1].start()

        listener.settimeout(0.05)
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield box
        finally:
            box.over.set()
            for each in (accepting, *threads):
                each.join()


def _converse(connection: socket.socket, box: MailBox, answers: Mapping[str, Said], tls: ssl.SSLContext | None) -> None:
    """Greet, and answer until the other side has had enough; from a STARTTLS on, encrypted."""
    _answer(connection, answers["CONNECT"])
    if _answered(connection, box, answers) and tls is not None:
        with tls.wrap_socket(connection, server_side=True) as encrypted:
            _answered(encrypted, box, answers)


def _answered(connection: socket.socket, box: MailBox, answers: Mapping[str, Said]) -> bool:
    """Answer commands; tell whether what follows is to be encrypted."""
    with connection.makefile("rb") as lines:
        while line := lines.readline():
            verb = line.split(b" ")[0].strip().decode().upper()
            box.commands.append(line.decode().strip())
            _answer(connection, answers[verb])
            if verb == "DATA":
                box.raw.append(_mail(lines.readline))
                _answer(connection, answers["."])
                box.arrived.release()
            if verb == "STARTTLS":
                return True
    return False


def _mail(readline: Callable[[], bytes]) -> bytes:
    lines: list[bytes] = []
    while (line := readline()) != b".\r\n":
        if not line:
            raise Hangs
        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
    return b"".join(lines)


def _answer(connection: socket.socket, said: Said) -> None:
    if isinstance(said, bytes):
        connection.sendall(said)
    else:
        said(connection)
