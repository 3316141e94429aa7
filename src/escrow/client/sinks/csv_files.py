"""Sink: CSV files in a folder. One file for each change set, and one with every record as it is now.

The folder has a folder for each partnership. A file is written beside its place and moved over: a program that reads it
sees the old one or the new one. Values come from two CRMs and a partner: a cell never starts a formula.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from escrow.client.home import new_file
from escrow.client.sinks.changes import Batch, Change, OverlapRecord
from escrow.client.sinks.sink import ALL_TAKEN, Taken
from escrow.errors import SinkFailed
from escrow.reports.render import harmless

__all__ = ["CsvFiles", "check_folder"]

_RECORD = ("crm_id", "account_name", "partnership", "ours", "theirs", "tier", "level", "overlap", "entered_at")
_CHANGE = ("change", "was_ours", "was_theirs")
_Told = dict[str, Any]


class CsvFiles:
    """Writes ``changes-000001.csv`` and so on, and ``current.csv``, a line for each of the partner's accounts."""

    most: int | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """The folder."""
        return f"csv {self._folder.absolute()}"

    def take(self, batch: Batch) -> Taken:
        """Write the change set, if it says anything, and then what is now."""
        folder = self._folder / _folder_name(batch)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if batch.size:
                place = folder / f"changes-{batch.number:06}.csv"
                _write(place, (*_CHANGE, *_RECORD), lambda: _changes(batch.changes))
            _write(folder / "current.csv", _RECORD, lambda: _records(batch.current()))
        except OSError as problem:
            raise SinkFailed(f"{folder} cannot be written to ({problem.strerror}); check the path") from None
        return ALL_TAKEN

    def preview(self, batch: Batch) -> Iterator[str]:
        """Name the files and the lines of the change set."""
        folder = self._folder / _folder_name(batch)
        yield f"write {folder / 'current.csv'}"
        if batch.size:
            yield f"write {folder / f'changes-{batch.number:06}.csv'}"
            yield from (json.dumps(each.told, ensure_ascii=False) for each in batch.changes)

    def close(self) -> None:
        """Nothing is held."""


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written to, or made; nothing is made by looking.

    Raises:
        SinkFailed: it cannot.
    """
    whole = folder.absolute()
    try:
        nearest = next(each for each in (whole, *whole.parents) if each.exists())
        is_fit = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    except OSError:  # a folder above that may not be looked into
        is_fit = False
    if not is_fit:
        raise SinkFailed(f"{folder} cannot be written to: it is no folder, or not open to you; check the path")


def _folder_name(batch: Batch) -> str:
    """Name the folder so that people find it and no two partnerships share it."""
    words = re.sub(r"[^a-z0-9]+", "-", batch.partnership.casefold()).strip("-")[:40]
    return f"{words or 'partnership'}-{str(batch.partnership_id)[:8]}"


def _write(place: Path, columns: Sequence[str], lines: Callable[[], Iterable[_Told]]) -> None:
    """Write a file in two passes: the first finds which fields the partner shares."""
    shared = sorted({name for line in lines() for name in line["shared"]})
    with new_file(place) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*columns, *(f"their_{name}" for name in shared)])
        for line in lines():
            cells = [*(line[name] for name in columns), *(line["shared"].get(name) for name in shared)]
            writer.writerow([harmless(cell) for cell in cells])


def _changes(changes: Iterable[Change]) -> Iterator[_Told]:
    for change in changes:
        told = change.told
        was = told["was"] or {}
        yield from _lines({**told, "was_ours": was.get("ours"), "was_theirs": was.get("theirs")})


def _records(records: Iterable[OverlapRecord]) -> Iterator[_Told]:
    for record in records:
        yield from _lines(record.told)


def _lines(told: _Told) -> Iterator[_Told]:
    """Give a line for each of the partner's accounts, or one without."""
    for shared in told["shared"] or [{}]:
        yield {**told, "shared": shared}
