"""`escrow-server` in processes of its own that start at once: each is forked from one that has its libraries loaded.

Loading them takes two seconds, more than all that most journeys ask of a service. The program as its users start it is
tested in ``test_server`` and run by the blocks of the documentation.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from escrow.server import main

__all__ = ["Running", "start"]

_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(
    ["escrow.server", "escrow.api.app", "escrow.deliveries.dispatcher", "escrow.server.listening", "escrow.worker"]
)


@dataclass(frozen=True, slots=True)
class Running:
    """A process of ours, with what is used of ``subprocess.Popen``."""

    process: BaseProcess

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def poll(self) -> int | None:
        """Give how it ended, or None while it runs."""
        return self.process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float) -> int:
        """Wait for its end."""
        self.process.join(timeout)
        ended = self.poll()
        if ended is None:
            raise subprocess.TimeoutExpired("escrow-server", timeout)
        return ended


def start(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Running:
    """Start `escrow-server` with these arguments; what it says goes to the end of the file."""
    process = _LOADED.Process(target=_run, args=([*arguments], dict(environment), str(log)), daemon=True)
    process.start()
    return Running(process)


def _run(arguments: list[str], environment: dict[str, str], log: str) -> None:
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(said, sys.stdout.fileno())
    os.dup2(said, sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["escrow-server", *arguments]
    main()
