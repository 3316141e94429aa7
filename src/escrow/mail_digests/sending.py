"""Handing a mail to the operator's mail server, by SMTP (RFC 5321), and saying how that ended.

The way there is kept secret as the operator said, and never less: a server that does not offer STARTTLS is not spoken
to. Its certificate is checked for its name. What it says is read up to a limit and within a time, however slowly it
goes on, and none of it is kept: a server repeats addresses in its answers.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from escrow.errors import MailUnusable
from escrow.mail_digests.addresses import MailAddress
from escrow.mail_digests.letters import octets_of
from escrow.store.states import MailOutcome

__all__ = ["MailServer", "hand_over", "is_refusal", "tls_of"]

#: A server says little: to one line, and in one conversation.
_LONGEST_LINE = 2_000
_MOST_BYTES = 64 * 1024

#: What a server says that waits for a mail, and where a line of one begins with a dot.
_GO_ON = 354
_DOT = re.compile(rb"^\.", re.MULTILINE)

#: Of a 5xx answer to a recipient, those that are not about the address itself: its box is full, or a rule of the
#: server's (RFC 3463). They may be the operator's to mend.
_NOT_OF_THE_ADDRESS = re.compile(rb"5\.(?:2\.2|7\.\d+|3\.\d+|4\.\d+|5\.\d+)(?:\s|$)")


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server that the operator named; times are in seconds, between two answers and as a whole."""

    host: str
    port: int
    security: str
    sender: MailAddress
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None
    answer_within: float = 30
    total: float = 120


def tls_of(ca_file: Path | None) -> ssl.SSLContext:
    """Make what certificates are checked by: the system's authorities, or those of the file alone.

    Raises:
        MailUnusable: the file is not there, or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ValueError):
        raise MailUnusable(f"The certificates in {ca_file} (ESCROW_MAIL_CA_FILE) cannot be read.") from None


def hand_over(
    server: MailServer, recipient: MailAddress, write: Callable[[], EmailMessage | None]
) -> MailOutcome | None:
    """Send one mail, and say how that ended; None where ``write`` gives nothing to send.

    It is written once the server waits for it, so that it is as of then.
    """
    late = threading.Event()
    try:
        with _conversation(server, late) as session:
            _check(session.mail(server.sender.text))
            code, said = session.rcpt(recipient.text)
            if is_refusal(code, said):
                return MailOutcome.REFUSED
            _check((code, said))
            session.ask_for_data()
            letter = _written(write)
            if letter is None:
                session.close()  # a mail that is broken off is none (RFC 5321, 4.2.5)
                return None
            _check(session.deliver(octets_of(letter)))
            return MailOutcome.SENT
    except (OSError, ValueError) as failure:  # SMTP's and TLS's own errors are kinds of OSError
        return MailOutcome.TIMEOUT if late.is_set() else _outcome_of(failure)


def _written(write: Callable[[], EmailMessage | None]) -> EmailMessage | None:
    try:
        return write()
    except (OSError, ValueError) as failure:
        raise RuntimeError("a mail could not be written") from failure  # which is no fault of the mail server's


def is_refusal(code: int, said: bytes) -> bool:
    """Tell whether an answer to a recipient says for good that there is no such address."""
    return 500 <= code < 600 and code != 552 and not _NOT_OF_THE_ADDRESS.match(said)  # 552: its box is full


class _Secrecy(smtplib.SMTPException):
    """The server does not offer what the operator asks for."""


class _Unknown(smtplib.SMTPException):
    """The server does not know the user, or does not take the password."""


class _Answer(smtplib.SMTPException):
    """An answer other than the one that lets us go on."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


class _Bounded:
    """What a server says, up to a limit."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401 - what a socket makes
        self._file = file
        self._left = _MOST_BYTES

    def readline(self, most: int) -> bytes:
        """Read a line."""
        line: bytes = self._file.readline(min(most, _LONGEST_LINE + 1))
        self._left -= len(line)
        if len(line) > _LONGEST_LINE or self._left < 0:
            raise ValueError("a mail server says too much")
        return line if line.endswith(b"\n") else b""  # what was cut off is no answer, whatever it begins with

    def close(self) -> None:
        """Close it."""
        self._file.close()


class _Session(smtplib.SMTP):
    """A conversation on a socket of our own making."""

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer."""
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()

    def ask_for_data(self) -> None:
        """Say that a mail follows, and wait until the server wants it."""
        code, _ = self.docmd("data")
        if code != _GO_ON:
            raise _Answer(code)

    def deliver(self, octets: bytes) -> tuple[int, bytes]:
        """Send the mail that the server waits for; a line that begins with a dot gets another (RFC 5321, 4.5.2)."""
        self.send(_DOT.sub(b"..", octets) + b".\r\n")
        return self.getreply()

    def turn_to(self, sock: socket.socket) -> None:
        """Speak on this socket from now on; nothing that was said before is believed (RFC 3207, 4.2)."""
        self.sock, self.file = sock, None
        self.ehlo_resp = self.helo_resp = None
        self.esmtp_features, self.does_esmtp = {}, False


@contextmanager
def _conversation(server: MailServer, late: threading.Event) -> Iterator[_Session]:
    """Connect, as secretly as was said, and log in; it is cut off when its time is over."""
    session = _Session(local_hostname=server.sender.domain, timeout=server.answer_within)
    session.turn_to(socket.create_connection((server.host, server.port), server.answer_within))
    alarm = threading.Timer(server.total, _cut, (session, late))
    alarm.daemon = True
    alarm.start()
    try:
        if server.security == "tls":
            _encrypt(session, server)
        _check(session.getreply())
        session.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            _start_tls(session, server)
        if server.username:
            _log_in(session, server)
        yield session
        with suppress(OSError, ValueError):
            session.putcmd("quit")
    finally:
        alarm.cancel()
        session.close()


def _cut(session: _Session, late: threading.Event) -> None:
    late.set()
    if session.sock is not None:
        with suppress(OSError):  # past TLS, whose goodbye would wait for the other side
            socket.socket.shutdown(session.sock, socket.SHUT_RDWR)


def _start_tls(session: _Session, server: MailServer) -> None:
    if not session.has_extn("starttls") or session.docmd("STARTTLS")[0] != 220:
        raise _Secrecy
    _encrypt(session, server)
    session.ehlo_or_helo_if_needed()


def _encrypt(session: _Session, server: MailServer) -> None:
    context = server.tls or tls_of(None)
    assert session.sock is not None  # noqa: S101 - it was connected
    encrypted = context.wrap_socket(session.sock, server_hostname=server.host, do_handshake_on_connect=False)
    session.turn_to(encrypted)
    encrypted.do_handshake()


def _log_in(session: _Session, server: MailServer) -> None:
    try:
        session.login(server.username, server.password)
    except smtplib.SMTPAuthenticationError as refusal:
        raise (_Answer(refusal.smtp_code) if 400 <= refusal.smtp_code < 500 else _Unknown()) from None
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException:  # it offers no way to log in that is known
        raise _Unknown from None


def _check(answer: tuple[int, bytes]) -> None:
    if not 200 <= answer[0] < 300:
        raise _Answer(answer[0])


def _outcome_of(failure: OSError | ValueError) -> MailOutcome:
    """Say what an error means; what it holds may be an address, and is left."""
    cause = failure.__context__ if isinstance(failure, smtplib.SMTPServerDisconnected) else None
    outcome = MailOutcome.UNREACHABLE
    match cause if isinstance(cause, OSError | ValueError) else failure:
        case _Secrecy() | ssl.SSLError():
            outcome = MailOutcome.TLS
        case _Unknown():
            outcome = MailOutcome.UNAUTHENTICATED
        case TimeoutError():
            outcome = MailOutcome.TIMEOUT
        case _Answer(code=code) | smtplib.SMTPResponseException(smtp_code=code):
            outcome = _outcome_of_code(code)
        case smtplib.SMTPServerDisconnected():
            outcome = MailOutcome.UNREACHABLE
        case smtplib.SMTPException() | ValueError():
            outcome = MailOutcome.GARBLED
    return outcome


def _outcome_of_code(code: int) -> MailOutcome:
    if 400 <= code < 500:
        return MailOutcome.LATER
    return MailOutcome.DECLINED if 500 <= code < 600 else MailOutcome.GARBLED
