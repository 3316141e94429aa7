"""The 3×3 as a person sees it in a terminal: our populations down, theirs across."""

from __future__ import annotations

from collections.abc import Callable

from rich.box import SIMPLE_HEAD
from rich.table import Table

from escrow.terms import Cell, Level, Population, Terms

__all__ = ["grid", "levels_grid"]

_STYLES = {Level.HIDDEN: "dim", Level.COUNTS: "cyan", Level.ACCOUNTS: "yellow", Level.DETAILS: "green"}


def grid(title: str, cell_text: Callable[[Cell], str]) -> Table:
    """Lay nine texts out with both axes named."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    table.add_column("ours ↓   theirs →")
    for theirs in Population:
        table.add_column(theirs.word, justify="right", min_width=14)
    for ours in Population:
        table.add_row(ours.word, *(cell_text(Cell(ours, theirs)) for theirs in Population))
    return table


def levels_grid(title: str, terms: Terms) -> Table:
    """Show how far each cell is shared, and what else the terms say."""
    table = grid(title, lambda cell: f"[{_STYLES[terms.levels[cell]]}]{terms.levels[cell].word}[/]")
    fields = f"; details hold {', '.join(terms.fields)}" if terms.fields else ""
    table.caption = (
        f"counts from {terms.counts_from.word} matches, reveals from {terms.reveals_from.word} ones; "
        f"lists up to {terms.largest_list:,} accounts{fields}"
    )
    table.caption_justify = "left"
    return table
