"""Ending a command that runs on and on: the first signal asks it to stop where that is clean, the second ends it."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stopping", "stopping_by_signal", "wait_for"]

_SLICE = 0.5


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
        wait_for(self._asked, seconds)


def wait_for(event: threading.Event, seconds: float | None) -> None:
    """Wait for an event, so long at most; a signal is heard meanwhile, on Windows too."""
    if sys.platform == "win32":
        # There a signal is heard only between two waits.
        until = None if seconds is None else time.monotonic() + seconds
        while not event.wait(_SLICE if until is None else min(_SLICE, max(0.0, until - time.monotonic()))):
            if until is not None and time.monotonic() >= until:
                return
    else:
        event.wait(seconds)


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
