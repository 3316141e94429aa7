"""No body is read past its limit, whether its length was stated or not, and none is waited for without an end."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from escrow.settings import ServerSettings

__all__ = ["BoundedBodies", "most_chunk_body"]

_ROOM_FOR_NAMES = 1024


class BoundedBodies:
    """Cuts a request off when its body grows past what its route takes."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        bounded = _Bounded(receive, _stated(scope), self._most_bytes(scope["path"]), seconds=self.settings.body_seconds)
        await self.app(scope, bounded, send)

    def _most_bytes(self, path: str) -> int:
        if "/chunks/" in path:
            return most_chunk_body(self.settings)
        if path.endswith("/submissions/rows"):
            return self.settings.json_list_bytes
        if path.endswith("/details"):
            return self.settings.details_body_bytes
        return self.settings.body_bytes


def most_chunk_body(settings: ServerSettings) -> int:
    """Tell how large the body of a chunk may be: in columns its bytes are base64, four letters for three."""
    return settings.chunk_bytes * 4 // 3 + _ROOM_FOR_NAMES


class _Bounded:
    """Receives a body and raises as soon as it is known to be too large or too slow."""

    def __init__(self, receive: Receive, stated: int, most: int, *, seconds: float) -> None:
        self._receive = receive
        self._most = most
        self._stated = stated
        self._received = 0
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._is_whole = False

    async def __call__(self) -> Message:
        """Receive one ASGI message."""
        if self._stated > self._most:
            raise HTTPException(413)
        message = await self._next()
        self._received += len(message.get("body", b""))
        if self._received > self._most:
            raise HTTPException(413)
        self._is_whole = not message.get("more_body", False)
        return message

    async def _next(self) -> Message:
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None


def _stated(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isdecimal() else 0
