"""Around every request: an id, one line in the log, the headers that every response has, and the outermost catch.

The line names the route by its template, the network address of the client, and the organization by its id. No path,
query, header or body of a request is ever logged.
"""

from __future__ import annotations

import time
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from escrow.api.dependencies import PRESENTED
from escrow.api.logs import told
from escrow.api.problems import unexpected

__all__ = ["Observed"]

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = structlog.get_logger(__name__)


class Observed:
    """The outermost loop of the API: what nobody foresaw ends here as an opaque 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._observe(scope, receive, _Answer(send, request_id, secure=scope["scheme"] == "https"))

    async def _observe(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        started = time.perf_counter()
        try:
            await self.app(scope, receive, answer)
        except Exception as failure:
            _log.error("request failed", **told(failure))
            if answer.status is not None:
                raise
            await unexpected()(scope, receive, answer)
        finally:
            _log.info(
                "request",
                method=scope["method"] if scope["method"] in _METHODS else "other",
                route=getattr(scope.get("route"), "path", None),
                status=answer.status,
                organization_id=_organization(scope),
                client=scope["client"][0] if scope.get("client") else None,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )


def _organization(scope: Scope) -> str | None:
    """Say who called, once the route has found the key to be good."""
    presented = scope.get(PRESENTED)
    return str(presented.caller.organization_id) if presented is not None and presented.caller is not None else None


class _Answer:
    """Sends a response with the headers that every response has, and remembers its status."""

    def __init__(self, send: Send, request_id: str, *, secure: bool) -> None:
        self.status: int | None = None
        self._send = send
        self._headers = _HEADERS | {"X-Request-Id": request_id}
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, message: Message) -> None:
        """Send one ASGI message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message).update(self._headers)
        await self._send(message)
