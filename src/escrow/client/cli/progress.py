"""Progress bars on the error stream of a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

__all__ = ["Bars"]

_REDRAW_SECONDS = 0.1


class Bars:
    """Bars of the stages of one command.

    Drawn by the thread that works: a thread of their own would keep the blinding from forking its processes.
    """

    def __init__(self, *, are_shown: bool) -> None:
        self._are_shown = are_shown and sys.stderr.isatty()

    def __enter__(self) -> Self:
        if self._are_shown:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._progress = Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)
            self._drawn = 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._are_shown:
            self._progress.stop()

    def stage(self, name: str, total: int | None = None) -> Callable[[int], None] | None:
        """Begin a stage; give what tells its bar how much more was done, or None if no bar is shown."""
        if not self._are_shown:
            return None
        task = self._progress.add_task(name, total=total)

        def advance(count: int) -> None:
            self._progress.update(task, advance=count)
            if time.monotonic() - self._drawn > _REDRAW_SECONDS:
                self._progress.refresh()
                self._drawn = time.monotonic()

        return advance
