"""The console that commands answer on."""

from __future__ import annotations

from rich.console import Console

__all__ = ["PipedConsole"]


class PipedConsole(Console):
    """Tells that its reader left, as writing to a file does; rich ends the process with an exit code of its own."""

    def on_broken_pipe(self) -> None:
        """Let who asked to print decide."""
        raise BrokenPipeError
