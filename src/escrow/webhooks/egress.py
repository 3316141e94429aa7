"""The only way out: posts a body to a target, and never to an address that the rule denies.

A name is resolved once for each post, every address it has is held to the rule, and the connection goes to an address
that was held to it: there is no second look-up that could answer otherwise. TLS still asks for a certificate of the
name. No redirect is followed, no proxy of the environment is heard, nothing is kept for a next post, and of the answer
no more is read than was asked for. Everything together ends within a time, however slowly the other side goes on.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import httpcore
import httpx

from escrow.store.states import AttemptOutcome
from escrow.webhooks.targets import Address, EgressRule, Target

__all__ = ["Answer", "Egress", "EgressLimits", "Posting", "Resolve", "is_of_this_machine", "resolve_name"]

#: Give every address of a name, or raise OSError.
Resolve = Callable[[str], Sequence[Address]]

#: A name with more addresses than this is tried at the first ones.
_MOST_ADDRESSES = 4


@dataclass(frozen=True, slots=True)
class EgressLimits:
    """How long one post may take, in seconds: until it is connected, between two bytes, and as a whole."""

    connect: float = 5
    read: float = 10
    total: float = 15


@dataclass(frozen=True, slots=True)
class Posting:
    """What is posted; never printed, since the headers sign it."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``retry_after`` is the header as it was sent, the body no more than was asked for."""

    status: int
    retry_after: str | None = field(default=None, repr=False)
    body: bytes = field(default=b"", repr=False)


class Egress:
    """Posts under one rule; threads share one."""

    def __init__(
        self,
        rule: EgressRule,
        limits: EgressLimits,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.rule = rule
        self._limits = limits
        self._resolve = resolve or resolve_name
        self._tls = tls or httpx.create_ssl_context(trust_env=False)

    def post(
        self, target: Target, make: Callable[[], Posting | None], *, answer_bytes: int = 0
    ) -> Answer | AttemptOutcome | None:
        """Post once, and give the answer with at most ``answer_bytes`` of its body, or say why there is none.

        What is posted is made once the connection stands, so that it is as of then; nothing is posted of None.
        """
        deadline = _Deadline(self._limits.total)
        try:
            with closing(self._connected(target, deadline)) as stream:
                posting = make()
                if posting is None:
                    return None
                deadline.restart()
                return self._answer(target, stream, posting, answer_bytes)
        except _Denied as denied:
            return denied.outcome
        except httpcore.TimeoutException:
            return AttemptOutcome.TIMEOUT
        except httpcore.NetworkError as failure:
            return AttemptOutcome.TLS if _is_of_tls(failure) else AttemptOutcome.UNREACHABLE
        except httpcore.ProtocolError:
            return AttemptOutcome.GARBLED

    def _connected(self, target: Target, deadline: _Deadline) -> httpcore.NetworkStream:
        guard = _Guard(self.rule, self._resolve, deadline)
        stream = guard.connect(target.host, target.port, self._limits.connect)
        if target.scheme == "https":
            return stream.start_tls(self._tls, target.host, self._limits.connect)
        return stream

    def _answer(self, target: Target, stream: httpcore.NetworkStream, posting: Posting, answer_bytes: int) -> Answer:
        origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
        own = {"Content-Type": "application/json", "User-Agent": "escrow-webhooks", "Connection": "close"}
        with (
            httpcore.HTTP11Connection(origin, stream) as connection,
            connection.stream(
                "POST",
                target.url,
                headers=[*own.items(), *posting.headers.items()],
                content=posting.body,
                extensions={"timeout": self._timeouts},
            ) as response,
        ):
            return Answer(response.status, _retry_after(response), _beginning(response, answer_bytes))

    @property
    def _timeouts(self) -> dict[str, float]:
        return {"read": self._limits.read, "write": self._limits.read}


class _Denied(Exception):
    """Nothing was sent."""

    def __init__(self, outcome: AttemptOutcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class _Deadline:
    """When everything ends."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Count from now on."""
        self._ends = time.monotonic() + self._seconds

    def left(self, timeout: float | None) -> float:
        """Tell how long one step may take, or raise ReadTimeout."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if timeout is None else min(left, timeout)


class _Guard:
    """Connects to a name at an address that the rule permits, for one post."""

    def __init__(self, rule: EgressRule, resolve: Resolve, deadline: _Deadline) -> None:
        self._rule = rule
        self._resolve = resolve
        self._deadline = deadline

    def connect(self, host: str, port: int, timeout: float) -> httpcore.NetworkStream:
        """Connect to one of the host's addresses, if all of them are permitted."""
        addresses = self._permitted(host, timeout)
        for address in addresses[:-1]:
            try:
                return self._connected(address, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._connected(addresses[-1], port, timeout)

    def _permitted(self, host: str, timeout: float) -> Sequence[Address]:
        addresses = _resolved(self._resolve, host, self._deadline.left(timeout))
        # One that is denied among others is how a name is bent: none of them is tried.
        if not all(map(self._permits, addresses)):
            raise _Denied(AttemptOutcome.FORBIDDEN)
        return addresses[:_MOST_ADDRESSES]

    def _permits(self, address: Address) -> bool:
        if not self._rule.permits(address):
            return False
        return address.is_loopback or not is_of_this_machine(address)

    def _connected(self, address: Address, port: int, timeout: float) -> httpcore.NetworkStream:
        backend = httpcore.SyncBackend()
        stream = backend.connect_tcp(str(address), port, timeout=self._deadline.left(timeout))
        peer = stream.get_extra_info("server_addr")
        if ip_address(peer[0]) != address:
            stream.close()
            raise _Denied(AttemptOutcome.FORBIDDEN)
        return _Bounded(stream, self._deadline)


class _Bounded(httpcore.NetworkStream):
    """A connection that ends at a time, whatever is still to come."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Bounded(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the interface's
        return self._stream.get_extra_info(info)


def resolve_name(host: str) -> Sequence[Address]:
    """Ask the system for every address of a name; the dot at its end keeps it from being completed by a domain."""
    name = host if host in {"localhost", "127.0.0.1"} else f"{host}."
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(str(each[4][0])) for each in found))


def is_of_this_machine(address: Address) -> bool:
    """Tell whether an address is one of this machine's own: only those can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


def _resolved(resolve: Resolve, host: str, within: float) -> Sequence[Address]:
    """Resolve beside this thread: the system's resolver knows no time limit of ours."""
    found: list[Sequence[Address]] = []

    def ask() -> None:
        try:
            found.append(resolve(host))
        except (OSError, ValueError):
            found.append(())

    thread = threading.Thread(target=ask, name="resolver", daemon=True)
    thread.start()
    thread.join(within)
    if not found:
        raise httpcore.ConnectTimeout
    if not found[0]:
        raise _Denied(AttemptOutcome.UNRESOLVED)
    return found[0]


def _beginning(response: httpcore.Response, most: int) -> bytes:
    """Read no more than was asked for; the connection is closed on the rest."""
    body = b""
    if not most:
        return body
    for piece in response.iter_stream():
        body += piece
        if len(body) >= most:
            break
    return body[:most]


def _retry_after(response: httpcore.Response) -> str | None:
    said = next((value for name, value in response.headers if name.lower() == b"retry-after"), None)
    return None if said is None else said.decode("latin-1")


def _is_of_tls(failure: BaseException) -> bool:
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
