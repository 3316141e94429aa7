"""Connections: how many there are at once, and how long each may take to send a request or to read an answer.

uvicorn waits for a client as long as it likes to take. Here a client that drips its headers is answered 408 and cut
off, one that drips a body after it was answered is cut off, and so is one that does not read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from escrow.api.concurrency import ONE_TOO_MANY
from escrow.api.problems import PROBLEM_TYPE, problem_of
from escrow.errors import RequestTooSlow

if TYPE_CHECKING:
    from escrow.settings import ServerSettings

__all__ = ["bounded_by"]

#: The application answers a slow body itself, with what all its answers have; this is for when it does not.
_GRACE_SECONDS = 2.0
#: How long a client is still heard after the answer: who closes at once may take the answer away from it.
_LINGER_SECONDS = 2.0

_log = structlog.get_logger(__name__)


def bounded_by(settings: ServerSettings) -> type[H11Protocol]:
    """Give the protocol of a connection that keeps within these settings."""

    class Bounded(_Connection):
        bounds = settings

    return Bounded


class _Connection(H11Protocol):
    bounds: ServerSettings

    _awaited: str | None = None
    _deadline: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _was_answered: bool = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take a connection; the first ones too many are told so, and more than twice as many are just closed."""
        super().connection_made(transport)
        if len(self.connections) > 2 * self.bounds.connections:
            transport.abort()
            return
        if len(self.connections) > self.bounds.connections:
            self.app_state = {**self.app_state, ONE_TOO_MANY: True}
        self._await("headers")

    def data_received(self, data: bytes) -> None:
        """Receive a piece of a request; of one that was cut off nothing more is looked at."""
        if self._was_answered:
            return
        super().data_received(data)
        self._await(self._due())

    def on_response_complete(self) -> None:
        """Go on to the next request of this connection, if this one has arrived."""
        super().on_response_complete()
        self._await(self._due())

    def pause_writing(self) -> None:
        """Wait for a client that does not read what it asked for, but not for ever."""
        super().pause_writing()
        self._reading = self.loop.call_later(self.bounds.body_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on, since the client reads."""
        super().resume_writing()
        _cancel(self._reading)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines of a connection that is gone."""
        _cancel(self._deadline)
        _cancel(self._reading)
        super().connection_lost(exc)

    def _due(self) -> str | None:
        """Say what the client is sending at this moment; an idle connection is uvicorn's to close."""
        if self.conn.their_state is h11.SEND_BODY:
            return "rest" if self.cycle.response_complete else "body"
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            return "headers"
        return None

    def _await(self, what: str | None) -> None:
        if what == self._awaited:
            return
        _cancel(self._deadline)
        self._awaited = what
        if what is not None:
            seconds = {
                "headers": self.bounds.header_seconds,
                "body": self.bounds.body_seconds + _GRACE_SECONDS,
                "rest": _LINGER_SECONDS,
            }
            self._deadline = self.loop.call_later(seconds[what], self._cut_off, what)

    def _cut_off(self, what: str) -> None:
        if self.transport.is_closing():
            return
        if what != "rest":
            _log.info("a slow client was cut off", awaited=what)
        if what == "headers" and self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._answer_408()
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Say that nothing more comes, and leave the client a moment to read what came."""
        self._was_answered = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _answer_408(self) -> None:
        problem = problem_of(RequestTooSlow("The request did not arrive in time: send it again, faster."))
        body = bytes(problem.body)
        headers: list[tuple[Any, Any]] = [
            ("content-type", PROBLEM_TYPE),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        answer = h11.Response(status_code=408, headers=headers, reason=b"Request Timeout")
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
