"""The 3×3 and lists of overlaps as a person sees them in a terminal: our populations down, theirs across."""

from __future__ import annotations

from collections.abc import Callable

from rich.box import SIMPLE_HEAD
from rich.table import Table

from escrow.client.cli.texts import printable
from escrow.reports.matrix import CellCount, CellState, OverlapMatrix
from escrow.reports.plays import PLAYS
from escrow.reports.report import ListedOverlap, OverlapList
from escrow.terms import Cell, Level, Population, Terms

__all__ = ["counts_grid", "levels_grid", "overlaps_table", "plays_grid"]

_STYLES = {Level.HIDDEN: "dim", Level.COUNTS: "cyan", Level.ACCOUNTS: "yellow", Level.DETAILS: "green"}
_CORNER = "ours ↓   theirs →"


def levels_grid(title: str, terms: Terms) -> Table:
    """Show how far each cell is shared, and what else the terms say."""
    table = _grid(lambda cell: f"[{_STYLES[terms.levels[cell]]}]{terms.levels[cell].word}[/]")
    table.title = title
    fields = f"; details hold {', '.join(terms.fields)}" if terms.fields else ""
    table.caption = (
        f"counts from {terms.counts_from.word} matches, reveals from {terms.reveals_from.word} ones; "
        f"lists up to {terms.largest_list:,} accounts{fields}"
    )
    return table


def counts_grid(matrix: OverlapMatrix) -> Table:
    """Show a release: the number of a public cell, a word for the others; totals where nothing is withheld."""
    table = _table()
    for header in (*(theirs.word for theirs in Population), "all"):
        table.add_column(header, justify="right", min_width=9)
    for ours in Population:
        counts = (_count_text(matrix[Cell(ours, theirs)]) for theirs in Population)
        table.add_row(ours.word, *counts, _total_text(matrix.total(ours=ours)))
    totals = (_total_text(matrix.total(theirs=theirs)) for theirs in Population)
    table.add_row("all", *totals, _total_text(matrix.total()))
    return table


def plays_grid() -> Table:
    """Say what an overlap in each cell is good for."""
    table = _grid(lambda cell: PLAYS[cell], width=24)
    table.title = "What an overlap is good for"
    table.show_lines = True
    return table


def overlaps_table(listed: OverlapList, limit: int) -> Table:
    """Show the first of a list of overlaps, with what the partner shares; a cell they all lie in is said once."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left", title_style="bold")
    fields, cells = listed.shared_fields, {item.cell for item in listed.items}
    between: tuple[str, ...] = ("ours × theirs",)
    if len(cells) == 1:
        (cell,) = cells
        between = ()
        table.title = f"{_cell_text(cell)}: {PLAYS[cell]}"
    for header in ("our account", "CRM id", *between, "match", *(f"their {name}" for name in fields)):
        table.add_column(header.replace("_", " "), overflow="ellipsis", no_wrap=True)
    for item in listed.items[:limit]:
        cell_text = [_cell_text(item.cell)] * len(between)
        shared = (printable(str(item.shared.get(name, ""))) for name in fields)
        table.add_row(printable(item.account_name), _ids_text(item), *cell_text, item.tier.word, *shared)
    return table


def _cell_text(cell: Cell) -> str:
    return f"{cell.ours.word} × {cell.theirs.word}"


def _ids_text(item: ListedOverlap) -> str:
    more = f" +{len(item.crm_ids) - 1}" if len(item.crm_ids) > 1 else ""
    return f"{printable(item.crm_ids[0])}{more}"


def _grid(cell_text: Callable[[Cell], str], *, width: int | None = None) -> Table:
    table = _table()
    for theirs in Population:
        table.add_column(theirs.word, justify="left" if width else "right", min_width=13, max_width=width)
    for ours in Population:
        table.add_row(ours.word, *(cell_text(Cell(ours, theirs)) for theirs in Population))
    return table


def _table() -> Table:
    """Make an empty table whose first column names our populations."""
    table = Table(
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    table.add_column(_CORNER)
    return table


def _count_text(count: CellCount) -> str:
    return f"[bold]{count}[/]" if count.state is CellState.PUBLIC else f"[dim]{count}[/]"


def _total_text(total: int | None) -> str:
    return "[dim]–[/]" if total is None else f"{total:,}"
