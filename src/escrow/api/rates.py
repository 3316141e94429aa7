"""How many requests an organization sends: a bucket each, in the memory of this process.

A bucket holds the requests of one minute and fills evenly, so a burst is answered and a flood is not. Several processes
count apart: together they let through that many times more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from threading import Lock
from uuid import UUID

from escrow.errors import RateExceeded

__all__ = ["Rates"]

_MINUTE = 60.0


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_at: float


class Rates:
    """The buckets of all organizations that called; there are no more of them than organizations."""

    def __init__(self) -> None:
        self._buckets: dict[UUID, _Bucket] = {}
        self._lock = Lock()

    def take(self, organization_id: UUID, *, per_minute: int, at: float) -> None:
        """Count a request at this moment of a steady clock, in seconds; ``per_minute`` 0 counts none.

        Raises:
            RateExceeded: the bucket is empty.
        """
        if per_minute == 0:
            return
        with self._lock:
            bucket = self._buckets.setdefault(organization_id, _Bucket(per_minute, at))
            filled = bucket.left + (at - bucket.filled_at) * per_minute / _MINUTE
            bucket.left, bucket.filled_at = min(filled, per_minute), at
            if bucket.left < 1:
                seconds = ceil((1 - bucket.left) * _MINUTE / per_minute)
                raise RateExceeded(
                    "This organization sends more requests than the service takes: wait as long as Retry-After says.",
                    per_minute=per_minute,
                    seconds=max(seconds, 1),
                )
            bucket.left -= 1
