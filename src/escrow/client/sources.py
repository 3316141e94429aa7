"""A CRM export as a CSV file → rows in columns, each row with its population.

Reads UTF-8 with or without a byte order mark and UTF-16 with one, separated by commas, semicolons or tabs. Only the
columns that are mapped are kept. Errors name lines, columns and stages, never an account.
"""

from __future__ import annotations

import codecs
import csv
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress, islice
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from escrow.client.columns import ColumnMapping, Meaning
from escrow.errors import (
    ExportEmpty,
    ExportEncodingUnknown,
    ExportMissing,
    ExportRowInvalid,
    RecordIdsInvalid,
    StageUnknown,
)

__all__ = ["CrmRows", "Export", "open_export", "read_rows"]

_BATCH = 500
_STAGES_SHOWN = 10
_EXCEL_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_ENCODINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Export:
    """A CSV file that was looked at: how it is written, and the headers of its columns."""

    path: Path
    encoding: str
    delimiter: str
    headers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CrmRows:
    """The rows of an export, a list for each mapped column and the population of each row; values stay out of ``repr``.

    ``populations`` holds the codes of `Population`. CRM ids are distinct and not empty. Rows of skipped stages are
    left out, and counted in ``skipped``.
    """

    columns: Mapping[Meaning, Sequence[str]] = field(repr=False)
    populations: npt.NDArray[np.uint8] = field(repr=False)
    skipped: int

    def __len__(self) -> int:
        return len(self.populations)

    @property
    def crm_ids(self) -> Sequence[str]:
        """The id of each row in its CRM."""
        return self.columns[Meaning.CRM_ID]

    def column(self, meaning: Meaning) -> Sequence[str]:
        """Give the values of a column, all empty if the export has none of this meaning."""
        return self.columns.get(meaning) or [""] * len(self)

    def value(self, meaning: Meaning, index: int) -> str:
        """Give one value of one row, empty if the export has no such column."""
        column = self.columns.get(meaning)
        return column[index].strip() if column else ""


def open_export(path: Path) -> Export:
    """Find out how a file is written and which columns it has.

    Raises:
        ExportMissing, ExportEmpty, ExportEncodingUnknown: the file cannot be read, with what to do about it.
    """
    with _file_errors(path):
        encoding = _encoding(path)
        with path.open(encoding=encoding, newline="") as text:
            start = text.readline()
        delimiter = max(",;\t", key=lambda candidate: len(next(csv.reader([start], delimiter=candidate), ())))
        with path.open(encoding=encoding, newline="") as text:
            headers = tuple(header.strip() for header in next(csv.reader(text, delimiter=delimiter), ()))
    if not any(headers):
        raise ExportEmpty(
            f"the file {path.name} has no header; export the accounts with a first line that names the columns"
        )
    return Export(path, encoding, delimiter, headers)


def read_rows(export: Export, mapping: ColumnMapping, *, progress: Callable[[int], None] | None = None) -> CrmRows:
    """Read the mapped columns of a whole export; ``progress`` is told how many rows were read since it was told last.

    Raises:
        ExportInvalid: the export cannot be mapped as it is; each subclass says what to do about it.
    """
    mapping.check_headers(export.headers)
    columns: dict[Meaning, list[str]] = {meaning: [] for meaning in mapping.columns}
    places = [export.headers.index(header) for header in mapping.columns.values()]
    for batch in _batches(export):
        for values, place in zip(columns.values(), places, strict=True):
            values.extend([row[place] for row in batch])
        if progress is not None:
            progress(len(batch))
    if not columns[Meaning.CRM_ID]:
        raise ExportEmpty(f"the file {export.path.name} has a header and no rows; export the accounts again")
    return _with_populations(columns, mapping)


def _batches(export: Export) -> Iterator[list[list[str]]]:
    """Yield the rows some thousands at a time, each filled up to the header's length; blank lines are left out."""
    width = len(export.headers)
    with _file_errors(export.path), export.path.open(encoding=export.encoding, newline="") as text:
        # Strict, since a quote that never ends would otherwise swallow every row after it without a word.
        reader = csv.reader(text, delimiter=export.delimiter, strict=True)
        next(reader)
        while batch := list(islice(reader, _BATCH)):
            widths = set(map(len, batch))
            if max(widths) > width:
                raise ExportRowInvalid(_row_too_long(reader.line_num, batch, width))
            yield batch if widths == {width} else _filled_up(batch, width)


def _filled_up(batch: list[list[str]], width: int) -> list[list[str]]:
    return [row + [""] * (width - len(row)) for row in batch if row]


def _row_too_long(last_line: int, batch: Sequence[Sequence[str]], width: int) -> str:
    from_the_end = next(back for back, row in enumerate(reversed(batch)) if len(row) > width)
    return (
        f"a row near line {last_line - from_the_end} has more cells than the header: a cell that holds the separator "
        "must stand in quotes; export the file again as CSV"
    )


def _with_populations(columns: dict[Meaning, list[str]], mapping: ColumnMapping) -> CrmRows:
    stages = columns[Meaning.STAGE]
    codes = _codes_of(Counter(stages), mapping)
    populations = np.fromiter(map(codes.__getitem__, stages), np.uint8, len(stages))
    kept = populations != 0
    if not kept.any():
        raise ExportEmpty("every row of the export is of a stage that is skipped; choose which stages to map")
    if not kept.all():
        columns = {meaning: list(compress(values, kept)) for meaning, values in columns.items()}
    columns[Meaning.CRM_ID] = _checked_ids(columns[Meaning.CRM_ID])
    return CrmRows(MappingProxyType(columns), populations[kept], int(np.count_nonzero(~kept)))


def _codes_of(stages: Counter[str], mapping: ColumnMapping) -> dict[str, int]:
    """Give the population code of each stage, zero for those to skip."""
    unknown = Counter({stage: rows for stage, rows in stages.items() if not mapping.knows_stage(stage)})
    if unknown:
        raise StageUnknown(_stages_unknown(unknown, mapping.columns[Meaning.STAGE]))
    return {stage: int(mapping.population_of(stage) or 0) for stage in stages}


def _stages_unknown(unknown: Counter[str], header: str) -> str:
    shown = [f"{stage.strip() or '(empty)'!r} ({rows} rows)" for stage, rows in unknown.most_common(_STAGES_SHOWN)]
    more = ["…"] if len(unknown) > _STAGES_SHOWN else []
    return (
        f"column {header!r} has {len(unknown)} values that belong to no population yet: {', '.join(shown + more)}; "
        'say for each what it is, as in --stage "Value"=customers (or opportunities, prospects, skip)'
    )


def _checked_ids(unverified: list[str]) -> list[str]:
    """Trim ids, bring them to NFC, and hold them to being there and distinct."""
    ids = list(map(str.strip, unverified))
    if not "".join(ids).isascii():
        ids = [unicodedata.normalize("NFC", text) for text in ids]
    repeated = len(ids) - len(set(ids))
    if not all(ids):
        raise RecordIdsInvalid(f"{ids.count('')} rows have no id; export the column that holds the id of each record")
    if repeated:
        raise RecordIdsInvalid(
            f"{repeated} rows repeat the id of a row before them; export each record once, without contacts or deals "
            "joined to it"
        )
    return ids


def _encoding(path: Path) -> str:
    with path.open("rb") as binary:
        start = binary.read(1024)
    if not start.strip():
        raise ExportEmpty(f"the file {path.name} is empty; export the accounts again")
    if start.startswith(_EXCEL_STARTS):
        raise ExportEncodingUnknown(f"the file {path.name} is an Excel workbook; save it as 'CSV UTF-8' and try again")
    encoding = next((name for mark, name in _ENCODINGS if start.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in start:
        raise ExportEncodingUnknown(_SAVE_AS_UTF8.format(path.name))
    return encoding


_SAVE_AS_UTF8 = "the file {} is neither UTF-8 nor UTF-16 with a byte order mark; save it as 'CSV UTF-8' and try again"


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    """Say what the reader can do, in place of what the operating system, the decoder or the CSV reader raise."""
    try:
        yield
    except UnicodeError as problem:
        raise ExportEncodingUnknown(_SAVE_AS_UTF8.format(path.name)) from problem
    except csv.Error as problem:
        raise ExportRowInvalid(
            f"the file {path.name} is not CSV: {problem}. A cell has a quote that never ends, or one inside that is "
            "not doubled; export it again as CSV"
        ) from problem
    except OSError as problem:
        raise ExportMissing(f"the file {path.name} cannot be read: {problem.strerror}; check the path") from problem
