"""Calls of other companies' HTTP interfaces: Slack, Salesforce, HubSpot; the second seam to the network.

Plain HTTP is for this machine alone, redirects are not followed, and neither an address nor what was sent or answered
is in an error. A call is repeated when the other side says to come back, for as long as a caller is patient.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from escrow import __version__
from escrow.client.transport import HttpTransport, Patience, retry_after
from escrow.errors import ClientError, SinkFailed
from escrow.hosts import is_loopback

__all__ = ["Called", "Caller", "check_called"]

_COME_BACK = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Called:
    """What was answered; ``json`` is None where it is none."""

    status: int
    json: Any = field(repr=False)


def check_called(url: str, what: str, error: type[ClientError] = SinkFailed) -> str:
    """Give the address without its last slash.

    Raises:
        SinkFailed, or ``error``: it is not https, and not this machine's.
    """
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname, parts.scheme
    except ValueError:
        host, scheme = None, ""
    if host is None or (scheme != "https" and not (scheme == "http" and is_loopback(host))):
        raise error(f"the address of {what} is no https:// address; look at what escrow.toml names")
    return url.rstrip("/")


class Caller:
    """Calls of one service, ``what`` for people."""

    def __init__(
        self,
        what: str,
        *,
        patience: Patience | None = None,
        transport: HttpTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.what = what
        self._patience = patience or Patience()
        self._sleep = sleep
        self._transport = transport
        self._http: httpx.Client | None = None

    def close(self) -> None:
        """Give the connections back."""
        if self._http is not None:
            self._http.close()

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        error: type[ClientError] = SinkFailed,
    ) -> Called:
        """Call until there is an answer that is not "come back later", or patience ends.

        Raises:
            SinkFailed, or ``error``: no answer came.
        """
        http = self._client(url)
        try:
            request = http.build_request(
                method, url, headers=dict(headers or {}), json=json, data=dict(form) if form else None, params=query
            )
        except (httpx.InvalidURL, ValueError):
            raise error(f"the address of {self.what} is none; look at what escrow.toml names") from None
        for attempt in range(self._patience.attempts):
            is_last = attempt + 1 == self._patience.attempts
            try:
                response = http.send(request)
            except httpx.RequestError as failure:
                if is_last:
                    kind = type(failure).__name__
                    raise error(f"no answer from {self.what} ({kind}); look at its address and your network") from None
                self._sleep(self._patience.pause(attempt, None))
                continue
            if is_last or response.status_code not in _COME_BACK:
                break
            self._sleep(self._patience.pause(attempt, retry_after(response.headers.get("Retry-After"))))
        return Called(response.status_code, _json(response))

    def _client(self, url: str) -> httpx.Client:
        if self._http is None:
            self._http = httpx.Client(
                headers={"User-Agent": f"escrow/{__version__}"},
                # A proxy named in the environment is not asked to carry what stays on this machine.
                trust_env=not is_loopback(urlsplit(url).hostname or ""),
                timeout=httpx.Timeout(60.0, connect=10.0),
                transport=self._transport,
            )
        return self._http


def _json(response: httpx.Response) -> Any:  # noqa: ANN401  # another company's JSON
    try:
        return response.json()
    except ValueError:
        return None
