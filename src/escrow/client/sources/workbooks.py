"""Excel workbooks (.xlsx): one sheet of them, read by python-calamine from the extra ``files``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.client.sources.cells import Typed, is_rounded, text_of
from escrow.client.sources.formats import FileFormat, extra_missing, readable
from escrow.errors import (
    ExportDamaged,
    ExportEmpty,
    ExportRowInvalid,
    ExtraMissing,
    RecordIdsInvalid,
    SheetUnknown,
)

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

__all__ = ["Worksheet", "open_workbook"]

_BATCH = 2000
_SHEETS_SHOWN = 10

Cells = list[Typed]


@dataclass(frozen=True, slots=True)
class Worksheet:
    """One sheet of a workbook; its header stands in row ``header_row``, counted from 1."""

    path: Path
    sheet: CalamineSheet = field(repr=False)
    header_row: int
    headers: tuple[str, ...]

    @property
    def format(self) -> FileFormat:
        """A workbook."""
        return FileFormat.XLSX

    def batches(self, places: Sequence[int], needed: Set[int]) -> Iterator[list[list[str]]]:
        """Yield the rows as `Export.batches` says; a sheet has no rows that are cut short."""
        self._refuse_merged(places)
        rows = islice(self.sheet.iter_rows(), self.header_row, None)
        first = self.header_row + 1
        while batch := list(islice(rows, _BATCH)):
            self._refuse_rounded(batch, needed, first)
            columns = [[text_of(row[place]) for row in batch] for place in places]
            kept = [any(map(str.strip, cells)) for cells in zip(*columns, strict=True)]
            yield [[text for text, is_kept in zip(column, kept, strict=True) if is_kept] for column in columns]
            first += len(batch)

    def _refuse_merged(self, places: Sequence[int]) -> None:
        """Only the first cell of merged ones holds their value: the rows below would be read as if they had none."""
        left = (self.sheet.start or (0, 0))[1]
        used = {left + place for place in places}
        for (top, first), (bottom, last) in self.sheet.merged_cell_ranges or ():
            if bottom > top and bottom >= self.header_row and used.intersection(range(first, last + 1)):
                raise ExportRowInvalid(
                    f"rows {top + 1} to {bottom + 1} of sheet {self.sheet.name!r} have merged cells, and only the "
                    "first of them holds their value; unmerge them and fill in every row"
                )

    def _refuse_rounded(self, batch: Sequence[Cells], needed: Set[int], first: int) -> None:
        for place in needed:
            for number, row in enumerate(batch, first):
                if is_rounded(row[place]):
                    raise RecordIdsInvalid(
                        f"row {number} of sheet {self.sheet.name!r} has in {self.headers[place]!r} a number of more "
                        "than 15 digits, of which Excel has rounded the last; export the column as text"
                    )


def open_workbook(path: Path, sheet: str | None, header_row: int | None) -> Worksheet:
    """Open a sheet: the one that is named, else the only one that is not hidden and not empty.

    Raises:
        ExtraMissing, ExportDamaged, ExportEmpty, SheetUnknown: it cannot be read, with what to do about it.
    """
    with _damage_told(path):
        workbook = _load(path)
        chosen = _named(workbook, path, sheet) if sheet is not None else _only_one(workbook, path)
        row = header_row or _first_row_with_cells(chosen)
        headers = next(islice(chosen.iter_rows(), row - 1, None), [])
    if not any(map(text_of, headers)):
        raise ExportEmpty(f"sheet {chosen.name!r} of {path.name} has no header in row {row}; say its row or its sheet")
    return Worksheet(path, chosen, row, tuple(text_of(header).strip() for header in headers))


def _load(path: Path) -> CalamineWorkbook:
    try:
        from python_calamine import load_workbook  # noqa: PLC0415  # an extra: the base install lacks it
    except ImportError as missing:
        raise ExtraMissing(extra_missing(path, FileFormat.XLSX.spoken)) from missing
    with readable(path):
        content = path.open("rb")
    with content:
        return load_workbook(content)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Say what the reader can do, in place of what the workbook's reader raises."""
    try:
        yield
    except ExtraMissing:
        raise
    except Exception as problem:
        if type(problem).__module__.split(".")[0] != "python_calamine":
            raise
        if type(problem).__name__ == "PasswordError":
            raise ExportDamaged(f"the workbook {path.name} is protected by a password; save it without one") from None
        raise ExportDamaged(
            f"the workbook {path.name} is damaged; open it in a spreadsheet and save it anew, or as CSV UTF-8"
        ) from None


def _named(workbook: CalamineWorkbook, path: Path, name: str) -> CalamineSheet:
    wanted = name.strip().casefold()
    found = next((each for each in workbook.sheet_names if each.strip().casefold() == wanted), None)
    if found is None:
        raise SheetUnknown(f"{path.name} has no sheet {name!r}; it has {_listed(workbook.sheet_names)}")
    return workbook.get_sheet_by_name(found)


def _only_one(workbook: CalamineWorkbook, path: Path) -> CalamineSheet:
    from python_calamine import SheetVisibleEnum  # noqa: PLC0415  # an extra: the base install lacks it

    shown = [each.name for each in workbook.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
    full = [sheet for name in shown if (sheet := workbook.get_sheet_by_name(name)).start is not None]
    if not full:
        raise ExportEmpty(
            f"the workbook {path.name} has nothing in a sheet that is not hidden; export the accounts again"
        )
    if len(full) > 1:
        raise SheetUnknown(
            f"{path.name} has several sheets; say which one holds the accounts, as in --sheet {full[0].name!r}: "
            f"{_listed([each.name for each in full])}"
        )
    return full[0]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHEETS_SHOWN} more" if len(names) > _SHEETS_SHOWN else ""
    return ", ".join(map(repr, names[:_SHEETS_SHOWN])) + more


def _first_row_with_cells(sheet: CalamineSheet) -> int:
    return next((number for number, row in enumerate(sheet.iter_rows(), 1) if any(map(text_of, row))), 1)
