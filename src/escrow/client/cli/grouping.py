"""A group of commands with one that is meant when none is named."""

from __future__ import annotations

import typing

from typer.core import TyperGroup

if typing.TYPE_CHECKING:
    from typer._click.core import Context

__all__ = ["ReportGroup"]


class ReportGroup(TyperGroup):
    """`escrow report` alone shows a release."""

    default = "show"

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Put the name of the default command first where no command is named."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = [self.default, *args]
        return super().parse_args(ctx, args)
