"""Ending a command that runs on and on: the first signal asks it to stop where that is clean, the second ends it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stopping", "stopping_by_signal"]


class Stopping:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def is_asked(self) -> bool:
        """Whether somebody did."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Ask to stop."""
        self._asked.set()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until somebody asks."""
        self._asked.wait(seconds)


@contextmanager
def stopping_by_signal() -> Iterator[Stopping]:
    """Let Ctrl-C and the signal that service managers send ask to stop."""
    stopping = Stopping()

    def asked(number: int, frame: FrameType | None) -> None:
        if stopping.is_asked():
            signal.default_int_handler(number, frame)
        stopping.ask()

    before = {each: signal.signal(each, asked) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
