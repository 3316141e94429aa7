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

    def __init__(self, wakeup: threading.Event | None = None) -> None:
        self._asked = threading.Event()
        self._wakeup = wakeup

    def is_asked(self) -> bool:
        """Whether somebody did."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Ask to stop, and wake who waits for something else."""
        self._asked.set()
        if self._wakeup is not None:
            self._wakeup.set()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until somebody asks."""
        self._asked.wait(seconds)


@contextmanager
def stopping_by_signal(wakeup: threading.Event | None = None) -> Iterator[Stopping]:
    """Let Ctrl-C and the signal that service managers send ask to stop; who waits for ``wakeup`` is woken too."""
    stopping = Stopping(wakeup)

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
