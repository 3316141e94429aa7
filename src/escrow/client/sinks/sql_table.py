"""Sink: one table of a SQL database, a row for each of our CRM rows that overlaps, changed in place.

The table is made if it is not there, and holds what is now: a row that left is deleted. Rows are deleted and written
anew by their key in one transaction, so that a batch told twice is as told once, in any database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from escrow.client.sinks.changes import Batch, Change, ChangeKind
from escrow.client.sinks.sink import ALL_TAKEN, Taken
from escrow.client.sql import SqlDatabase

__all__ = ["COLUMNS", "DEFAULT_TABLE", "SqlTable"]

DEFAULT_TABLE = "escrow_overlaps"

#: The columns of the table with their types, as `docs/sync.md` tells them.
COLUMNS: Mapping[str, str] = {
    "partnership_id": "VARCHAR(36) NOT NULL",
    "crm_id": "VARCHAR(255) NOT NULL",
    "partnership": "VARCHAR(255) NOT NULL",
    "account_name": "VARCHAR(1024) NOT NULL",
    "ours": "VARCHAR(16) NOT NULL",
    "theirs": "VARCHAR(16) NOT NULL",
    "tier": "VARCHAR(16) NOT NULL",
    "level": "VARCHAR(16) NOT NULL",
    "overlap": "VARCHAR(32) NOT NULL",
    "shared": "TEXT NOT NULL",
    "entered_at": "VARCHAR(32) NOT NULL",
    "changed_at": "VARCHAR(32) NOT NULL",
    "last_change": "VARCHAR(16) NOT NULL",
    "change_set": "BIGINT NOT NULL",
}
_KEY = ("partnership_id", "crm_id")


class SqlTable:
    """Keeps the table of one database; ``address`` is told without its password."""

    most: int | None = 2_000

    def __init__(self, database: SqlDatabase, table: str, *, reference: str) -> None:
        self._database = database
        self._table = table
        self._reference = reference
        self._is_there = False

    @property
    def place(self) -> str:
        """Which database by the name of its address, and which table."""
        return f"sql {self._reference} {self._table}"

    def take(self, batch: Batch) -> Taken:
        """Write a batch in one transaction; after the last of a new start, delete what it did not write."""
        self._make_table()
        changes = list(batch.changes)
        written = [_row(batch, change) for change in changes if change.kind is not ChangeKind.LEFT]
        keys = [{"partnership_id": str(batch.partnership_id), "crm_id": each.record.crm_id} for each in changes]
        with self._database.transaction() as tx:
            if keys:
                tx.run(f"DELETE FROM {self._table} WHERE {_equal(_KEY)}", keys)  # noqa: S608  # names that were checked
            if written:
                tx.run(_insert(self._table), written)
            if batch.starts_over and batch.is_last:
                others = f"DELETE FROM {self._table} WHERE partnership_id = :partnership_id AND change_set <> :number"  # noqa: S608  # as above
                tx.run(others, [{"partnership_id": str(batch.partnership_id), "number": batch.number}])
        return ALL_TAKEN

    def preview(self, batch: Batch) -> Iterator[str]:
        """Name the table, and give the rows."""
        yield f"upsert into {self._table}"
        yield from (json.dumps(_row(batch, each), ensure_ascii=False) for each in batch.changes)

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    def _make_table(self) -> None:
        if not self._is_there and not self._database.has_table(self._table):
            columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
            with self._database.transaction() as tx:
                tx.run(f"CREATE TABLE {self._table} ({columns}, PRIMARY KEY ({', '.join(_KEY)}))")
        self._is_there = True


def _row(batch: Batch, change: Change) -> dict[str, object]:
    record = change.record
    return {
        **record.told,
        # Longer than the columns are, a name would keep its whole batch out.
        "partnership": record.partnership[:255],
        "account_name": record.account_name[:1024],
        "shared": json.dumps([dict(each) for each in record.shared], ensure_ascii=False),
        "changed_at": batch.made_at,
        "last_change": change.kind.value,
        "change_set": batch.number,
    }


def _insert(table: str) -> str:
    names = tuple(COLUMNS)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"  # noqa: S608  # a name that was checked


def _equal(names: Sequence[str]) -> str:
    return " AND ".join(f"{name} = :{name}" for name in names)
