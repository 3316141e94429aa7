"""How many requests run at once: those beyond are told to come back, before anything of theirs is read."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from escrow.api.problems import problem_of
from escrow.errors import ServiceBusy

__all__ = ["HEALTH", "ONE_TOO_MANY", "BoundedRequests"]

#: Addresses that are answered however much there is to do: who asks would otherwise end a service that is only busy.
HEALTH = frozenset({"/healthz", "/readyz"})

#: The state of a connection beyond the limit of connections.
ONE_TOO_MANY = "is one too many"


class BoundedRequests:
    """Answers 503 to a request that is one too many."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self._most = most
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] in HEALTH:
            await self.app(scope, receive, send)
            return
        if ONE_TOO_MANY in scope.get("state", {}) or self._running >= self._most:
            busy = ServiceBusy("The service has more to do than it takes on: send the same again in a moment.")
            await problem_of(busy)(scope, receive, send)
            return
        self._running += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._running -= 1
