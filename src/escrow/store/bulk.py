"""Many rows of one partnership in one statement, at the speed of the driver.

SQLAlchemy's own handling of parameters costs several times what the database does with them, and on SQLite all other
writers wait meanwhile. Every table here has a primary key that begins with ``partnership_id``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import Table

from escrow.store.database import Transaction

__all__ = ["delete_rows", "put_rows"]

Value = bytes | str | int | None


def put_rows(tx: Transaction, table: Table, partnership_id: UUID, rows: Collection[tuple[Value, ...]]) -> None:
    """Write whole rows, each in the place of one with the same key.

    A row is the values of all columns after ``partnership_id``, in the order of the table; they are what the driver
    takes, so only bytes, text and integers.
    """
    columns, key = [column.name for column in table.columns], [column.name for column in table.primary_key]
    renewed = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    values = ", ".join(_mark(tx) for _ in columns)
    statement = (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({values}) "  # noqa: S608 - names from our tables
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {renewed}"
    )
    _run(tx, statement, partnership_id, rows)


def delete_rows(tx: Transaction, table: Table, partnership_id: UUID, keys: Collection[tuple[Value, ...]]) -> None:
    """Delete rows by their keys, each without ``partnership_id``."""
    key = [column.name for column in table.primary_key]
    matched = " AND ".join(f"{column} = {_mark(tx)}" for column in key)
    _run(tx, f"DELETE FROM {table.name} WHERE {matched}", partnership_id, keys)  # noqa: S608 - names from our tables


def _run(tx: Transaction, statement: str, partnership_id: UUID, rows: Iterable[tuple[Value, ...]]) -> None:
    # SQLAlchemy keeps ids as hexadecimal text where the database has no type for them.
    first = partnership_id.hex if tx.dialect.name == "sqlite" else partnership_id
    parameters = [(first, *row) for row in rows]
    if parameters:
        tx.exec_driver_sql(statement, parameters)


def _mark(tx: Transaction) -> str:
    return "?" if tx.dialect.name == "sqlite" else "%s"
