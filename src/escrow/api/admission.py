"""Who sends a body shows a valid API key first: nothing is read from anybody else.

A route authenticates again in its own transaction, since a key may be revoked while its body arrives. What the key may
do is for the route.
"""

from __future__ import annotations

from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from escrow import access
from escrow.api.dependencies import Service, not_shown
from escrow.api.problems import problem_of, unavailable
from escrow.errors import EscrowError

__all__ = ["KeysFirst"]


class KeysFirst:
    """Refuses a request with a body before the body is read, unless its key is known."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"].startswith("/v1/") and _has_body(Headers(scope=scope)):
            refusal = await run_in_threadpool(self._refusal, Headers(scope=scope).get("authorization"))
            if refusal is not None:
                await problem_of(refusal)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refusal(self, authorization: str | None) -> EscrowError | None:
        scheme, unverified_key = get_authorization_scheme_param(authorization)
        if scheme.lower() != "bearer" or not unverified_key:
            return not_shown()
        try:
            with self._service.database.snapshot("admit a body") as tx:
                access.authenticate(tx, unverified_key, now=self._service.now())
        except EscrowError as refusal:
            return refusal
        except (OperationalError, NoConnectionFree) as failure:
            return unavailable(failure)
        return None


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
