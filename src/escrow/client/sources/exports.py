"""An export that was looked at: its format and the headers of its columns; its rows come in batches of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from escrow.client.sources.formats import FileFormat, format_of
from escrow.errors import ExportFormatUnknown

__all__ = ["Export", "ReadAs", "open_export"]


@dataclass(frozen=True, slots=True)
class ReadAs:
    """How a file is to be read, as far as someone has said; the rest is found out.

    ``header_row`` counts lines of a CSV file or rows of a sheet from 1.
    """

    format: FileFormat | None = None
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None


class Export(Protocol):
    """A file whose headers are known."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def format(self) -> FileFormat:
        """What it is."""

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers of its columns, trimmed."""

    def batches(self, places: Sequence[int], needed: Set[int]) -> Iterator[list[list[str]]]:
        """Yield some thousand rows at a time, a list of texts for each column at ``places``.

        Blank rows are left out. A row that ends before a column in ``needed`` is refused.

        Raises:
            ExportInvalid: a row cannot be read; the message names its line, sheet or column.
        """


def open_export(path: Path, said: ReadAs | None = None) -> Export:
    """Find out how a file is written and which columns it has.

    Raises:
        ExportInvalid: the file cannot be read; each subclass says what to do about it.
    """
    said = said or ReadAs()
    found = format_of(path)
    if said.format not in (None, found):
        raise ExportFormatUnknown(
            f"the file {path.name} was said to be {said.format.spoken} and is {found.spoken}; "
            "say its format as it is, or leave it to be found out"
        )
    # What reads workbooks and Parquet comes with an extra, and takes time to load.
    if found is FileFormat.XLSX:
        from escrow.client.sources.workbooks import open_workbook  # noqa: PLC0415  # see above

        return open_workbook(path, said.sheet, said.header_row)
    if found is FileFormat.PARQUET:
        from escrow.client.sources.parquet import open_parquet  # noqa: PLC0415  # see above

        return open_parquet(path)
    from escrow.client.sources.delimited import open_delimited  # noqa: PLC0415  # as the others

    return open_delimited(path, encoding=said.encoding, delimiter=said.delimiter, header_row=said.header_row)
