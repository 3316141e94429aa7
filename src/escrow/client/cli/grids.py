"""The 3×3 and lists of overlaps as a person sees them in a terminal: our populations down, theirs across."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

from escrow.client.cli.texts import printable, without_controls
from escrow.client.columns import ColumnMapping, Meaning
from escrow.reports.matrix import CellState
from escrow.reports.plays import PLAYS
from escrow.reports.report import DetailValue, ListedOverlap, OverlapList, ReleaseView
from escrow.terms import Cell, Population

__all__ = ["columns_grid", "counts_grid", "numbers_grid", "overlaps_table", "plays_grid"]

_WIDEST = 32
_BETWEEN_COLUMNS = 3
#: So many letters of a match id tell millions of matches apart.
_LETTERS = 12
_ID_HEADER = "match id"

#: What a narrow terminal keeps of a list of overlaps, the first longest; fields that are not named go first.
_KEPT_LONGEST = (
    _ID_HEADER,
    "our account",
    "match",
    "their account_name",
    "ours × theirs",
    "their domain",
    "CRM id",
    "their owner_name",
    "their stage",
    "their region",
)
_CORNER = "ours ↓   theirs →"


def columns_grid(mapping: ColumnMapping) -> Table:
    """Show which column of an export is taken for what."""
    table = Table.grid(padding=(0, 2, 0, 0))
    mapped = [meaning for meaning in Meaning if meaning in mapping.columns]
    for meaning in mapped:
        title = "Columns:" if meaning is mapped[0] else ""
        table.add_row(title, str(meaning), printable(mapping.columns[meaning]))
    return table


def counts_grid(release: ReleaseView) -> Table:
    """Show a release: the number of a public cell, a word for the others; totals where nothing is withheld."""
    table = _table()
    for header in (*(theirs.word for theirs in Population), "all"):
        table.add_column(header, justify="right", min_width=9)
    for ours in Population:
        counts = (_count_text(release, Cell(ours, theirs)) for theirs in Population)
        table.add_row(ours.word, *counts, _total_of(release, ours=ours))
    totals = (_total_of(release, theirs=theirs) for theirs in Population)
    table.add_row("all", *totals, _total_of(release))
    return table


def numbers_grid(numbers: Mapping[Cell, int | None]) -> Table:
    """Show numbers by cell, a dash where there is none."""
    return _grid(lambda cell: _total_text(numbers[cell]))


def plays_grid() -> Table:
    """Say what an overlap in each cell is good for."""
    table = _grid(lambda cell: PLAYS[cell], width=24)
    table.title = "What an overlap is good for"
    table.show_lines = True
    return table


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a list: its header, and what stands in it, safe to show."""

    header: str
    values: Sequence[str]

    @property
    def width(self) -> int:
        return min(_WIDEST, max(cell_len(each) for each in (self.header, *self.values)))


def overlaps_table(listed: OverlapList, limit: int, *, width: int, ids: bool = False) -> tuple[Table, tuple[str, ...]]:
    """Show the first of a list of overlaps, with what the partner shares; a cell they all lie in is said once.

    Gives the table and the headers of the columns that it has no room for.
    """
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left", title_style="bold")
    cells = {item.cell for item in listed.items}
    if len(cells) == 1:
        (cell,) = cells
        table.title = textwrap.fill(f"{_cell_text(cell)}: {PLAYS[cell]}", width)
    columns = _columns(listed, limit, says_cell=len(cells) > 1)
    if ids:
        letters = [item.match_letters[:_LETTERS] for item in listed.items[:limit]]
        columns.insert(0, _Column(_ID_HEADER, letters))
    kept = _fitting(columns, width)
    for column in kept:
        table.add_column(_spoken(column.header), overflow="ellipsis", no_wrap=True, max_width=_WIDEST)
    for row in zip(*(column.values for column in kept), strict=True):
        table.add_row(*map(escape, row))
    return table, tuple(_spoken(column.header) for column in columns if column not in kept)


def _columns(listed: OverlapList, limit: int, *, says_cell: bool) -> list[_Column]:
    items = listed.items[:limit]
    columns = [
        _Column("our account", [_shown(item.account_name) for item in items]),
        _Column("CRM id", [_ids_text(item) for item in items]),
        _Column("match", [item.tier.word for item in items]),
    ]
    if says_cell:
        columns.insert(2, _Column("ours × theirs", [_cell_text(item.cell) for item in items]))
    for name in listed.shared_fields:
        columns.append(_Column(f"their {name}", [_shown(item.shared.get(name)) for item in items]))
    return [column for column in columns if any(column.values)]


def _fitting(columns: Sequence[_Column], width: int) -> list[_Column]:
    """Leave columns out, the least telling first, until the others stand side by side."""
    kept = list(columns)
    while len(kept) > 1 and sum(column.width + _BETWEEN_COLUMNS for column in kept) - _BETWEEN_COLUMNS > width:
        kept.remove(max(kept, key=_dispensable))
    return kept


def _dispensable(column: _Column) -> int:
    return _KEPT_LONGEST.index(column.header) if column.header in _KEPT_LONGEST else len(_KEPT_LONGEST)


def _spoken(header: str) -> str:
    return header.replace("_", " ")


def _shown(value: DetailValue) -> str:
    return "" if value is None else without_controls(str(value).replace("\n", " "))


def _cell_text(cell: Cell) -> str:
    return f"{cell.ours.word} × {cell.theirs.word}"


def _ids_text(item: ListedOverlap) -> str:
    more = f" +{len(item.crm_ids) - 1}" if len(item.crm_ids) > 1 else ""
    return f"{_shown(item.crm_ids[0])}{more}"


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


def _count_text(release: ReleaseView, cell: Cell) -> str:
    count = release.matrix[cell]
    if count.state is not CellState.PUBLIC:
        return f"[dim]{count}[/]"
    return f"{'≈ ' if release.is_approximate(cell) else ''}[bold]{count}[/]"


def _total_of(release: ReleaseView, *, ours: Population | None = None, theirs: Population | None = None) -> str:
    mark = "≈ " if release.is_approximate_total(ours=ours, theirs=theirs) else ""
    return mark + _total_text(release.matrix.total(ours=ours, theirs=theirs))


def _total_text(total: int | None) -> str:
    return "[dim]–[/]" if total is None else f"{total:,}"
