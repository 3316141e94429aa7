"""Randomness for vectors: it looks random and is the same every time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

Document = dict[str, Any]

#: The profile ids that stand in vectors.
PROFILE = "escrow-1+psl-2026-10-23"
NEXT_PROFILE = "escrow-2+psl-2027-04-01"


def random_of(seed: str) -> Callable[[int], bytes]:
    """Give a source of bytes that the seed alone decides."""
    stream: Iterator[int] = iter(hashlib.shake_256(f"escrow vectors {seed}".encode()).digest(4096))
    return lambda length: bytes(next(stream) for _ in range(length))


def given(*answers: bytes) -> Callable[[int], bytes]:
    """Give a source that answers with these bytes, one after the other."""
    left = iter(answers)
    return lambda _: next(left)


def new_id(random: Callable[[int], bytes]) -> UUID:
    """Make an id as organizations and partnerships have it."""
    return UUID(bytes=random(16), version=4)
