"""The options that correct a list, alike in every command that makes its accounts, and how a person is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escrow.client.cli.texts import counted

if TYPE_CHECKING:
    from escrow.client.accounts import LeftOut
    from escrow.client.corrections import Corrections
    from escrow.client.project import ListPlan

__all__ = ["AliasesOption", "DoNotMapOption", "NoDoNotMapOption", "SaidCorrections", "told_of_corrections"]

AliasesOption = Annotated[
    Path | None,
    typer.Option("--aliases", help="CSV or TOML that says which names, domains and ids are one company, or apart."),
]
DoNotMapOption = Annotated[
    Path | None,
    typer.Option("--do-not-map", help="CSV or TOML of names, domains and ids of which nothing is sent."),
]
NoDoNotMapOption = Annotated[
    bool, typer.Option("--no-do-not-map", help="Do without a do-not-map list, though one was used before.")
]


@dataclass(frozen=True, slots=True)
class SaidCorrections:
    """What the options say; they go before escrow.toml."""

    aliases: Path | None = None
    do_not_map: Path | None = None
    without_do_not_map: bool = False

    def __post_init__(self) -> None:
        """Refuse to be told both to use a list and to do without."""
        if self.do_not_map is not None and self.without_do_not_map:
            raise typer.BadParameter("name a list or do without one, not both", param_hint="--no-do-not-map")

    def read(self, plan: ListPlan) -> Corrections:
        """Read the files that are named here, else in a plan of escrow.toml.

        Raises:
            CorrectionsInvalid: one of them cannot be used.
        """
        from escrow.client.corrections import Aliases, Corrections, read_aliases, read_do_not_map

        aliases = self.aliases or plan.aliases
        do_not_map = self.do_not_map or plan.do_not_map
        return Corrections(
            read_aliases(aliases) if aliases is not None else Aliases(),
            read_do_not_map(do_not_map) if do_not_map is not None and not self.without_do_not_map else None,
        )


def told_of_corrections(left_out: LeftOut) -> Iterator[str]:
    """Say what was kept back, and what names nothing here and may be misspelled."""
    if left_out.kept_back_accounts:
        yield f"{counted(left_out.kept_back_accounts, 'account')} kept back by your do-not-map list"
    if entries := len(left_out.idle_do_not_map):
        yield f"Your do-not-map list has {counted(entries, 'entry', 'entries')} with no account here"
    if companies := len(left_out.idle_aliases):
        yield f"Your alias file has {counted(companies, 'company', 'companies')} with no account here"
    if sides := len(left_out.idle_sides):
        yield f"Your alias file keeps apart {counted(sides, 'entry', 'entries')} with no account here"
