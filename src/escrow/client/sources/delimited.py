"""CSV: UTF-8 with or without a byte order mark, UTF-16 and UTF-32 with one, or an encoding that is said.

Commas, semicolons, tabs or bars stand between cells. Rows are read fast; where one is wrong, the file is read again
row by row to say which line it is.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from escrow.client.sources.formats import LONGEST_CELL, FileFormat, readable
from escrow.errors import ExportEmpty, ExportEncodingUnknown, ExportRowInvalid

__all__ = ["DelimitedFile", "open_delimited"]

_BATCH = 500
_DELIMITERS = ",;\t|"
_LONGEST_FIRST_LINE = 1 << 20
#: The mark of UTF-32 begins as that of UTF-16 does: it is looked for first.
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PIECE_BYTES = 1 << 16
#: Excel writes and reads such a first line, which says what stands between cells.
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*")

Row = list[str]
Reader = Any  # the type of a csv.reader has no name before Python 3.13


@dataclass(frozen=True, slots=True)
class DelimitedFile:
    """A CSV file that was looked at; its header stands in line ``header_row``."""

    path: Path
    encoding: str
    delimiter: str
    header_row: int
    headers: tuple[str, ...]

    @property
    def format(self) -> FileFormat:
        """CSV."""
        return FileFormat.CSV

    def batches(self, places: Sequence[int], needed: Set[int]) -> Iterator[list[list[str]]]:
        """Yield the rows as `Export.batches` says."""
        fit = _Fit(len(self.headers), max(needed, default=-1) + 1, tuple(places))
        try:
            yield from self._columns(fit)
        except csv.Error as problem:
            raise ExportRowInvalid(self._first_fault(fit)) from problem

    def _columns(self, fit: _Fit) -> Iterator[list[list[str]]]:
        with self._rows() as reader:
            while batch := list(islice(reader, _BATCH)):
                if set(map(len, batch)) != {fit.width}:
                    batch = [row for row in batch if not fit.is_blank(row)]
                    if any(map(fit.fault_of, batch)):
                        raise ExportRowInvalid(self._first_fault(fit))
                    batch = [row[: fit.width] + [""] * (fit.width - len(row)) for row in batch]
                columns = [[row[place] for row in batch] for place in fit.places]
                if any("\0" in "".join(column) for column in columns):
                    raise ExportRowInvalid(self._first_fault(fit))
                yield columns

    @contextmanager
    def _rows(self) -> Iterator[Reader]:
        """Open the file behind its header."""
        with _decoded(self.path, self.encoding), self.path.open(encoding=self.encoding, newline="") as text:
            _skip_lines(text, self.header_row - 1)
            # Strict, since a quote that never ends would otherwise swallow every row after it without a word.
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            next(reader)
            yield reader

    def _first_fault(self, fit: _Fit) -> str:
        """Read row by row up to the first that is wrong, and say which line it begins in and what is wrong."""
        with self._rows() as reader:
            line = reader.line_num
            try:
                for row in reader:
                    if not fit.is_blank(row) and (fault := fit.fault_of(row) or fit.strange_sign_in(row)):
                        return f"line {self.header_row + line} of {self.path.name} {fault}"
                    line = reader.line_num
            except csv.Error as problem:
                return f"line {self.header_row + line} of {self.path.name} {_not_csv(problem)}"
        return f"the file {self.path.name} changed while it was read; try again"


@dataclass(frozen=True, slots=True)
class _Fit:
    """How many cells the header has, how many a row must have at the least, and the places that are used."""

    width: int
    least: int
    places: tuple[int, ...]

    def is_blank(self, row: Row) -> bool:
        return not any(map(str.strip, row))

    def fault_of(self, row: Row) -> str | None:
        if len(row) > self.width and not self.is_blank(row[self.width :]):
            return (
                f"has {len(row)} cells and the header {self.width}: a cell that holds the separator must stand in "
                "quotes; export the file again as CSV"
            )
        if len(row) < self.least:
            return (
                f"has {len(row)} cells, the header {self.width}, and cell {self.least} is needed: the row is cut "
                "short; export the file again as CSV"
            )
        return None

    def strange_sign_in(self, row: Row) -> str | None:
        if any("\0" in row[place] for place in self.places if place < len(row)):
            return "holds a NUL byte, which no text has; export the file again as CSV UTF-8"
        return None


def open_delimited(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, header_row: int | None = None
) -> DelimitedFile:
    """Find out how a CSV file is written, as far as nobody has said it."""
    if encoding is not None:
        _check_encoding(encoding)
    encoding = encoding or _encoding(path)
    with _decoded(path, encoding), path.open(encoding=encoding, newline="") as text:
        separator = _SEPARATOR_LINE.fullmatch(text.readline(_LONGEST_FIRST_LINE).lstrip("\ufeff"))
        row = header_row or (2 if separator else 1)
        delimiter = delimiter or (separator[1] if separator else None)
        text.seek(0)
        _skip_lines(text, row - 1)
        start = text.readline(_LONGEST_FIRST_LINE).lstrip("\ufeff")
    delimiter = delimiter or max(_DELIMITERS, key=lambda candidate: _cells(start, candidate))
    headers = _headers(path, encoding, delimiter, row)
    if not any(headers):
        raise ExportEmpty(
            f"the file {path.name} has no header in line {row}; export the accounts with a line that names the columns"
        )
    return DelimitedFile(path, encoding, delimiter, row, headers)


def _headers(path: Path, encoding: str, delimiter: str, row: int) -> tuple[str, ...]:
    with _decoded(path, encoding), path.open(encoding=encoding, newline="") as text:
        _skip_lines(text, row - 1)
        reader = csv.reader(text, delimiter=delimiter)
        try:
            first = next(reader, [])
        except csv.Error as problem:
            raise ExportRowInvalid(f"line {row} of {path.name}, its header, {_not_csv(problem)}") from problem
    return tuple(header.strip().lstrip("\ufeff") for header in first)


def _cells(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), ()))
    except csv.Error:
        return 0


def _skip_lines(text: TextIO, lines: int) -> None:
    for _ in range(lines):
        text.readline()


def _not_csv(problem: csv.Error) -> str:
    if "field larger" in str(problem):
        return (
            f"begins a cell of more than {LONGEST_CELL:,} characters: a quote that never ends, or no export of "
            "accounts; export the file again as CSV"
        )
    return (
        f"is not CSV ({problem}): a cell has a quote that never ends, or one inside that is not doubled; export the "
        "file again as CSV"
    )


def _check_encoding(name: str) -> None:
    try:
        "".encode(name)
    except (LookupError, UnicodeError) as problem:
        raise ExportEncodingUnknown(
            f"there is no encoding {name!r}; most exports are utf-8, utf-16 or, from older Windows programs, cp1252"
        ) from problem


def _encoding(path: Path) -> str:
    with readable(path), path.open("rb") as binary:
        start = binary.read(1024)
    encoding = next((name for mark, name in _ENCODINGS if start.startswith(mark)), "utf-8")
    if encoding == "utf-8" and start.count(b"\0") * 4 > len(start):
        raise ExportEncodingUnknown(
            f"the file {path.name} is neither UTF-8 nor UTF-16 with a byte order mark; save it as 'CSV UTF-8', or name "
            "its encoding, as in --encoding utf-16-le"
        )
    return encoding


@contextmanager
def _decoded(path: Path, encoding: str) -> Iterator[None]:
    """Say what the reader can do, in place of what the operating system and the decoder raise."""
    try:
        with readable(path):
            yield
    except UnicodeError as problem:
        raise ExportEncodingUnknown(
            f"line {_line_of_strange_byte(path, encoding)} of {path.name} is not {encoding.removesuffix('-sig')}; save "
            "the file as 'CSV UTF-8', or name its encoding, as in --encoding cp1252"
        ) from problem


def _line_of_strange_byte(path: Path, encoding: str) -> int:
    """Decode a file up to the first byte that cannot be, and count the lines before it."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    with path.open("rb") as binary:
        while piece := binary.read(_PIECE_BYTES):
            before = decoder.getstate()
            try:
                lines += decoder.decode(piece).count("\n")
            except UnicodeError:
                decoder.setstate(before)
                return lines + _lines_decoded(decoder, piece)
    return lines


def _lines_decoded(decoder: codecs.IncrementalDecoder, piece: bytes) -> int:
    lines = 0
    for byte in piece:
        try:
            lines += decoder.decode(bytes((byte,))).count("\n")
        except UnicodeError:
            break
    return lines
