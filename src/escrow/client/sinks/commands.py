"""Sink: a command that reads the changes as JSON lines; it has them when it ends with 0, and else gets them again."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from escrow.client.sinks.changes import Batch
from escrow.client.sinks.sink import ALL_TAKEN, Taken
from escrow.errors import SinkFailed

__all__ = ["CommandSink"]


class CommandSink:
    """Runs a command for each change set that says anything, in the folder of escrow.toml, without a shell."""

    most: int | None = 10_000

    def __init__(self, run: tuple[str, ...], folder: Path, *, seconds: float) -> None:
        self._run = run
        self._folder = folder
        self._seconds = seconds

    @property
    def place(self) -> str:
        """The program; its arguments may change without the sink being another."""
        return f"command {self._run[0]}"

    def take(self, batch: Batch) -> Taken:
        """Run the command with a line for each change."""
        if not batch.size:
            return ALL_TAKEN
        said = "".join(f"{line}\n" for line in _lines(batch)).encode()
        try:
            # What it prints is for people: the answer of escrow alone is on the standard output.
            done = subprocess.run(self._run, input=said, cwd=self._folder, timeout=self._seconds, stdout=2, check=False)
        except OSError as problem:
            raise SinkFailed(f"the command {self._run[0]} cannot be run ({problem.strerror}); check its path") from None
        except subprocess.TimeoutExpired:
            raise SinkFailed(f"the command {self._run[0]} was stopped after {self._seconds:.0f} s") from None
        if done.returncode != 0:
            raise SinkFailed(
                f"the command {self._run[0]} ended with {done.returncode}, and gets the same changes again"
            )
        return ALL_TAKEN

    def preview(self, batch: Batch) -> Iterator[str]:
        """Give the command and what it would read."""
        if batch.size:
            yield f"run {shlex.join(self._run)}"
            yield from _lines(batch)

    def close(self) -> None:
        """Nothing is held."""


def _lines(batch: Batch) -> Iterator[str]:
    return (json.dumps({"change_set": batch.number, **each.told}, ensure_ascii=False) for each in batch.changes)
