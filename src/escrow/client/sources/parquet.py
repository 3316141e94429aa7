"""Parquet, read column by column in batches by pyarrow from the extra ``files``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from escrow.client.sources.formats import LONGEST_CELL, FileFormat, extra_missing, readable
from escrow.errors import ExportDamaged, ExportEmpty, ExportMissing, ExportRowInvalid, ExtraMissing

if TYPE_CHECKING:
    import pyarrow

__all__ = ["ParquetFile", "open_parquet"]

_BATCH = 16_384
_DAMAGED = "the Parquet file {} is cut short or damaged; write it again"
#: Up to here every whole number of a floating column is exact, and written without an exponent.
_MOST_EXACT = 1e15


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file whose schema was read."""

    path: Path
    headers: tuple[str, ...]

    @property
    def format(self) -> FileFormat:
        """Parquet."""
        return FileFormat.PARQUET

    def batches(self, places: Sequence[int], needed: Set[int]) -> Iterator[list[list[str]]]:  # noqa: ARG002  # no row is short
        """Yield the rows as `Export.batches` says."""
        names = [self.headers[place] for place in places]
        with _damage_told(self.path):
            from pyarrow.parquet import ParquetFile as Reader  # noqa: PLC0415  # an extra: the base install lacks it

            with Reader(self.path) as reader:
                for batch in reader.iter_batches(_BATCH, columns=list(dict.fromkeys(names))):
                    by_name = dict(zip(batch.schema.names, batch.columns, strict=True))
                    columns = [_texts(by_name[name], name) for name in names]
                    yield _without_blank(columns)


def open_parquet(path: Path) -> ParquetFile:
    """Read the headers of a Parquet file.

    Raises:
        ExtraMissing, ExportDamaged, ExportEmpty: it cannot be read, with what to do about it.
    """
    with _damage_told(path):
        from pyarrow.parquet import read_schema  # noqa: PLC0415  # an extra: the base install lacks it

        headers = tuple(str(name) for name in read_schema(path).names)
    if not headers:
        raise ExportEmpty(f"the file {path.name} has no columns; export the accounts again")
    return ParquetFile(path, headers)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Say what the reader can do, in place of what the operating system and pyarrow raise."""
    try:
        from pyarrow import ArrowException  # noqa: PLC0415  # an extra: the base install lacks it
    except ImportError as missing:
        raise ExtraMissing(extra_missing(path, FileFormat.PARQUET.spoken)) from missing
    try:
        with readable(path):
            yield
    except (ArrowException, UnicodeDecodeError) as problem:
        raise ExportDamaged(_DAMAGED.format(path.name)) from problem
    except ExportMissing as problem:
        # pyarrow raises an OSError, without the number that the system's have, where a file is not what it should be.
        if isinstance(problem.__cause__, OSError) and problem.__cause__.errno is None:
            raise ExportDamaged(_DAMAGED.format(path.name)) from problem.__cause__
        raise


def _without_blank(columns: list[list[str]]) -> list[list[str]]:
    kept = [any(map(str.strip, cells)) for cells in zip(*columns, strict=True)]
    return columns if all(kept) else [list(compress(column, kept)) for column in columns]


def _texts(array: pyarrow.Array, name: str) -> list[str]:
    """Give the texts of a column, as a CSV export of the same accounts holds them; what is null is empty."""
    import pyarrow.compute as pc  # noqa: PLC0415  # an extra: the base install lacks it

    texts = pc.fill_null(_as_text(array, name), "")
    longest = pc.max(pc.utf8_length(texts)).as_py() or 0
    if longest > LONGEST_CELL:
        raise ExportRowInvalid(f"column {name!r} has a cell of more than {LONGEST_CELL:,} characters; shorten it")
    if pc.any(pc.match_substring(texts, "\0")).as_py():
        raise ExportRowInvalid(f"column {name!r} has a cell with a NUL byte, which no text has; write it again")
    return cast("list[str]", texts.to_pylist())


def _as_text(array: pyarrow.Array, name: str) -> pyarrow.Array:
    import pyarrow as pa  # noqa: PLC0415  # an extra: the base install lacks it
    import pyarrow.compute as pc  # noqa: PLC0415  # as above

    kind = array.type
    if pa.types.is_dictionary(kind):
        return _as_text(array.dictionary_decode(), name)
    if pa.types.is_floating(kind):
        return _numbers(array)
    if pa.types.is_boolean(kind):
        return pc.utf8_upper(array.cast(pa.string()))
    if pa.types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        seconds = array.cast(pa.timestamp("s", kind.tz), safe=False).cast(pa.timestamp("s")).cast(pa.string())
        return pc.replace_substring_regex(pc.binary_join_element_wise(seconds, zone, ""), " 00:00:00$", "")
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(array.cast(pa.string()), r"\.0+$", "")
    if pa.types.is_nested(kind) or pa.types.is_duration(kind):
        raise ExportRowInvalid(f"column {name!r} holds {kind}, which is no text, number or date; write it as text")
    return array.cast(pa.string())


def _numbers(array: pyarrow.Array) -> pyarrow.Array:
    """Write whole numbers without a fraction or an exponent; what is no number is empty."""
    import pyarrow as pa  # noqa: PLC0415  # an extra: the base install lacks it
    import pyarrow.compute as pc  # noqa: PLC0415  # as above

    array = array.cast(pa.float64())
    array = pc.if_else(pc.is_finite(array), array, None)
    is_whole = pc.and_(pc.equal(array, pc.trunc(array)), pc.less(pc.abs(array), _MOST_EXACT))
    whole = pc.if_else(is_whole, array, 0.0).cast(pa.int64()).cast(pa.string())
    return pc.if_else(is_whole, whole, array.cast(pa.string()))
