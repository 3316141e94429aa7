"""The socket: an application on it within the limits of the settings, in HTTPS or behind the proxies that are named."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from escrow.server.connections import bounded_by

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from escrow.server.certificates import Certificate
    from escrow.settings import ServerSettings

__all__ = ["Listener", "listener"]


class Listener(uvicorn.Server):
    """A server that says when it is told to stop, and not only when it has."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop taking requests; those that run may end."""
        self._stopping()
        super().handle_exit(sig, frame)


def listener(
    app: ASGIApp,
    settings: ServerSettings,
    certificate: Certificate | None = None,
    *,
    stopping: Callable[[], None] = lambda: None,
) -> Listener:
    """Put an application on the socket of the settings; what uvicorn reads from the environment is all said here."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=bounded_by(settings),
        workers=1,
        ssl_context_factory=(lambda _config, _default: certificate.context) if certificate else None,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=settings.stop_seconds,
    )
    return Listener(config, stopping)
