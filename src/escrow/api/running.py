"""Which requests run in this process at this moment, by what they must not run twice for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from escrow.errors import RequestInProgress

__all__ = ["Running"]


class Running:
    """A set of digests, each there for as long as its request runs."""

    def __init__(self) -> None:
        self._running: set[bytes] = set()
        self._lock = Lock()

    @contextmanager
    def alone(self, digest: bytes) -> Iterator[None]:
        """Run the block, or raise RequestInProgress if a block with this digest runs."""
        with self._lock:
            if digest in self._running:
                raise RequestInProgress(
                    "A request with this Idempotency-Key is still running: send it again in a moment."
                )
            self._running.add(digest)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(digest)
