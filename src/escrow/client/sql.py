"""Databases by URL, for sinks and sources. SQLite needs nothing beside this package; others need the extra ``sql``.

Statements are standard SQL with named parameters, the same for all. Errors name the kind of a failure, and neither the
address nor a value.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from escrow.errors import ClientError

__all__ = ["Row", "SqlDatabase", "Transaction", "holds_password", "open_database", "what_failed"]

Row = Sequence[Any]
_SQLITE = "sqlite:///"


class Transaction(Protocol):
    """What can be done with a database in one transaction."""

    def run(self, statement: str, values: Sequence[Mapping[str, object]] = ()) -> None:
        """Run a statement once, or once for each of the values."""

    def rows(self, query: str) -> tuple[tuple[str, ...], Iterator[Row]]:
        """Run a query; give the names of its columns, and its rows as they come."""


class SqlDatabase(Protocol):
    """A database, for one purpose."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction, which is kept if all goes well.

        Raises:
            ClientError: as the database was opened with, for whatever the database says.
        """

    def has_table(self, table: str) -> bool:
        """Say whether there is a table, which may be written ``schema.table``."""

    def close(self) -> None:
        """Give its connections back."""


def holds_password(url: str) -> bool:
    """Say whether an address has a password in it, or cannot be told."""
    try:
        return urlsplit(url).password is not None
    except ValueError:
        return True


def open_database(url: str, folder: Path, *, what: str, error: type[ClientError]) -> SqlDatabase:
    """Open a database; the file of an SQLite one starts from ``folder``. Nothing is connected yet.

    Raises:
        ClientError: of the kind ``error``, if it cannot be used; ``what`` names the database in it.
    """
    if url.startswith(_SQLITE):
        return _Sqlite(folder / Path(url.removeprefix(_SQLITE)).expanduser(), what, error)
    from escrow.client.other_databases import open_other  # noqa: PLC0415  # needs an extra

    return open_other(url, what=what, error=error)


def what_failed(what: str, failure: Exception, kind: str = "") -> str:
    """Say what failed by its kind alone: what a database says may repeat values."""
    return f"{what} failed ({kind or type(failure).__name__}); look at the address, the rights, the table or query"


class _Sqlite:
    """An SQLite file, by the standard library."""

    def __init__(self, file: Path, what: str, error: type[ClientError]) -> None:
        self._file = file
        self._what = what
        self._error = error

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        try:
            database = sqlite3.connect(self._file, timeout=30.0)
        except sqlite3.Error as failure:
            raise self._error(what_failed(self._what, failure)) from None
        try:
            with database:
                database.execute("BEGIN IMMEDIATE")
                yield _SqliteTransaction(database)
        except sqlite3.Error as failure:
            raise self._error(what_failed(self._what, failure)) from None
        finally:
            database.close()

    def has_table(self, table: str) -> bool:
        with suppress(self._error), self.transaction() as tx:
            tx.run(f"SELECT 1 FROM {table} WHERE 1 = 0")  # noqa: S608  # a name that was checked
            return True
        return False

    def close(self) -> None:
        pass


class _SqliteTransaction:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def run(self, statement: str, values: Sequence[Mapping[str, object]] = ()) -> None:
        if values:
            self._database.executemany(statement, values)
        else:
            self._database.execute(statement)

    def rows(self, query: str) -> tuple[tuple[str, ...], Iterator[Row]]:
        found = self._database.execute(query)
        return tuple(name for name, *_ in found.description or ()), iter(found)
