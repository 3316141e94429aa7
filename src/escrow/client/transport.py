"""The seam to the service: what of httpx speaks to it is here, so that its successor is a change of one file.

Addresses without TLS are refused except to the loopback interface. A request is repeated, a few times and ever more
slowly, when the connection fails or the service says to come back; every POST has an idempotency key that is the same
each time, so that the service acts on it once. Redirects are not followed, and the
API key is in no message, log line or ``repr``.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from random import random
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from escrow import __version__
from escrow.errors import CaFileInvalid, PlainHttpRefused, ProxyInvalid, ServiceUnreachable
from escrow.hosts import is_loopback

__all__ = ["Answer", "Connection", "HttpTransport", "Look", "Patience", "check_address", "retry_after"]

HttpTransport = httpx.BaseTransport

_COME_BACK = frozenset({429, 502, 503})
#: What the service says of a request that it still acts on: its answer is to be had a moment later.
_STILL_RUNNING = b'"request-in-progress"'

#: What OpenSSL says of a certificate that no known authority signed; asking again changes nothing.
_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
_EXPIRED = "certificate has expired"
#: How OpenSSL begins what it says of an answer that is not TLS, or a TLS it cannot speak.
_NO_TLS = "[SSL"

#: A command that was cut off goes on where it was: what arrived counts once, and what did not is sent then.
_AGAIN = "run the same again: nothing is lost"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said: a status, the media type and the bytes."""

    status: int
    media_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Look:
    """What a first glance at the service shows: its clock, and until when its certificate is good (None: no TLS)."""

    answer: Answer
    clock: datetime | None
    certificate_ends: datetime | None


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is sent, how the pauses between grow, and the longest pause the service may ask for."""

    attempts: int = 5
    first_pause: float = 0.25
    longest_pause: float = 60.0

    def pause(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after this attempt (from 0): what the service asked for, or twice the last, spread out."""
        if asked is not None:
            return min(asked, self.longest_pause)
        spread = 0.75 + random() / 2  # noqa: S311  # keeps clients apart, guards nothing
        return min(self.first_pause * float(2**attempt), self.longest_pause) * spread


def check_address(url: str) -> str:
    """Give the address without its last slash.

    Raises:
        PlainHttpRefused: it is not https, and not plain http to this machine.
    """
    parts = urlsplit(url)
    if parts.hostname is None or parts.scheme not in {"http", "https"}:
        raise PlainHttpRefused("the service's address starts with https://, like https://escrow.example.com")
    if parts.username is not None or parts.query or parts.fragment:
        raise PlainHttpRefused("the service's address has no user, question mark or number sign in it")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise PlainHttpRefused("plain http is only for a service on this machine; use the https:// address")
    return url.rstrip("/")


class Connection:
    """A pool of connections to one service, with the API key on every request."""

    def __init__(  # each is a choice of the caller's, by keyword
        self,
        url: str,
        api_key: str,
        *,
        ca: Path | None = None,
        proxy: str | None = None,
        transport: HttpTransport | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = check_address(url)
        self._patience = patience or Patience()
        self._sleep = sleep
        verify = _trust(self.url, ca)
        try:
            self._http = httpx.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {api_key}", "User-Agent": f"escrow/{__version__}"},
                verify=verify,
                proxy=proxy,
                # A proxy named in the environment is not asked to carry what stays on this machine.
                trust_env=not is_loopback(urlsplit(self.url).hostname or ""),
                timeout=httpx.Timeout(60.0, connect=10.0),
                transport=transport,
            )
        except (ValueError, ImportError, httpx.InvalidURL):
            raise ProxyInvalid(
                "the proxy's address cannot be used; write it as http://host:port in --proxy or ESCROW_PROXY"
            ) from None

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        media_type: str = "application/json",
        query: Mapping[str, str | int] | None = None,
    ) -> Answer:
        """Send a request until there is an answer that is not "come back later", or patience ends.

        Raises:
            ServiceUnreachable: no answer came.
        """
        headers = {"Content-Type": media_type} if content is not None else {}
        if method == "POST":
            headers["Idempotency-Key"] = f'"{uuid4()}"'
        request = self._http.build_request(method, path, content=content, headers=headers, params=query)
        for attempt in range(self._patience.attempts):
            is_last = attempt + 1 == self._patience.attempts
            try:
                response = self._http.send(request)
            except httpx.TransportError as failure:
                if is_last or _UNTRUSTED in str(failure):
                    raise ServiceUnreachable(_why(self.url, failure)) from None
                self._sleep(self._patience.pause(attempt, None))
                continue
            if is_last or not _asks_to_come_back(response):
                break
            self._sleep(self._patience.pause(attempt, retry_after(response.headers.get("Retry-After"))))
        return Answer(response.status_code, response.headers.get("Content-Type", ""), response.content)

    def look(self, path: str) -> Look:
        """Send one request, once, and read what stands beside the answer.

        Raises:
            ServiceUnreachable: no answer came.
        """
        try:
            response = self._http.get(path)
        except httpx.TransportError as failure:
            raise ServiceUnreachable(_why(self.url, failure)) from None
        answer = Answer(response.status_code, response.headers.get("Content-Type", ""), response.content)
        return Look(answer, _date(response.headers.get("Date")), _certificate_ends(response))


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC) if header else None
    except (ValueError, OverflowError):
        return None


def _certificate_ends(response: httpx.Response) -> datetime | None:
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    ends = (tls.getpeercert() or {}).get("notAfter") if tls is not None else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None


def _trust(url: str, ca: Path | None) -> ssl.SSLContext | bool:
    """Tell whom to believe; where nothing is encrypted nobody is, and reading a hundred authorities takes its time."""
    if ca is None:
        return urlsplit(url).scheme == "https" or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError):
        raise CaFileInvalid(
            f"the certificate authority {ca} cannot be read; give a PEM file with --ca-file or ESCROW_CA_FILE"
        ) from None


def _asks_to_come_back(response: httpx.Response) -> bool:
    return response.status_code in _COME_BACK or (response.status_code == 409 and _STILL_RUNNING in response.content)


def retry_after(header: str | None) -> float | None:
    """Read a Retry-After header as seconds from now; None where it says nothing."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _why(url: str, failure: httpx.TransportError) -> str:
    if _EXPIRED in str(failure):
        return f"the certificate of {url} has expired; the operator renews it (and look at this machine's clock)"
    if _UNTRUSTED in str(failure):
        return f"the certificate of {url} is not trusted; name its authority with --ca-file or ESCROW_CA_FILE"
    if _NO_TLS in str(failure):
        return f"{url} did not speak TLS as https:// needs; look at the address, its port and any proxy in between"
    if isinstance(failure, httpx.TimeoutException):
        return f"{url} did not answer in time; look at the service and your network, then {_AGAIN}"
    return f"no connection to {url}; look at the address, your network and proxy, then {_AGAIN}"
