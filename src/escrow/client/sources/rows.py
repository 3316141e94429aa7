"""The rows of an export, read whole, each in the population that the mapping or the filters say."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from escrow.client.columns import ColumnMapping, Meaning, stage_words
from escrow.client.sources.exports import Export
from escrow.client.sources.populations import (
    Left,
    PopulationFilters,
    absent_values,
    populations_by_filter,
    populations_by_stage,
)
from escrow.client.sources.segments import NO_SEGMENTS, Labels, SegmentFilters
from escrow.counts import counted
from escrow.errors import ColumnMissing, ExportEmpty, RecordIdsInvalid

__all__ = ["CrmRows", "read_columns", "read_rows"]

_PLACES_SHOWN = 3

Progress = Callable[[int], None]
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CrmRows:
    """The rows of an export, a list for each mapped column and the population of each row; values stay out of ``repr``.

    ``populations`` holds the codes of `Population`. CRM ids are distinct and not empty. Rows that belong to no
    population are left out, and counted in ``skipped``; ``left`` says more of them. ``segments`` are the owner's own
    labels, and ``custom`` the columns of custom fields.
    """

    columns: Mapping[Meaning, Sequence[str]] = field(repr=False)
    populations: npt.NDArray[np.uint8] = field(repr=False)
    skipped: int
    left: Left = field(default_factory=Left, repr=False)
    segments: Labels = field(default_factory=dict, repr=False)
    custom: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

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


def read_rows(
    export: Export,
    mapping: ColumnMapping,
    *,
    filters: PopulationFilters | None = None,
    segments: SegmentFilters = NO_SEGMENTS,
    custom: Mapping[str, str] = _NO_HEADERS,
    said_stages: Sequence[str] = (),
    progress: Progress | None = None,
) -> CrmRows:
    """Read the mapped columns of a whole export; ``progress`` is told how many rows were read since it was told last.

    Without ``filters`` the stage of a row says its population. ``custom`` are headers by the names of custom fields.
    Which of ``said_stages`` no row has is told in ``left``.

    Raises:
        ExportInvalid: the export cannot be mapped as it is; each subclass says what to do about it.
    """
    mapping.check_headers(export.headers, needs_stage=filters is None)
    by_header = _headers_needed(export, mapping, filters)
    by_header |= dict.fromkeys(segments.headers(mapping, export.headers).values(), True)
    by_header |= dict.fromkeys(_there(custom, export), False)
    values = read_columns(export, by_header, progress=progress)
    columns = {meaning: values[header] for meaning, header in mapping.columns.items()}
    if not columns[Meaning.CRM_ID]:
        raise ExportEmpty(f"the file {export.path.name} has a header and no rows; export the accounts again")
    if filters is None:
        populations, left = populations_by_stage(columns[Meaning.STAGE], mapping)
    else:
        populations, left = populations_by_filter(values, mapping, filters)
    missing = absent_values(said_stages, columns.get(Meaning.STAGE, ()), alike=stage_words)
    left = replace(left, absent=(*left.absent, *missing))
    rows = _of_populations(columns, populations, left, segments.labels(values, mapping))
    return rows if not custom else replace(rows, custom=_kept(custom, values, populations))


def _there(custom: Mapping[str, str], export: Export) -> Iterable[str]:
    """Give the headers of custom fields, once each is known to stand in the export."""
    for name, header in custom.items():
        if export.headers.count(header) != 1:
            raise ColumnMissing(
                f"the export has no column {header!r}, or several, for {name}; see [details] of escrow.toml"
            )
    return custom.values()


def _kept(
    custom: Mapping[str, str], values: Mapping[str, Sequence[str]], populations: npt.NDArray[np.uint8]
) -> Mapping[str, Sequence[str]]:
    kept = (populations != 0).tolist()
    return {name: list(compress(values[header], kept)) for name, header in custom.items()}


def read_columns(
    export: Export, needed_by_header: Mapping[str, bool], *, progress: Progress | None = None
) -> dict[str, list[str]]:
    """Read the columns under these headers; a row must reach those that are needed."""
    columns: dict[str, list[str]] = {header: [] for header in needed_by_header}
    places = [export.headers.index(header) for header in columns]
    needed = {place for place, is_needed in zip(places, needed_by_header.values(), strict=True) if is_needed}
    for batch in export.batches(places, needed):
        for values, read in zip(columns.values(), batch, strict=True):
            values.extend(read)
        if progress is not None and batch:
            progress(len(batch[0]))
    return columns


def _headers_needed(export: Export, mapping: ColumnMapping, filters: PopulationFilters | None) -> dict[str, bool]:
    """Say which headers are read, and whether every row must reach them."""
    is_needed = {header: meaning is Meaning.CRM_ID for meaning, header in mapping.columns.items()}
    if filters is None:
        return is_needed | {mapping.columns[Meaning.STAGE]: True}
    return is_needed | dict.fromkeys(filters.headers(mapping, export.headers).values(), True)


def _of_populations(
    columns: dict[Meaning, list[str]], populations: npt.NDArray[np.uint8], left: Left, labels: Labels
) -> CrmRows:
    kept = populations != 0
    if not kept.any():
        raise ExportEmpty(
            "no row of the export belongs to a population: every one is of a stage that is skipped, or matches no "
            "filter; choose which rows to map"
        )
    if not kept.all():
        columns = {meaning: list(compress(values, kept)) for meaning, values in columns.items()}
    columns[Meaning.CRM_ID] = _checked_ids(columns[Meaning.CRM_ID], np.flatnonzero(kept))
    segments = {name: bearers[kept] for name, bearers in labels.items()}
    return CrmRows(MappingProxyType(columns), populations[kept], int(np.count_nonzero(~kept)), left, segments)


def _checked_ids(unverified: list[str], places: npt.NDArray[np.intp]) -> list[str]:
    """Trim ids, bring them to NFC, and hold them to being there and distinct; ``places`` are those of their rows."""
    ids = list(map(str.strip, unverified))
    if not "".join(ids).isascii():
        ids = [unicodedata.normalize("NFC", text) for text in ids]
    if not all(ids):
        without = [place for place, id_ in zip(places.tolist(), ids, strict=True) if not id_]
        raise RecordIdsInvalid(
            f"{counted(len(without), 'row has', 'rows have')} no id ({_which(without)}); export the column that holds "
            "the id of each record"
        )
    if len(set(ids)) != len(ids):
        again = list(_repeating(ids, places.tolist()))
        most = Counter(ids).most_common(1)[0][1]
        raise RecordIdsInvalid(
            f"{counted(len(again), 'row repeats', 'rows repeat')} the id of a row before ({_which(again)}), one id up "
            f"to {most} times; export each record once, without contacts or deals joined to it"
        )
    return ids


def _repeating(ids: Sequence[str], places: Sequence[int]) -> Iterator[int]:
    seen: set[str] = set()
    for id_, place in zip(ids, places, strict=True):
        if id_ in seen:
            yield place
        seen.add(id_)


def _which(places: Sequence[int]) -> str:
    """Say which rows are meant, the first of them: row 1 is the first below the header, blank lines aside."""
    shown = ", ".join(f"{place + 1:,}" for place in places[:_PLACES_SHOWN])
    more = ", …" if len(places) > _PLACES_SHOWN else ""
    return f"below the header: row{'s' * (len(places) > 1)} {shown}{more}"
