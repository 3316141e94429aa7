"""Lists that are not files: a query of a database, or the records of a CRM, kept as a file that is read as any other.

Of a CRM only what was modified since the last time is fetched, with a margin, since changes show up late and out of
order; from time to time everything is, since what was deleted is not always told. A source whose address, object or
fields are other ones is fetched anew.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from escrow.client.home import held, new_file
from escrow.client.sources.cells import text_of
from escrow.client.sqlite_files import opened_sqlite
from escrow.errors import SourceFailed

__all__ = ["MARGIN", "Cached", "CrmReader", "Modified", "write_rows"]

#: How far back before the last change that was seen one looks again.
MARGIN = timedelta(minutes=10)
_FIELD = re.compile(r"[A-Za-z0-9_.]{1,255}")
_IF_DAMAGED = "remove it: the next run fetches everything anew"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, content TEXT);
"""


@dataclass(frozen=True, slots=True)
class Modified:
    """One record of a CRM as it is now; ``values`` is None where it was deleted."""

    id: str
    at: datetime
    values: Mapping[str, str] | None = field(repr=False)


#: Gives what was modified since a time, or everything where it is None.
CrmReader = Callable[[Sequence[str], datetime | None], Iterable[Modified]]


@dataclass(frozen=True, slots=True)
class Cached:
    """What is kept of one source in a folder; ``name`` says where it is fetched from, without secrets."""

    folder: Path
    name: str

    def file(self, fields: Sequence[str], read: CrmReader, *, whole: timedelta, now: datetime) -> Path:
        """Fetch what is new, and give a CSV file of all there is.

        Raises:
            SourceFailed: nothing was fetched; the file of before is as it was.
            StateInvalid, HomeBusy, OSError: what is kept cannot be used, as `opened_sqlite`.
        """
        if not fields:
            raise SourceFailed(
                "escrow.toml names no field to read: [columns] says which are crm_id, account_name, website and stage"
            )
        for each in fields:
            if not _FIELD.fullmatch(each):
                raise SourceFailed("a column that escrow.toml names cannot be a field of a CRM: it has other signs")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stem = hashlib.sha256(f"{self.name}\n{json.dumps(list(fields))}".encode()).hexdigest()[:24]
        kept = self.folder / f"{stem}.sqlite"
        with held(self.folder / f"{stem}.lock"), opened_sqlite(kept, if_damaged=_IF_DAMAGED) as database:
            kept.chmod(0o600)
            database.executescript(_SCHEMA)
            with database:
                _fetch(database, fields, read, whole=whole, now=now)
            rows = ([values.get(each, "") for each in fields] for values in _kept(database))
            return write_rows(self.folder / f"{stem}.csv", fields, rows)


def write_rows(place: Path, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """Write rows to a CSV file, for this user's eyes, in the place of the one before."""
    with new_file(place) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headers)
        writer.writerows(["" if value is None else text_of(value) for value in row] for row in rows)
    return place


def _fetch(
    database: sqlite3.Connection, fields: Sequence[str], read: CrmReader, *, whole: timedelta, now: datetime
) -> None:
    newest, fetched_whole = _heard(database, "newest"), _heard(database, "whole")
    is_whole = newest is None or fetched_whole is None or now - fetched_whole >= whole
    since = None if is_whole or newest is None else newest - MARGIN
    if is_whole:
        database.execute("DELETE FROM records")
    for record in read(fields, since):
        newest = record.at if newest is None else max(newest, record.at)
        if record.values is None:
            database.execute("DELETE FROM records WHERE id = ?", (record.id,))
        else:
            content = json.dumps(record.values, ensure_ascii=False)
            database.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", (record.id, content))
    _hear(database, "newest", newest)
    if is_whole:
        _hear(database, "whole", now)


def _kept(database: sqlite3.Connection) -> Iterator[Mapping[str, str]]:
    for (content,) in database.execute("SELECT content FROM records ORDER BY id"):
        yield json.loads(content)


def _heard(database: sqlite3.Connection, name: str) -> datetime | None:
    found = database.execute("SELECT value FROM heard WHERE name = ?", (name,)).fetchone()
    return datetime.fromisoformat(found[0]) if found else None


def _hear(database: sqlite3.Connection, name: str, at: datetime | None) -> None:
    if at is not None:
        value = at.astimezone(UTC).isoformat()
        database.execute("INSERT OR REPLACE INTO heard VALUES (?, ?)", (name, value))
